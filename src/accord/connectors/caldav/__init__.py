"""Tasks of a CalDAV server (RFC 4791): calendar objects with a VTODO (RFC 5545), read by sync tokens (RFC 6578)."""
