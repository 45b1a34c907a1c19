"""CustomERP, an accounting system: cursors, PUT with version numbers, hard deletion, local time of Oslo."""
