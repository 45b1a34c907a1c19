"""A folder of Markdown files with front matter, as a system for Accord."""
