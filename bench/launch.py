"""Runs a command and says what it took. A process of its own, and a small one: the peak memory of a child counts from
the fork on, when it still is its parent (getrusage(2) on Linux).

`python -S launch.py COST.json COMMAND…`
"""

import os
import sys
import time

began = time.perf_counter()
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
wall = time.perf_counter() - began
with open(sys.argv[1], "w") as file:
    file.write(f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss / 1024} {os.waitstatus_to_exitcode(status)}")
