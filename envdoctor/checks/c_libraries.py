"""The C and C++ libraries of the system, and whether the installed wheels can do with them."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, reinstall, remedies
from envdoctor.checks.evidence import installed_ones, some
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment
    from envdoctor.model.snapshot import Snapshot

LIBSTDCXX = re.compile(r"libstdc\+\+\.so\.6\.0\.(\d+)$")
"""The number is that of the newest `GLIBCXX_3.4.N` inside (manual of libstdc++, ABI policy)."""
GLIBCXX_OF_2_28 = 24
"""What wheels for manylinux_2_28 may ask for (auditwheel's policy file)."""
NEWEST_OLD_GLIBC = Version("2.27")
"""Wheels for newer systems begin here: jaxlib's for manylinux_2_27, the others' for 2_28."""
FRAMEWORKS: tuple[compat.Package, ...] = ("torch", "tensorflow", "jaxlib")
SEVERAL = 2


def glibcxx(snapshot: Snapshot) -> Iterator[Finding]:
    """A libstdc++ that is older than what current wheels may ask for."""
    environment = snapshot.environment
    found = [(path, match) for path in environment.libstdcxx if (match := LIBSTDCXX.search(path))]
    # What the loader takes must be the one whose version is known.
    if not found or found[0][0] != environment.libstdcxx[0]:
        return
    path, version = found[0][0], int(found[0][1][1])
    needing = [name for name in FRAMEWORKS if _needs_new_system(environment, name)]
    if version >= GLIBCXX_OF_2_28 or not needing:
        return
    yield Finding(
        id="glibcxx-too-old",
        status="warn",
        title=f"The libstdc++ that is loaded first is too old for {some(needing)}",
        evidence=(
            Evidence(fact=f"its newest version is GLIBCXX_3.4.{version}", source=path),
            *installed_ones(environment, *needing),
        ),
        cause=f"These wheels may ask for symbols up to GLIBCXX_3.4.{GLIBCXX_OF_2_28}; an import "
        f"then ends with `version 'GLIBCXX_3.4.{GLIBCXX_OF_2_28}' not found`.",
        remedies=(_newer_libstdcxx(environment, path),),
        verify=remedies.run_python(environment, f"import {needing[0]}"),
    )


def _newer_libstdcxx(environment: Environment, path: str) -> Remedy:
    if environment.interpreter.conda and path.startswith(environment.interpreter.prefix):
        return reinstall.conda_install(
            environment,
            "libstdcxx-ng>=12",
            options="-c conda-forge",
            text="Take a newer C++ library into this conda environment.",
        )
    if "LD_LIBRARY_PATH" in environment.variables:
        return Remedy(
            command="unset LD_LIBRARY_PATH",
            text="Take the folder of the old library off the path; that of the system comes then.",
        )
    return Remedy(text="Use a newer system or a container: this library belongs to the system.")


def _needs_new_system(environment: Environment, name: compat.Package) -> bool:
    names = ("tensorflow", "tensorflow-cpu") if name == "tensorflow" else (name,)
    found = compat.parse(environment.version_of(*names))
    return found is not None and found > Version(compat.newest_on(name, "glibc 2.17"))


def glibc(snapshot: Snapshot) -> Iterator[Finding]:
    """A C library for which frameworks publish no wheels, or none any more."""
    name, _, text = snapshot.machine.platform.libc.partition(" ")
    if name == "musl":
        yield _musl(text)
    version = compat.parse(text)
    if name != "glibc" or version is None or version >= NEWEST_OLD_GLIBC:
        return
    environment = snapshot.environment
    limits = {each: compat.newest_on(each, "glibc 2.17") for each in FRAMEWORKS}
    broken = [each for each in FRAMEWORKS if _needs_new_system(environment, each)]
    newest = ", ".join(f"{each} {limit}" for each, limit in limits.items())
    evidence = (
        Evidence(fact=f"glibc {text}", source="platform"),
        *installed_ones(environment, *broken),
    )
    cause = f"The newest wheels that load on so old a system are {newest}."
    if broken:
        yield Finding(
            id="glibc-too-old",
            status="fail",
            title=f"{some(broken)} cannot load on this system's C library",
            evidence=evidence,
            cause=f"{cause} A newer one ends with `version 'GLIBC_2.28' not found`.",
            remedies=(
                Remedy(text="Use a newer system, or a container with one."),
                remedies.install(
                    environment,
                    *(f"{each}=={limits[each]}" for each in broken),
                    text="Or take the newest releases that load here.",
                ),
            ),
        )
    else:
        yield Finding(
            id="glibc-too-old",
            status="info",
            title=f"glibc {text} limits which frameworks can be installed",
            evidence=evidence,
            cause=f"{cause} pip takes older ones without a word.",
        )


def _musl(version: str) -> Finding:
    return Finding(
        id="glibc-too-old",
        status="info",
        title="There are no wheels of PyTorch, TensorFlow and JAX for musl",
        evidence=(Evidence(fact=f"musl {version}".rstrip(), source="platform"),),
        cause="They are published for systems with glibc, such as Debian, Ubuntu or Fedora; "
        "Alpine has musl.",
        remedies=(Remedy(text="Use an image with glibc, such as python:3.12-slim."),),
    )


def static_tls(snapshot: Snapshot) -> Iterator[Finding]:
    """Several bundled copies of libgomp on 64-bit ARM, where the second may find no room."""
    environment, platform = snapshot.environment, snapshot.machine.platform
    runtimes = [PurePosixPath(path) for path in environment.openmp_runtimes]
    bundled = [path for path in runtimes if path.name.startswith("libgomp")]
    preloaded = "libgomp" in environment.variables.get("LD_PRELOAD", "")
    if platform.architecture not in {"aarch64", "arm64"} or platform.system != "Linux":
        return
    if len(bundled) < SEVERAL or preloaded:
        return
    yield Finding(
        id="static-tls-exhausted",
        status="info",
        title=f"{len(bundled)} packages bring their own libgomp, which can clash on this processor",
        evidence=tuple(Evidence(fact=path.name, source=str(path)) for path in bundled[:3]),
        cause="On 64-bit ARM each copy wants room in the static thread-local storage, which is "
        "small: the one that is loaded last may fail with `cannot allocate memory in static TLS "
        "block`, depending on the order of imports.",
        remedies=(
            Remedy(
                command=f"export LD_PRELOAD={shlex.quote(str(bundled[0]))}",
                text="Only if that error comes: import the package that it names first, or load "
                "the copy that it names before all else.",
            ),
        ),
    )


CHECKS = (
    Check(
        id="glibcxx-too-old",
        group="packages",
        summary="a libstdc++ that is too old for the installed wheels",
        run=glibcxx,
        page=Page(
            symptoms=("libstdc++.so.6: version 'GLIBCXX_3.4.29' not found",),
            why="The C++ library that is found first serves the whole process. An old one, often "
            "of a conda environment or on LD_LIBRARY_PATH, has not the symbols that newer "
            "modules need.",
            seen_by="The file name of the first libstdc++.so.6, whose last number is that of its "
            "newest symbols, and the versions of torch, tensorflow and jaxlib.",
            confirmed_by="Importing the framework.",
            remedy="Update libstdcxx-ng in the conda environment, or take the old folder off "
            "LD_LIBRARY_PATH.",
            sources=("tensorflow#56562", "trixie#97", "manual of libstdc++: ABI policy"),
        ),
    ),
    Check(
        id="glibc-too-old",
        group="packages",
        summary="a C library for which the frameworks publish no wheels",
        run=glibc,
        page=Page(
            symptoms=("/lib64/libc.so.6: version 'GLIBC_2.28' not found",),
            why="A wheel names the oldest glibc that it runs with. pip quietly takes an older "
            "release where the newest does not fit; musl has no wheels at all.",
            seen_by="The version of the C library, against the table of wheels.",
            remedy="Use a newer system or a container.",
            sources=("trixie#97", "PEP 600", "package metadata"),
        ),
    ),
    Check(
        id="static-tls-exhausted",
        group="packages",
        summary="several bundled libgomp on 64-bit ARM",
        run=static_tls,
        page=Page(
            symptoms=("libgomp-d22c30c5.so.1.0.0: cannot allocate memory in static TLS block",),
            why="Each bundled copy of libgomp reserves static thread-local storage when it is "
            "loaded, and on 64-bit ARM there is little of it.",
            seen_by="The processor, the bundled copies of libgomp and LD_PRELOAD.",
            confirmed_by="Importing the packages in both orders.",
            remedy="Import the package that the message names first, or preload its copy.",
            sources=("scikit-learn#17231", "LightGBM#6509", "DALI#5519"),
        ),
    ),
)
