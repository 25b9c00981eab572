"""Two children for the test of neighbours, each started as a script of its own.

`step CPU` answers each line with the nanoseconds of one fixed step. `spin CPU FLAG` is a worker
whose pool goes on spinning after its work, as those of OpenBLAS and OpenMP do: two threads that
never rest while there is a file of that name. Both keep to the CPU that they are given.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from pathlib import Path

STEP_SECONDS = 0.02
LOOK_SECONDS = 0.005
SPINNERS = 2
# Hashing a large buffer releases the lock of the interpreter, as a matrix product does.
BUFFER = bytes(1 << 18)


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def step(hashes):
    begun = time.perf_counter_ns()
    for _ in range(hashes):
        hashlib.sha256(BUFFER)
    return time.perf_counter_ns() - begun


def serve_steps():
    single = min(step(1) for _ in range(20))
    hashes = max(1, round(STEP_SECONDS * 1e9 / single))
    say("ready")
    for _ in sys.stdin:
        say(step(hashes))


def spin_while(flag):
    while True:
        if flag.exists():
            hashlib.sha256(BUFFER)
        else:
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[2])})
    if sys.argv[1] == "step":
        serve_steps()
    else:
        pool = [
            threading.Thread(target=spin_while, args=(Path(sys.argv[3]),)) for _ in range(SPINNERS)
        ]
        for thread in pool:
            thread.start()
        say("ready")
