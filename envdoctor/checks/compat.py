"""What goes with what: typed questions to the table of versions in data/compat.json.

Every function answers None where the table does not know: for a version newer than it, for one
older than it, for text that is no version. What is unknown is never a fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envdoctor.checks.compat_table import (
    JaxCuda,
    KnownBad,
    TensorflowTested,
    Together,
    TorchBuild,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from envdoctor.model.machine import Platform

System = Literal["linux", "windows"]
Package = Literal["torch", "tensorflow", "jaxlib"]
OLDEST_LISTED_CAPABILITY = Version("5.0")
"""The rows of wheels do not speak of GPUs before Maxwell."""
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Other names that operating systems have for the same processors."""


def parse(text: str) -> Version | None:
    """A version, or None if the text is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def minor(text: str) -> str:
    """`2.13` for `2.13.0+cu130`; empty if the text is no version."""
    version = parse(text)
    return "" if version is None else f"{version.major}.{version.minor}"


def valid_as_of() -> str:
    """The day on which the table was made, as `2026-11-22`."""
    return table()["valid_as_of"]


def system_of(platform: Platform) -> System:
    """Whose driver numbers hold: under WSL the driver is that of Windows."""
    return "windows" if platform.wsl or platform.system == "Windows" else "linux"


def driver_floor(cuda: str, system: System = "linux") -> Version | None:
    """The oldest driver that runs programs of this CUDA version.

    By minor-version compatibility any driver of a major's first release or newer runs every
    later minor of that major.
    """
    floors = table()["driver_floors"].get(cuda.partition(".")[0])
    return None if floors is None else parse(floors[system])


def driver_runs(driver: str, cuda: str, system: System = "linux") -> bool | None:
    """Whether a driver runs programs of this CUDA version."""
    found, floor = parse(driver), driver_floor(cuda, system)
    return None if found is None or floor is None else found >= floor


def capability_removed_in(capability: str) -> str | None:
    """The CUDA version that no longer builds for GPUs of this compute capability."""
    return table()["compute_capabilities"]["removed_in_cuda"].get(capability)


def capability_needs_cuda(capability: str) -> str | None:
    """The first CUDA version that builds for GPUs of this compute capability."""
    return table()["compute_capabilities"]["first_cuda"].get(capability)


def tag_of(cuda: str) -> str:
    """`cu126` for `12.6`."""
    return "cu" + "".join(cuda.split(".")[:2])


def cuda_of(tag: str) -> str:
    """`12.6` for `cu126`; empty for `cpu` and other tags."""
    digits = tag.removeprefix("cu")
    return f"{digits[:-1]}.{digits[-1]}" if tag.startswith("cu") and digits.isdigit() else ""


def newest_torch() -> str:
    """The newest release of torch that the table knows."""
    return table()["torch"][list(table()["torch"])[-1]]["newest"]


def torch_default_cuda(torch: str) -> str | None:
    """The CUDA version of the wheel that the package index gives on Linux x86_64."""
    row = table()["torch"].get(minor(torch))
    return None if row is None else row["default_cuda"]


def torch_tags(torch: str, architecture: str = "x86_64") -> tuple[str, ...] | None:
    """The CUDA builds that this release of torch was published in, oldest first."""
    builds = _torch_builds(torch, architecture)
    return None if builds is None else tuple(builds)


def torch_supports(
    torch: str, tag: str, capability: str, architecture: str = "x86_64"
) -> bool | None:
    """Whether a build of torch has kernels for GPUs of this compute capability.

    Machine code runs on GPUs of the same major and of the same or a newer minor.
    """
    builds = _torch_builds(torch, architecture)
    wanted = parse(capability)
    if builds is None or tag not in builds or wanted is None:
        return None
    listed = [Version(each) for each in builds[tag]]
    if any(each.major == wanted.major and each.minor <= wanted.minor for each in listed):
        return True
    if wanted < OLDEST_LISTED_CAPABILITY:
        removed, cuda = parse(capability_removed_in(capability) or ""), parse(cuda_of(tag))
        return False if removed is not None and cuda is not None and cuda >= removed else None
    known = table()["compute_capabilities"]
    return False if capability in {**known["removed_in_cuda"], **known["first_cuda"]} else None


def best_torch_tag(
    driver: str,
    capabilities: Iterable[str],
    torch: str,
    system: System = "linux",
    architecture: str = "x86_64",
) -> str | None:
    """The build of this release of torch that the driver runs and that supports every GPU.

    The release's own default comes first, because the others may be experimental; then the newest.

    Args:
        driver: its full version.
        capabilities: of every GPU; those that are not known may be left out.
        torch: a release; its patch level and local tag do not matter.
        system: whose driver it is; see `system_of`.
        architecture: of the processor.

    Returns:
        None if there is none, or if the table does not know the release.
    """
    wanted = tuple(each for each in capabilities if each)
    for tag in _in_order_of_choice(torch, architecture):
        runs = driver_runs(driver, cuda_of(tag), system)
        if runs and all(torch_supports(torch, tag, each, architecture) for each in wanted):
            return tag
    return None


def best_torch_build(
    driver: str,
    capabilities: Sequence[str],
    python: str = "",
    system: System = "linux",
    architecture: str = "x86_64",
) -> TorchBuild | None:
    """The newest release of torch that has a build for this driver and every GPU.

    Args:
        driver: its full version.
        capabilities: of every GPU.
        python: the version of Python that must have a wheel; empty for any.
        system: whose driver it is; see `system_of`.
        architecture: of the processor.
    """
    ceiling = parse(newest_wheel("torch", python) or "") if python else None
    for row in reversed(table()["torch"].values()):
        version = row["newest"]
        if ceiling is not None and Version(version) > ceiling:
            continue
        tag = best_torch_tag(driver, capabilities, version, system, architecture)
        if tag is not None:
            return TorchBuild(version=version, tag=tag)
    return None


def torchvision_for(torch: str) -> str | None:
    """The minor version of torchvision that was made for this torch, such as `0.28`."""
    row = table()["torch"].get(minor(torch))
    return None if row is None else row["torchvision"]


def torch_for_torchvision(torchvision: str) -> tuple[str, ...] | None:
    """The minor versions of torch that this torchvision was made for."""
    wanted = minor(torchvision)
    found = tuple(name for name, row in table()["torch"].items() if row["torchvision"] == wanted)
    return found or None


def torchaudio_for(torch: str) -> str | None:
    """The minor version of torchaudio for this torch; empty if none was published for it."""
    row = table()["torch"].get(minor(torch))
    return None if row is None else row["torchaudio"]


def newest_torchaudio() -> str:
    """The newest minor version of torchaudio that the table knows."""
    return next(
        row["torchaudio"] for row in reversed(table()["torch"].values()) if row["torchaudio"]
    )


def newest_wheel(package: Package, python: str) -> str | None:
    """The newest release with a wheel for this Python; empty if there is none at all."""
    rows = table()["python_wheels"][package]
    found = minor(python)
    if found not in rows:
        return None
    wheels = rows[found]
    return "" if wheels is None else wheels["newest"]


def newest_python(package: Package) -> str:
    """The newest Python that the package has a wheel for."""
    rows = table()["python_wheels"][package]
    return [python for python, wheels in rows.items() if wheels is not None][-1]


def newest_on(package: Package, where: Literal["glibc 2.17", "macos x86_64"]) -> str:
    """The newest release with a wheel for an old platform."""
    return table()["newest_on"][where][package]


def tensorflow_tested(tensorflow: str) -> TensorflowTested | None:
    """What this release of TensorFlow was tested with."""
    row = table()["tensorflow"].get(minor(tensorflow))
    if row is None:
        return None
    return TensorflowTested(
        oldest_python=row["python"]["oldest"],
        newest_python=row["python"]["newest"],
        cudnn=row["cudnn"],
        cuda=row["cuda"],
    )


def jax_cuda(major: str) -> JaxCuda | None:
    """What JAX's plugin for this CUDA major (`12`, `13`) needs."""
    row = table()["jax"]["cuda"].get(f"cuda{major}")
    return None if row is None else JaxCuda(**row)


def jax_oldest_python(jax: str) -> str | None:
    """The oldest Python that this release of JAX runs on."""
    found = parse(jax)
    rows = [
        (Version(since), python)
        for since, python in table()["jax"]["oldest_python"].items()
        if found is not None and found >= Version(since)
    ]
    return max(rows)[1] if rows else None


def together(versions: dict[str, str]) -> Together | None:
    """What is known of installing these releases together; the row that names most of them.

    Args:
        versions: by name: `torch`, `tensorflow`, `jax`; only those that bring CUDA libraries.
    """
    releases = {name: parse(text) for name, text in versions.items()}
    best: Together | None = None
    for row in table()["together"]:
        named = {n: v for n, v in row.items() if n not in {"resolves", "reason"}}
        rows = {name: str(version) for name, version in named.items()}
        holds = all(
            (found := releases.get(name)) is not None and found.public == version
            for name, version in rows.items()
        )
        if holds and (best is None or len(rows) > len(best.versions)):
            best = Together(versions=rows, resolves=row["resolves"], reason=row["reason"])
    return best


def known_bad() -> tuple[KnownBad, ...]:
    """The windows of library versions that are known to give wrong results."""
    return tuple(
        KnownBad(
            name=row["name"],
            libraries=row["libraries"],
            capability_at_least=row.get("capability", {}).get("at_least", ""),
            capability_below=row.get("capability", {}).get("below", ""),
            gpus=row["gpus"],
            effect=row["effect"],
        )
        for row in table()["known_bad"]
    )


def within(version: str, specifier: str) -> bool:
    """Whether a version lies in a window; False for text that is no version."""
    found = parse(version)
    return found is not None and SpecifierSet(specifier).contains(found, prereleases=True)


def _torch_builds(torch: str, architecture: str) -> dict[str, list[str]] | None:
    row = table()["torch"].get(minor(torch))
    name = ARCHITECTURES.get(architecture.lower(), architecture)
    return None if row is None else row["architectures"].get(name)


def _in_order_of_choice(torch: str, architecture: str) -> tuple[str, ...]:
    tags = torch_tags(torch, architecture) or ()
    default = tag_of(torch_default_cuda(torch) or "")
    newest_first = sorted(tags, key=lambda tag: int(tag[2:]), reverse=True)
    return tuple(sorted(newest_first, key=lambda tag: tag != default))
