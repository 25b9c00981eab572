"""Diagnoses made by hand; load it with `runpy.run_path`, since tests are no package."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from envdoctor.api import Check, Page
from envdoctor.diagnosis.judge import judge
from envdoctor.model.diagnosis import Diagnosis
from envdoctor.model.finding import Evidence, Finding, Remedy
from envdoctor.model.machine import Unseen

MADE = runpy.run_path(str(Path(__file__).parent / "snapshots.py"))
CAUSE = Finding(
    id="nvidia-module",
    status="fail",
    title="The kernel module of the NVIDIA driver is not loaded",
    evidence=(Evidence(fact="no /proc/driver/nvidia/version", source="procfs"),),
    cause="The module was not built for the kernel that runs, so nothing can reach the GPU.",
    remedies=(
        Remedy(
            command="sudo apt install linux-headers-$(uname -r) && sudo dkms autoinstall",
            text="Build it.",
            needs_root=True,
        ),
        Remedy(text="Start the older kernel.", restarts=True),
    ),
    verify="nvidia-smi",
)
EFFECT = Finding(
    id="torch-cpu",
    status="warn",
    title="torch is built without CUDA",
    remedies=(Remedy(command="/home/ada/venv/bin/python -m pip install torch"),),
)
NOTE = Finding(id="advice", status="info", title="Forked processes cannot use CUDA")
UNKNOWN = Finding(id="files", status="error", title="RECORD cannot be read", cause="No right to.")
MUTED = Finding(id="shm-too-small", status="warn", title="Shared memory is small")


def check(check_id: str, group: str, *findings: Finding, hides: tuple[str, ...] = ()) -> Check:
    """A check that always finds this."""
    page = Page(why="Because.", seen_by="The facts.", remedy="Mend it.")
    summary = f"looks for {check_id}"
    return Check(
        id=check_id, group=group, summary=summary, run=lambda _: findings, page=page, hides=hides
    )


def diagnosis(*checks: Check, notes: tuple[str, ...] = (), **parts: Any) -> Diagnosis:
    """What these checks find on a snapshot of these parts."""
    snapshot = MADE["snapshot"](envdoctor_version="0.1.0", taken_at="2026-11-22", **parts)
    target = judge(checks, snapshot, {"shm-too-small": "no workers here"})
    return Diagnosis(
        envdoctor_version="0.1.0", valid_as_of="2026-11-20", targets=(target,), notes=notes
    )


def healthy() -> Diagnosis:
    """Three frameworks on a CPU, and a dozen groups of checks without a finding."""
    names = (
        "torch",
        "tensorflow",
        "jax",
        "nvidia",
        "packages",
        "python",
        "machine",
        "tpu",
        "keras",
    )
    environment = MADE["environment"](
        {"torch": "2.13.0", "numpy": "2.4.0", "transformers": "5.1.0"},
        frameworks={"torch": "2.13.0", "tensorflow": "2.21.0", "jax": "0.10.2"},
    )
    return diagnosis(*(check(f"{name}-check", name) for name in names), environment=environment)


def sick() -> Diagnosis:
    """A cause with its consequence, a note, something unknown, something muted, an unseen thing."""
    unseen = (Unseen(what="the kernel log", reason="/dev/kmsg may not be read"),)
    return diagnosis(
        check("nvidia-module", "nvidia", CAUSE, hides=("torch-cpu",)),
        check("torch-cpu", "torch", EFFECT),
        check("advice", "torch", NOTE),
        check("files", "packages", UNKNOWN),
        check("shm-too-small", "machine", MUTED),
        check("sound", "machine"),
        notes=("Plugin left out: x (x 1): ImportError: y.",),
        environment=MADE["environment"](
            {"torch": "2.13.0"}, frameworks={"torch": "2.13.0"}, variables={"HF_TOKEN": "hidden"}
        ),
        machine=MADE["machine"](unseen=unseen),
    )
