from __future__ import annotations

import io
import runpy
from pathlib import Path
from typing import Any

from msgspec import structs

from envdoctor.model.finding import Remedy
from envdoctor.report import doctor_info, doctor_markdown

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "support" / "diagnoses.py"))


def text_of(diagnosis: Any) -> str:
    stream = io.StringIO()
    doctor_markdown.write(diagnosis, stream)
    return stream.getvalue()


def test_a_problem_and_what_follows_from_it() -> None:
    text = text_of(MADE["sick"]())
    cause = text.index("### Problem: The kernel module of the NVIDIA driver is not loaded")
    effect = text.index("#### After that: torch is built without CUDA (`torch-cpu`)")
    assert cause < effect
    assert (
        "\n```sh\nsudo apt install linux-headers-$(uname -r) && sudo dkms autoinstall\n```" in text
    )
    assert "### Note: Forked processes cannot use CUDA" in text
    assert "- Shared memory is small (`shm-too-small`): no workers here" in text
    assert "- the kernel log: /dev/kmsg may not be read" in text
    assert "compatibility tables of 2026-11-20." in text


def test_a_healthy_machine_is_short() -> None:
    text = text_of(MADE["healthy"]())
    assert "9 checks: all is well." in text
    assert "###" not in text


def test_what_was_found_is_no_markup() -> None:
    evil = structs.replace(
        MADE["CAUSE"],
        title="<script> [x](y) `z` *a*\n# b",
        remedies=(Remedy(command="echo '```'\nrm x"),),
    )
    text = text_of(MADE["diagnosis"](MADE["check"](evil.id, "nvidia", evil)))
    assert "\\<script\\> \\[x\\](y) \\`z\\` \\*a\\* \\# b" in text
    assert "\n````sh\necho '```'\nrm x\n````" in text


def test_the_facts_are_a_block() -> None:
    snapshot = MADE["sick"]().targets[0].snapshot
    stream = io.StringIO()
    doctor_info.write_markdown(snapshot, stream)
    text = stream.getvalue()
    assert text.startswith("\n```text\nenvdoctor:")
    assert text.endswith("\n```\n")
    plain = io.StringIO()
    doctor_info.write_text(snapshot, plain)
    assert plain.getvalue().strip() in text
    for words in (
        "system:        ubuntu 24.04, Linux 6.8.0-45-generic, x86_64, glibc 2.39",
        "python:        Python 3.11.9 at /home/ada/venv/bin/python",
        "frameworks:    torch 2.13.0, CPU build",
        "variable:      HF_TOKEN=hidden",
        "not seen:      the kernel log: /dev/kmsg may not be read",
    ):
        assert words in text


def test_a_gpu_is_among_the_facts() -> None:
    made = MADE["MADE"]
    machine = made["machine"](nvidia=made["nvidia"](gpus=(made["gpu"](), made["gpu"](index=1))))
    stream = io.StringIO()
    doctor_info.write_text(made["snapshot"](machine=machine), stream)
    text = stream.getvalue()
    assert "gpus:          2 x NVIDIA GeForce RTX 4090" in text
    assert "gpu 1:         NVIDIA GeForce RTX 4090, compute capability 8.9, 26 GB" in text
    assert "nvidia:        driver 580.95.05, CUDA 13.0 at most" in text
