from __future__ import annotations

import io
import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from msgspec import structs

from envdoctor.report import doctor_junit

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "support" / "diagnoses.py"))


def parsed(diagnosis: Any, **options: Any) -> ET.Element:
    stream = io.StringIO()
    doctor_junit.write(diagnosis, stream, **options)
    assert stream.getvalue().startswith('<?xml version="1.0" encoding="utf-8"?>\n')
    return ET.fromstring(stream.getvalue().encode("utf-8"))


def endings(root: ET.Element) -> dict[str, str]:
    return {
        case.get("name", ""): " ".join(child.tag for child in case)
        for case in root.iter("testcase")
    }


def test_a_case_a_check() -> None:
    root = parsed(MADE["sick"]())
    (suite,) = root.findall("testsuite")
    assert suite.get("name") == "/home/ada/venv/bin/python"
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "6", "failures": "1", "errors": "1", "skipped": "1"}
    assert endings(root) == {
        "nvidia-module": "failure",
        "torch-cpu": "system-out",
        "advice": "system-out",
        "files": "error",
        "shm-too-small": "skipped",
        "sound": "",
    }


def test_a_failure_says_what_to_do() -> None:
    root = parsed(MADE["sick"](), fail_on="warn")
    failures = {case.get("name"): case.find("failure") for case in root.iter("testcase")}
    found = failures["nvidia-module"]
    assert found is not None
    assert found.get("message") == "The kernel module of the NVIDIA driver is not loaded"
    assert "sudo dkms autoinstall" in (found.text or "")
    effect = failures["torch-cpu"]
    assert effect is not None
    assert effect.get("type") == "warn"
    assert "It follows from nvidia-module." in (effect.text or "")


def test_a_healthy_machine_has_no_ending() -> None:
    assert set(endings(parsed(MADE["healthy"]())).values()) == {""}


@pytest.mark.parametrize("text", ["<a & b>", "]]>", '"quoted"', "\x00\x1b\ud800\uffff", "ü ✓ 😀"])
def test_anything_can_be_found(text: str) -> None:
    evil = structs.replace(MADE["CAUSE"], title=text, cause=text)
    (case,) = parsed(MADE["diagnosis"](MADE["check"](evil.id, text, evil))).iter("testcase")
    (failure,) = case
    if text.isprintable():
        assert failure.get("message") == text
        assert text in (failure.text or "")
