"""Everything that the doctor knows of MLX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import remedies
from envdoctor.checks.hardware import system_install
from envdoctor.model.finding import Evidence, Finding
from envdoctor_mlx.facts import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment, Framework
    from envdoctor.model.finding import Remedy
    from envdoctor.model.snapshot import Snapshot

IMPORT = "import mlx.core as mx; print(mx.default_device())"
COMPILE = "import mlx.core as mx; print(mx.compile(lambda x: mx.exp(x) + 1)(mx.ones(8)))"
COMPILER = "g++"
"""What MLX calls by this name, whatever CXX says (Compile::eval_cpu in its error message)."""


def find_missing_backend(snapshot: Snapshot) -> Iterator[Finding]:
    """MLX without the library that computes, which is a distribution of its own."""
    environment = snapshot.environment
    mlx = environment.frameworks.get("mlx")
    system = snapshot.machine.platform.system
    if mlx is None or mlx.details.get("library") or _backends(mlx) or system == "Windows":
        return
    darwin = system == "Darwin"
    cuda = snapshot.machine.nvidia is not None and not darwin
    wanted = "mlx-metal" if darwin else "mlx[cuda12]" if cuda else "mlx[cpu]"
    yield Finding(
        id="mlx-backend-missing",
        status="fail",
        title="MLX is installed without a backend, so it cannot be imported",
        evidence=(
            Evidence(fact=f"mlx {mlx.version}", source="installed packages"),
            Evidence(fact="no libmlx", source=f"{mlx.location}/lib"),
        ),
        cause="The package mlx is only the part in Python; what computes comes with mlx-metal, "
        "mlx-cpu or one of mlx-cuda, and outside of macOS pip installs none of them unasked.",
        remedies=(
            remedies.install(
                environment, f"{wanted}=={mlx.version}", text="Installs the part that computes."
            ),
        ),
        verify=remedies.run_python(environment, IMPORT),
    )


def find_other_backend(snapshot: Snapshot) -> Iterator[Finding]:
    """A backend of another version than mlx: they share symbols that change."""
    environment = snapshot.environment
    mlx = environment.frameworks.get("mlx")
    if mlx is None:
        return
    wrong = {name: text for name, text in _backends(mlx).items() if text != mlx.version}
    if not wrong:
        return
    yield Finding(
        id="mlx-backend-version-mismatch",
        status="fail",
        title="MLX and its backend are of different versions",
        evidence=tuple(
            Evidence(fact=f"{name} {text}", source="installed packages")
            for name, text in {"mlx": mlx.version, **wrong}.items()
        ),
        cause="The Python side and the library are built together and released under one number; "
        "upgrading mlx alone leaves the other behind.",
        remedies=(_align(environment, mlx, list(wrong)),),
        verify=remedies.run_python(environment, IMPORT),
    )


def find_no_compiler(snapshot: Snapshot) -> Iterator[Finding]:
    """MLX for the CPU on Linux without the compiler that `mx.compile` calls."""
    machine, environment = snapshot.machine, snapshot.environment
    mlx = environment.frameworks.get("mlx")
    if mlx is None or machine.platform.system != "Linux" or "mlx-cpu" not in _backends(mlx):
        return
    if COMPILER in machine.commands:
        return
    yield Finding(
        id="mlx-compile-without-compiler",
        status="warn",
        title="mx.compile will fail on the CPU, because there is no g++",
        evidence=(
            Evidence(fact=f"mlx-cpu {_backends(mlx)['mlx-cpu']}", source="installed packages"),
            Evidence(fact="no g++", source="PATH"),
        ),
        cause="On the CPU MLX writes fused operations as C++ and runs g++ on them, also for some "
        "functions of mlx.nn such as its activations.",
        remedies=(
            system_install(
                machine.platform,
                {
                    "apt": "g++",
                    "dnf": "gcc-c++",
                    "pacman": "gcc",
                    "zypper": "gcc-c++",
                    "apk": "g++",
                },
                "Install GCC's C++ compiler, or export MLX_DISABLE_COMPILE=1 and do without.",
            ),
        ),
        verify=remedies.run_python(environment, COMPILE),
    )


def _backends(mlx: Framework) -> dict[str, str]:
    """The backends that are installed, with their versions."""
    return {name: text for name, text in mlx.details.items() if BACKENDS.match(name)}


def _align(environment: Environment, mlx: Framework, names: list[str]) -> Remedy:
    wanted = [f"{name}=={mlx.version}" for name in names]
    return remedies.install(
        environment, *wanted, text="Puts the backend at the version that mlx has."
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="mlx-backend-missing",
        group="mlx",
        summary="MLX without the part that computes",
        run=find_missing_backend,
        page=Page(
            symptoms=(
                (
                    "ImportError: libmlx.so: cannot open shared object file: No such file or "
                    "directory"
                ),
            ),
            why="The package is in two parts, and on Linux `pip install mlx` installs only the "
            "one without the library.",
            seen_by="the installed packages, and the files in mlx/lib",
            confirmed_by="python -c 'import mlx.core'",
            remedy="Install mlx[cpu], mlx[cuda12] or mlx[cuda13].",
            sources=("mlx#2390", "mlx#2500"),
        ),
    ),
    Check(
        id="mlx-backend-version-mismatch",
        group="mlx",
        summary="a backend of another version than mlx",
        run=find_other_backend,
        page=Page(
            symptoms=("ImportError: undefined symbol, from mlx.core",),
            why="mlx requires its backend in the same version, but only if it is installed through "
            "the extra; `pip install --upgrade mlx` leaves the backend as it is.",
            seen_by="the versions of mlx and of mlx-metal, mlx-cpu and mlx-cuda",
            confirmed_by="python -c 'import mlx.core'",
            remedy="Install both at one version.",
            sources=("mlx, package metadata",),
        ),
    ),
    Check(
        id="mlx-compile-without-compiler",
        group="mlx",
        summary="no g++ for what mx.compile writes on the CPU",
        run=find_no_compiler,
        page=Page(
            symptoms=(
                "[Compile::eval_cpu] Failed to compile function",
                "sh: g++: No such file or directory",
            ),
            why="The CPU backend compiles fused operations with g++ when they first run, and keeps "
            "them in the temporary folder.",
            seen_by="the installed backend, and the commands on the path",
            confirmed_by="running a compiled function",
            remedy="Install g++, or set MLX_DISABLE_COMPILE=1.",
            sources=("mlx#1756",),
        ),
    ),
)
