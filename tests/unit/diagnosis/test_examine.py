from __future__ import annotations

import sys

import pytest
from msgspec import structs

from envdoctor.api import Collector, Detector
from envdoctor.diagnosis.examine import collect, examine, examine_kernels
from envdoctor.errors import InputError
from envdoctor.model.environment import Framework, Kernel
from envdoctor.model.machine import Machine, Platform
from envdoctor.plugins import Owner, Plugins
from envdoctor.target.inspection import Ahead


def of(*records):
    owner = Owner("x", "x", "1")
    plugins = Plugins()
    hooks = {Detector: "envdoctor_detectors", Collector: "envdoctor_collectors"}
    for record in records:
        plugins.records[hooks[type(record)]].append((owner, record))
    return plugins


def found(name, value):
    return Collector(name=name, summary="", run=lambda _: value)


def test_a_snapshot_is_of_the_machine_and_of_each_environment(tmp_path):
    detector = Detector(
        name="made", summary="", run=lambda: Machine(platform=Platform(system="Made"))
    )
    collector = found("mine", Framework(name="mine", version="1.0"))
    (snapshot,) = examine(of(detector, collector), [sys.executable], Ahead([], str(tmp_path)))
    assert snapshot.machine.platform.system == "Made"
    assert snapshot.environment.interpreter.path == sys.executable
    assert snapshot.environment.frameworks["mine"].version == "1.0"
    assert "msgspec" in snapshot.environment.distributions
    assert snapshot.probes is None
    assert snapshot.taken_at.endswith("+00:00")
    assert snapshot.envdoctor_version


def test_an_interpreter_that_does_not_start_is_a_mistake(tmp_path):
    with pytest.raises(InputError):
        examine(of(), [str(tmp_path / "python")], Ahead([], str(tmp_path)))


def test_a_collector_that_breaks_is_named_and_stops_no_other(made):
    def broken(_):
        raise SystemExit("bad")

    collectors = [
        Collector(name="bad", summary="", run=broken),
        found("absent", None),
        found("good", Framework(name="good")),
    ]
    environment = collect(collectors, made["environment"]())
    assert list(environment.frameworks) == ["good"]
    assert [(each.what, each.reason) for each in environment.unseen] == [
        ("the framework bad", "SystemExit: bad")
    ]


def test_ctrl_c_is_no_fault_of_a_collector(made):
    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect([Collector(name="x", summary="", run=interrupted)], made["environment"]())


def test_kernels_are_looked_at_once_and_a_lost_one_is_a_sentence(made, tmp_path):
    lost = str(tmp_path / "gone" / "python")
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    kernels = tuple(
        Kernel(name=name, path="kernel.json", interpreter=path, exists=True)
        for name, path in (("own", sys.executable), ("b", str(link)), ("c", str(link)), ("d", lost))
    )
    environment = made["environment"](interpreter={"path": sys.executable}, kernels=kernels)
    before = made["snapshot"](environment=environment)
    more, notes = examine_kernels(of(), [before], Ahead([], str(tmp_path)))
    assert [each.environment.interpreter.path for each in more] == [str(link)]
    assert len(notes) == 1
    assert notes[0].startswith("Jupyter kernel d: ")
    assert structs.replace(before) == before
