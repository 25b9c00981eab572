"""Everything that the doctor knows of tinygrad."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import remedies
from envdoctor.checks.hardware import system_install
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.machine import Machine
    from envdoctor.model.snapshot import Snapshot

TRY = "from tinygrad import Tensor; print((Tensor.ones(4, device='CPU').contiguous() + 1).tolist())"
PACKAGES = dict.fromkeys(("apt", "dnf", "pacman", "zypper", "apk"), "clang")
_GCC = re.compile(r"(?:.*[-/])?(?:gcc|g\+\+|linux-gnu-cc)(?:-[\d.]+)?$")
"""With a version, a folder or a prefix, as conda's have; a plain `cc` may well be a clang."""


def find_missing_clang(snapshot: Snapshot) -> Iterator[Finding]:
    """Tinygrad where only the CPU is left, and no compiler for it."""
    machine, environment = snapshot.machine, snapshot.environment
    tinygrad = environment.frameworks.get("tinygrad")
    if tinygrad is None or machine.platform.system == "Windows" or _has_gpu(machine):
        return
    if environment.variables.get("CC") or "clang" in machine.commands:
        return
    yield Finding(
        id="tinygrad-no-clang",
        status="info",
        title="tinygrad has no compiler for the CPU",
        evidence=(
            Evidence(fact=f"tinygrad {tinygrad.version}", source="installed packages"),
            Evidence(fact="no clang", source="PATH"),
            Evidence(fact="no GPU", source="the machine"),
        ),
        cause="tinygrad writes C and lets clang compile it, even for a sum of two numbers. GCC "
        "does not understand what it writes.",
        remedies=(system_install(machine.platform, PACKAGES, "Installs clang."),),
        verify=remedies.run_python(environment, TRY),
    )


def _has_gpu(machine: Machine) -> bool:
    """Whether tinygrad has another device than the CPU to begin with."""
    return bool(machine.nvidia or machine.amd) or machine.platform.system == "Darwin"


def find_other_compiler(snapshot: Snapshot) -> Iterator[Finding]:
    """The variable CC names a compiler that tinygrad cannot use."""
    environment = snapshot.environment
    tinygrad = environment.frameworks.get("tinygrad")
    named = environment.variables.get("CC", "")
    if tinygrad is None or not _GCC.match(named) or snapshot.machine.platform.system != "Linux":
        return
    yield Finding(
        id="tinygrad-cc-not-clang",
        status="info",
        title="CC names a compiler that tinygrad cannot use",
        evidence=(
            Evidence(fact=f"tinygrad {tinygrad.version}", source="installed packages"),
            Evidence(fact=f"CC={named}", source="environment"),
        ),
        cause="tinygrad runs the program that CC names with options and extensions of clang, which "
        "GCC refuses: its CPU device then fails with a CalledProcessError.",
        remedies=(
            Remedy(command="export CC=clang", text="For programs that use tinygrad on the CPU."),
        ),
        verify=remedies.run_python(environment, TRY),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="tinygrad-no-clang",
        group="tinygrad",
        summary="tinygrad on the CPU without clang",
        run=find_missing_clang,
        page=Page(
            symptoms=("FileNotFoundError: [Errno 2] No such file or directory: 'clang'",),
            why="The CPU device of tinygrad compiles each kernel with clang when it is first run, "
            "and opens with four small programs of its own that clang compiles, whichever "
            "renderer is chosen.",
            seen_by="clang on the path, the variable CC, and the GPUs of the machine",
            confirmed_by="envdoctor check --deep",
            remedy="Install clang with the package manager of the system, or point CC to one.",
            sources=("tinygrad/runtime/support/compiler_cpu.py", "tinygrad/runtime/ops_cpu.py"),
        ),
    ),
    Check(
        id="tinygrad-cc-not-clang",
        group="tinygrad",
        summary="CC set to GCC, which tinygrad cannot use",
        run=find_other_compiler,
        page=Page(
            symptoms=(
                "subprocess.CalledProcessError: Command '['gcc', '-c', '-x', 'c', '-O2', '-fPIC'",
                "gcc: error: unrecognized command-line option '--target=x86_64-none-unknown-elf'",
            ),
            why="tinygrad takes the compiler for its CPU device from CC, as build tools do, but it "
            "must be a clang. Activating conda's compilers sets CC to a GCC.",
            seen_by="the variable CC",
            confirmed_by="envdoctor check --deep",
            remedy="Set CC to clang where tinygrad runs.",
            sources=("tinygrad/runtime/support/compiler_cpu.py",),
        ),
    ),
)
