"""The dataflow document: what the project file says, for people, as text and as a checklist."""
