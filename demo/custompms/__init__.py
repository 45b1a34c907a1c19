"""CustomPMS, a project management system: page numbers, PATCH with ETags, soft deletion, webhooks, UTC."""
