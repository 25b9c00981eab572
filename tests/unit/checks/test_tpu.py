from __future__ import annotations

from typing import Any

import pytest

from envdoctor.model.machine import DeviceNode, Tpu

OPEN = DeviceNode(path="/dev/vfio/0", readable=True, writable=True)
CLOSED = DeviceNode(path="/dev/vfio/0", readable=False, writable=False)


@pytest.mark.parametrize(
    ("fields", "status", "command"),
    [
        ({"nodes": (OPEN,), "holder": 4242, "lock_file": True}, "warn", "ps -fp 4242"),
        ({"nodes": (OPEN,), "lock_file": True}, "warn", "rm /tmp/libtpu_lockfile"),
        ({"nodes": (CLOSED,)}, "fail", ""),
        ({}, "fail", ""),
    ],
)
def test_a_tpu_that_cannot_be_used(fields, status, command, run, snapshot, machine, environment):
    there = environment({"libtpu": "0.0.25", "jax": "0.10.2"})
    sick = snapshot(machine=machine(tpu=Tpu(chips=4, **fields)), environment=there)
    (found,) = run("tpu-held-or-missing", sick)
    assert (found.status, found.remedies[0].command) == (status, command)


def test_a_tpu_that_is_free_and_one_that_nobody_uses(run, snapshot, machine):
    for tpu in (Tpu(chips=4, nodes=(OPEN,)), Tpu(chips=4), None):
        assert run("tpu-held-or-missing", snapshot(machine=machine(tpu=tpu))) == []


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ({"jax": "0.5.2", "libtpu": "0.0.10.1"}, True),
        ({"jax": "0.10.2", "libtpu": "0.0.25"}, False),
        ({"jax": "0.5.2"}, False),
        ({"jax": "odd", "libtpu": "1"}, False),
    ],
)
def test_an_old_jax_for_tpus(versions: Any, told, run, snapshot, environment):
    found = run("jax-tpu-extra-backtracks", snapshot(environment=environment(versions)))
    assert bool(found) == told
    if told:
        assert found[0].status == "info"
        assert "-m pip install --upgrade 'jax[tpu]'" in found[0].remedies[0].command
