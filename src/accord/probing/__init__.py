"""`discover --probe`: what a system does to made-up records, found out by writing some and removing them again."""
