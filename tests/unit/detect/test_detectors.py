from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterator

import pytest

from envdoctor.api import Detector
from envdoctor.detect.cpu import read_cpu
from envdoctor.detect.detectors import envdoctor_detectors
from envdoctor.detect.gathering import facts_of, gather_machine, gpu_names, merge
from envdoctor.model.facts import Facts
from envdoctor.model.machine import (
    Amd,
    AmdGpu,
    Apple,
    HostMemory,
    Machine,
    Nvidia,
    NvidiaGpu,
    Platform,
    Processor,
    Unseen,
)

GIB = 1 << 30
LINUX = Machine(platform=Platform(system="Linux", kernel="6.8"))


def _detector(name: str, run: Callable[[], Machine]) -> Detector:
    return Detector(name=name, summary="", run=run)


def _raises() -> Machine:
    raise OSError("no such device")


@pytest.fixture
def never() -> Iterator[Callable[[], Machine]]:
    """A detector that answers only once the test is over."""
    over = threading.Event()

    def run() -> Machine:
        over.wait(60)
        return Machine()

    yield run
    over.set()


def test_the_built_in_detectors_tell_what_a_run_needs() -> None:
    facts = facts_of(gather_machine(envdoctor_detectors()))
    assert facts.system
    assert facts.system.name == platform.system()
    assert facts.system.python == platform.python_version()
    assert facts.cpu == read_cpu()
    assert facts.memory
    assert facts.memory.total_bytes >= facts.memory.available_bytes > 0
    assert facts.notes == ()


def test_a_detector_that_raises_is_unseen_and_stops_no_other() -> None:
    machine = gather_machine([_detector("odd", _raises), _detector("system", lambda: LINUX)])
    assert machine.platform == LINUX.platform
    assert machine.unseen == (Unseen(what="odd", reason="OSError: no such device"),)
    assert facts_of(machine).notes == ("odd: OSError: no such device",)


def test_a_detector_that_answers_nonsense_is_unseen() -> None:
    (unseen,) = gather_machine([_detector("odd", lambda: None)]).unseen  # type: ignore[arg-type, return-value]
    assert "NoneType" in unseen.reason


def test_a_detector_that_hangs_is_left_behind(never: Callable[[], Machine]) -> None:
    machine = gather_machine(
        [_detector("slow", never), _detector("system", lambda: LINUX)], seconds=0.3
    )
    assert machine.platform == LINUX.platform
    assert [each.what for each in machine.unseen] == ["slow"]


def test_ctrl_c_is_not_a_note() -> None:
    def interrupted() -> Machine:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather_machine([_detector("slow", interrupted)])


def test_two_detectors_may_know_something_of_one_part() -> None:
    first = Machine(platform=Platform(system="Linux"), commands={"gcc": "/gcc"})
    second = Machine(platform=Platform(hosted="colab"), commands={"nvcc": "/nvcc"})
    both = merge(first, second)
    assert both.platform == Platform(system="Linux", hosted="colab")
    assert both.commands == {"gcc": "/gcc", "nvcc": "/nvcc"}
    assert merge(both, Machine()) == both


def test_facts_keep_their_shape() -> None:
    machine = Machine(
        platform=Platform(system="Linux", kernel="6.8", architecture="x86_64"),
        processor=Processor(model="A", logical=4, allowed=(0, 1), quota=1.5),
        memory=HostMemory(total_bytes=8, available_bytes=4, limit_bytes=2),
    )
    facts = facts_of(machine)
    assert facts.cpu
    assert (facts.cpu.model, facts.cpu.allowed, facts.cpu.quota) == ("A", (0, 1), 1.5)
    assert facts.memory
    assert facts.memory.limit_bytes == 2
    assert facts_of(Machine()) == Facts()


def test_gpus_are_named_with_their_memory() -> None:
    machine = Machine(
        nvidia=Nvidia(gpus=(NvidiaGpu(index=0, name="H100", total_bytes=80 * GIB),)),
        amd=Amd(gpus=(AmdGpu(gfx="gfx942", total_bytes=192 * GIB),)),
        apple=Apple(chip="Apple M3"),
    )
    assert gpu_names(machine) == ("H100 (80 GiB)", "gfx942 (192 GiB)", "Apple M3")
    assert gpu_names(Machine()) == ()
