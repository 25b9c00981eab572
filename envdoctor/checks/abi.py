"""Binaries that do not fit together: NumPy's interface and OpenMP runtimes."""

from __future__ import annotations

import re
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import compat, reinstall, remedies, requirements
from envdoctor.checks.evidence import installed_ones, some
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment, ExtensionAbi
    from envdoctor.model.snapshot import Snapshot

LAST_NUMPY_1 = "1.26.4"
INTEL_OR_LLVM = re.compile(r"^lib(iomp5|omp5?)(\.|md\.)", re.IGNORECASE)
"""Runtimes that look for a second copy of themselves and stop the process; GNU's does not."""
TRUE = frozenset({"1", "true", "yes", "on"})


def numpy_break(snapshot: Snapshot) -> Iterator[Finding]:
    """Extension modules built for NumPy 1 beside NumPy 2, by distribution."""
    environment = snapshot.environment
    numpy = compat.parse(environment.version_of("numpy"))
    if numpy is None or numpy.major < 2:
        return
    by_owner: dict[str, list[ExtensionAbi]] = {}
    for extension in environment.numpy_one_extensions:
        by_owner.setdefault(extension.distribution, []).append(extension)
    for owner, found in sorted(by_owner.items()):
        what = owner or PurePath(found[0].path).name
        files = some([PurePath(each.path).name for each in found])
        yield Finding(
            id="numpy2-abi-break",
            status="fail",
            title=f"{what} was built for NumPy 1, but NumPy {numpy} is installed",
            evidence=(
                *installed_ones(environment, "numpy", owner),
                Evidence(fact=f"{files}: built for NumPy 1 only", source=found[0].path),
            ),
            cause="NumPy 2 changed its binary interface: modules that were compiled against "
            "NumPy 1 do not load, or crash.",
            remedies=_numpy_remedies(environment, owner),
            verify=_import_command(environment, found[0]),
            subject=what,
        )


def _numpy_remedies(environment: Environment, owner: str) -> tuple[Remedy, ...]:
    upgrade = remedies.install(
        environment, owner, options="--upgrade", text="Take a release that was built for NumPy 2."
    )
    downgrade = remedies.install(
        environment, "numpy<2", text="Or go back to NumPy 1, which every installed package allows."
    )
    possible = requirements.allows(environment, "numpy", LAST_NUMPY_1)
    return (*((upgrade,) if owner else ()), *((downgrade,) if possible else ()))


def older_numpy(environment: Environment, package: str, text: str) -> Remedy:
    """Go back to NumPy 1 for a package, in an environment of its own if others want NumPy 2."""
    if requirements.allows(environment, "numpy", LAST_NUMPY_1):
        return remedies.install(environment, "numpy<2", text=text)
    return reinstall.apart(
        environment,
        package,
        "numpy<2",
        folder=package.partition("==")[0],
        text="An environment of its own: other packages here want NumPy 2.",
    )


def _import_command(environment: Environment, extension: ExtensionAbi) -> str:
    owner = environment.distributions.get(extension.distribution)
    path = PurePath(extension.path)
    if owner is None:
        return ""
    inside = path.relative_to(owner.location) if path.is_relative_to(owner.location) else path
    if inside.is_absolute():
        return ""
    module = ".".join((*inside.parts[:-1], inside.name.partition(".")[0]))
    return remedies.run_python(environment, f"import {module}")


def openmp(snapshot: Snapshot) -> Iterator[Finding]:
    """Two copies of an OpenMP runtime from two package managers, and the variable that hides it."""
    environment = snapshot.environment
    value = environment.variables.get("KMP_DUPLICATE_LIB_OK", "")
    if value.lower() in TRUE:
        yield Finding(
            id="duplicate-openmp-runtime",
            status="warn",
            title="KMP_DUPLICATE_LIB_OK hides a clash of OpenMP runtimes",
            evidence=(Evidence(fact=f"KMP_DUPLICATE_LIB_OK={value}", source="environment"),),
            cause="With it a process goes on with two OpenMP runtimes in it. The runtime itself "
            "warns that this may crash or silently produce incorrect results.",
            remedies=(
                Remedy(
                    command="unset KMP_DUPLICATE_LIB_OK",
                    text="Remove it, also from start-up files and scripts, and then remove the "
                    "second runtime if `OMP: Error #15` comes back.",
                ),
            ),
            subject="KMP_DUPLICATE_LIB_OK",
        )
    yield from _two_runtimes(environment)


def _two_runtimes(environment: Environment) -> Iterator[Finding]:
    copies = [path for path in environment.openmp_runtimes if INTEL_OR_LLVM.match(_name(path))]
    in_packages = [path for path in copies if "site-packages" in _parts(path)]
    in_prefix = [path for path in copies if path not in in_packages]
    if not (environment.interpreter.conda and in_packages and in_prefix):
        return
    yield Finding(
        id="duplicate-openmp-runtime",
        status="warn",
        title="conda and pip have each brought an OpenMP runtime",
        evidence=tuple(
            Evidence(fact=_name(path), source=path) for path in (in_prefix[0], *in_packages[:2])
        ),
        cause="A process that loads both ends with `OMP: Error #15`, for instance when NumPy with "
        "MKL comes from conda and PyTorch from pip.",
        remedies=(
            reinstall.conda_install(
                environment,
                "nomkl",
                text="Keep one source: take NumPy and SciPy without MKL, or install the framework "
                "from the same conda channel as NumPy.",
            ),
        ),
        subject="runtimes",
    )


def _parts(path: str) -> tuple[str, ...]:
    pure = PureWindowsPath(path) if "\\" in path else PurePosixPath(path)
    return pure.parts


def _name(path: str) -> str:
    return _parts(path)[-1]


CHECKS = (
    Check(
        id="numpy2-abi-break",
        group="packages",
        summary="extension modules that were built for NumPy 1, beside NumPy 2",
        run=numpy_break,
        page=Page(
            symptoms=(
                "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.1",
                "AttributeError: _ARRAY_API not found",
                "RuntimeError: Numpy is not available",
            ),
            why="NumPy 2 moved its C interface. What was compiled against NumPy 1 must be "
            "compiled again; until then it does not load.",
            seen_by="The version of NumPy, and the bytes of extension modules: those that name "
            "numpy.core._multiarray_umath but not numpy._core were built for NumPy 1.",
            confirmed_by="Importing the module that the finding names.",
            remedy="Upgrade the package that owns the module, or install numpy<2 if all others "
            "allow it.",
            sources=("pytorch#135013", "openfl#999", "torchio#1183"),
        ),
    ),
    Check(
        id="duplicate-openmp-runtime",
        group="packages",
        summary="two OpenMP runtimes that stop a process which loads both",
        run=openmp,
        page=Page(
            symptoms=("OMP: Error #15: Initializing libiomp5md.dll, but found libiomp5md.dll",),
            why="The runtimes of Intel and LLVM stop a process in which a second copy starts, "
            "because the two would fight for the processors and may give wrong results.",
            seen_by="Files called libiomp5 or libomp in the conda prefix and in site-packages, "
            "and the variable KMP_DUPLICATE_LIB_OK.",
            confirmed_by="Importing both packages in one process: it ends with SIGABRT.",
            remedy="Take NumPy and the framework from one source. Do not set "
            "KMP_DUPLICATE_LIB_OK: it only hides the clash.",
            sources=("csprng#115", "MIDeepSeg#4"),
        ),
    ),
)
