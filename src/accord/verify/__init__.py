"""The checklist of the dataflow document, executed: both systems read afresh, every line with a result."""
