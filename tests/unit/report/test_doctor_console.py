from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.model.diagnosis import Diagnosis
from envdoctor.model.finding import Finding
from envdoctor.report.doctor_console import Look, render

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "support" / "diagnoses.py"))
COMMAND = "sudo apt install linux-headers-$(uname -r) && sudo dkms autoinstall"


def show(diagnosis: Diagnosis, **look: Any) -> str:
    return "\n".join(render(diagnosis, Look(**look)))


def test_a_healthy_machine_is_one_short_screen() -> None:
    lines = show(MADE["healthy"]()).splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert "✓ torch 2.13.0, CPU build" in lines
    assert "AMD Ryzen 9 7950X, 32 CPUs · 69 GB memory · no GPU" in lines
    assert "NumPy 2.4.0 · Transformers 5.1.0" in lines
    assert "9 checks: all is well" in lines
    assert lines[-1] == "A pass speaks only for what was checked."


def test_what_is_not_there_has_no_line() -> None:
    text = show(MADE["healthy"]())
    assert "tpu" not in text
    assert "keras" not in text.lower()


def test_a_problem_is_told_from_evidence_to_verification() -> None:
    lines = show(MADE["sick"]()).splitlines()
    start = lines.index("✗ The kernel module of the NVIDIA driver is not loaded [nvidia-module]")
    assert lines[start + 1 : start + 11] == [
        "  seen    no /proc/driver/nvidia/version (procfs)",
        "  why     The module was not built for the kernel that runs, so nothing can",
        "          reach the GPU.",
        "  do      Build it. (needs administrator rights)",
        f"          {COMMAND}",
        "  or      Start the older kernel. (needs a restart)",
        "  verify  nvidia-smi",
        "    after that: torch is built without CUDA [torch-cpu]",
        "          /home/ada/venv/bin/python -m pip install torch",
        "",
    ]


def test_a_consequence_does_not_stand_by_itself() -> None:
    text = show(MADE["sick"]())
    assert "! torch is built without CUDA" not in text
    assert text.count("torch is built without CUDA") == 1


def test_the_last_lines_say_what_was_not_checked() -> None:
    text = show(MADE["sick"]())
    assert "6 checks: 1 problem, 1 warning, 1 note, 1 could not be checked, 1 muted" in text
    assert "Could not be looked at: the kernel log: /dev/kmsg may not be read; files:" in text
    assert "Plugin left out: x (x 1)" in text
    assert "Forked processes" not in text
    assert "Shared memory is small" not in text


def test_verbose_tells_everything() -> None:
    text = show(MADE["sick"](), verbose=True)
    for words in (
        "i Forked processes cannot use CUDA [advice]",
        "muted: Shared memory is small [shm-too-small] (no workers here)",
        "✓ sound: looks for sound",
        "? files: RECORD cannot be read. No right to.",
        "Compatibility tables of 2026-11-20",
    ):
        assert words in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_it_fits_any_width_but_cuts_no_command(width: int, verbose: bool) -> None:
    lines = show(MADE["sick"](), width=width, verbose=verbose).splitlines()
    assert any(line.strip() == COMMAND for line in lines)
    prose = [line for line in lines if "sudo" not in line and "/home/ada" not in line]
    assert max(map(len, prose)) <= width


def test_colour_is_only_where_it_is_wanted() -> None:
    sick = MADE["sick"]()
    assert "\x1b" not in show(sick)
    coloured = show(sick, colour=True)
    assert "\x1b[31m✗\x1b[0m" in coloured
    bare = coloured
    for code in ("0", "1", "2", "31", "32", "33", "36"):
        bare = bare.replace(f"\x1b[{code}m", "")
    assert bare == show(sick)


def test_plain_symbols_are_ascii() -> None:
    assert show(MADE["sick"](), unicode=False).isascii()
    assert show(MADE["healthy"](), unicode=False, verbose=True).isascii()


@pytest.mark.parametrize("field", ["title", "cause", "verify", "subject"])
def test_nothing_found_can_steer_the_terminal(field: str) -> None:
    finding = structs.replace(MADE["CAUSE"], **{field: "a\x1b[2Jb\x07\u202ec"})
    text = show(MADE["diagnosis"](MADE["check"](finding.id, "nvidia", finding)), verbose=True)
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_several_targets_are_told_apart() -> None:
    one = MADE["sick"]()
    other = structs.replace(one.targets[0], interpreter="/opt/other/bin/python")
    text = show(structs.replace(one, targets=(one.targets[0], other)))
    assert "\n/opt/other/bin/python\n" in text
    assert text.startswith("/home/ada/venv/bin/python\n")


def test_consequences_are_listed_once_under_several_findings_of_a_cause() -> None:
    found = [Finding(id="nvidia-module", status="fail", title="A", subject=n) for n in "xy"]
    cause = MADE["check"]("nvidia-module", "nvidia", *found, hides=("torch-cpu",))
    text = show(MADE["diagnosis"](cause, MADE["check"]("torch-cpu", "torch", MADE["EFFECT"])))
    assert text.count("after that:") == 1


def test_without_a_check_nothing_is_well() -> None:
    assert "nothing was checked" in show(MADE["diagnosis"]())
