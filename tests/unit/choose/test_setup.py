from __future__ import annotations

from envdoctor.choose.setup import setup_of
from envdoctor.model.diagnosis import Checked, Target
from envdoctor.model.environment import Environment, Framework, Interpreter
from envdoctor.model.finding import Finding
from envdoctor.model.machine import Machine, Nvidia, NvidiaGpu, Platform
from envdoctor.model.run import Unavailable
from envdoctor.model.snapshot import Snapshot

FOUND = (
    Finding(id="torch-old", status="warn", title="This torch is old"),
    Finding(id="torch-muted", status="fail", title="Muted", muted="I know"),
    Finding(id="torch-note", status="info", title="A note"),
    Finding(id="disk", status="fail", title="The disk is full"),
)


def _setup():
    snapshot = Snapshot(
        machine=Machine(
            platform=Platform(system="Linux"),
            nvidia=Nvidia(gpus=(NvidiaGpu(index=0, name="A GPU"),)),
        ),
        environment=Environment(
            interpreter=Interpreter(path="/usr/bin/python", version="3.12.1"),
            frameworks={
                "torch": Framework(name="torch", version="2.13.0", cuda=None),
                "tensorflow": Framework(name="tensorflow", details={"cuda build": ""}),
            },
        ),
    )
    checked = tuple(
        Checked(id=each.id, group=each.id.partition("-")[0], summary="") for each in FOUND
    )
    target = Target(
        interpreter="/usr/bin/python", findings=FOUND, checked=checked, snapshot=snapshot
    )
    absent = {"jax": Unavailable(backend="jax", reason="not installed", remedy="pip install jax")}
    return setup_of(target, {"torch": "2.13.0", "tensorflow": "2.21.0"}, absent)


def test_the_machine_and_its_python_are_taken_over():
    setup = _setup()
    assert (setup.system, setup.python, setup.gpus) == ("Linux", "3.12", ("A GPU",))


def test_only_what_speaks_against_a_framework_is_told_of_it():
    assert _setup().installed["torch"].problems == ("This torch is old",)
    assert _setup().installed["tensorflow"].problems == ()


def test_a_build_without_cuda_is_known_by_its_files_only():
    installed = _setup().installed
    assert installed["torch"].without_cuda
    assert not installed["tensorflow"].without_cuda  # its files could not tell


def test_what_is_absent_has_its_reason_and_command():
    jax = _setup().installed["jax"]
    assert (jax.version, jax.hindrance, jax.remedy) == ("", "not installed", "pip install jax")
