"""What an OpenAPI document tells of a system, as the keys that a project file would have."""
