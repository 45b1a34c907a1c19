"""Two small real servers that behave as two vendors' products, for demonstrations, tests and benchmarks.

`python -m demo.custompms` and `python -m demo.customerp` start them. Nothing here imports Accord.

Files: `model` (what a datatype is), `http` (one request in, one answer out), `faults` (what may go wrong on purpose),
`pages` and `openapi` (for people and for programs), `custompms/` and `customerp/` (the two products), `data` (records).
"""
