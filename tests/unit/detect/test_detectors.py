from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.api import Detector
from envdoctor.detect.detectors import envdoctor_detectors, gather
from envdoctor.model.facts import Facts, System


def _detector(name: str, run: Callable[[], Facts]) -> Detector:
    return Detector(name=name, summary="", run=run)


def _raises() -> Facts:
    raise OSError("no such device")


def test_the_built_in_detectors_fill_every_fact() -> None:
    facts = gather(envdoctor_detectors())
    assert facts.system
    assert facts.cpu
    assert facts.memory
    assert facts.memory.total_bytes >= facts.memory.available_bytes > 0
    assert facts.notes == ()


def test_a_detector_that_raises_becomes_a_note_and_stops_no_other() -> None:
    system = System(name="Linux", release="6", architecture="x86_64", python="3.11")
    facts = gather(
        [
            _detector("odd", _raises),
            _detector("system", lambda: Facts(system=system, notes=("seen",))),
        ]
    )
    assert facts.system == system
    assert facts.notes == ("odd: OSError: no such device", "seen")


def test_a_detector_that_answers_nonsense_becomes_a_note() -> None:
    facts = gather([_detector("odd", lambda: None)])
    assert len(facts.notes) == 1
    assert facts.notes[0].startswith("odd: ")


def test_a_detector_that_found_nothing_erases_nothing() -> None:
    system = System(name="Linux", release="6", architecture="x86_64", python="3.11")
    facts = gather([_detector("a", lambda: Facts(system=system)), _detector("b", Facts)])
    assert facts.system == system


def test_ctrl_c_is_not_a_note() -> None:
    def interrupted() -> Facts:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather([_detector("slow", interrupted)])
