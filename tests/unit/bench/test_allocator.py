from __future__ import annotations

import os
import subprocess
import sys

import pytest

from envdoctor.bench.allocator import KEEP_FREED, allocator_variables

FAULTS = """
import ctypes, resource
c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
c.malloc.argtypes, c.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
SIZE = 24 << 20

def step():
    place = c.malloc(SIZE)
    ctypes.memset(place, 1, SIZE)
    c.free(place)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(3):
    step()
small = c.malloc(1 << 20)
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""
PAGES = (24 << 20) // os.sysconf("SC_PAGESIZE")


def count_faults(variables: dict[str, str]) -> int:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
    answer = subprocess.run(
        [sys.executable, "-c", FAULTS],
        env=environment | variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return int(answer.stdout)


def has_glibc() -> bool:
    return "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {})


@pytest.mark.skipif(not has_glibc(), reason="only glibc reads these variables")
def test_what_a_step_frees_is_there_in_the_next_one() -> None:
    assert count_faults(dict(KEEP_FREED)) < PAGES


@pytest.mark.skipif(not has_glibc(), reason="only glibc reads these variables")
def test_the_trim_threshold_alone_would_map_each_time() -> None:
    alone = {"MALLOC_TRIM_THRESHOLD_": KEEP_FREED["MALLOC_TRIM_THRESHOLD_"]}
    assert count_faults(alone) >= 10 * PAGES


def test_a_plain_environment_is_told_to_keep_what_it_frees() -> None:
    found = allocator_variables({"PATH": "/usr/bin", "LD_PRELOAD": "libexample.so"})
    assert found == dict(KEEP_FREED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALLOC_ARENA_MAX", "2"),
        ("MALLOC_TRIM_THRESHOLD_", "1000"),
        ("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=1000"),
        ("LD_PRELOAD", "/usr/lib/libtcmalloc.so.4"),
    ],
)
def test_an_allocator_that_the_user_has_tuned_is_left_alone(name: str, value: str) -> None:
    assert allocator_variables({name: value}) == {}
