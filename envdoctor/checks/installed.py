"""Distributions as they lie on the disk: files claimed twice, lost, changed, left behind."""

from __future__ import annotations

import shlex
from pathlib import PurePath
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import reinstall, remedies, requirements
from envdoctor.checks.clashes import is_code, is_fault, is_mixed_cuda, is_pynvml, overwritten
from envdoctor.checks.evidence import all_of, installed, installed_ones, some
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Clash, Distribution, Environment
    from envdoctor.model.snapshot import Snapshot

LIBRARIES = (".so", ".pyd", ".dll", ".dylib")


def two_owners(snapshot: Snapshot) -> Iterator[Finding]:
    """Distributions that have overwritten each other's modules."""
    environment = snapshot.environment
    for clash in environment.clashes:
        owners = [owner for owner in clash.owners if owner in environment.distributions]
        if owners and is_fault(clash) and not is_mixed_cuda(clash) and not is_pynvml(clash):
            yield _two_owners(environment, clash, sorted(owners))


def _two_owners(environment: Environment, clash: Clash, owners: list[str]) -> Finding:
    keep = environment.distributions[_worth_keeping(environment, owners)]
    away = [owner for owner in owners if owner != keep.name]
    users = {user for owner in away for user in requirements.required_by(environment, owner)}
    text = f"Remove all of them and put {keep.name} back."
    if users:
        text += f" {all_of(sorted(users))} declared another of them, which pip will then miss."
    files = overwritten(clash)
    return Finding(
        id="two-distributions-own-one-package",
        status="warn",
        title=f"{all_of(sorted(clash.owners))} have overwritten each other's files",
        evidence=(
            *installed_ones(environment, *owners),
            Evidence(fact=f"all claim {some(files, clash.count)}", source="RECORD"),
        ),
        cause="They bring the same package. What is there now is a mixture in which the last one "
        "installed won, and removing one of them breaks the others.",
        remedies=(reinstall.instead(environment, owners, keep, text),),
        verify=remedies.run_python(environment, f"import {_package(files[0])}"),
        subject=" ".join(sorted(clash.owners)),
    )


def _package(path: str) -> str:
    return PurePath(path).parts[0].partition(".")[0]


def _worth_keeping(environment: Environment, owners: list[str]) -> str:
    """What most distributions require; else the fuller one, which opencv calls contrib."""
    return min(
        owners,
        key=lambda name: (
            -len(requirements.required_by(environment, name)),
            "contrib" not in name,
            len(name),
            name,
        ),
    )


def pynvml(snapshot: Snapshot) -> Iterator[Finding]:
    """The distribution that has been replaced by nvidia-ml-py."""
    environment = snapshot.environment
    found = environment.distributions.get("pynvml")
    if found is None:
        return
    users = requirements.required_by(environment, "pynvml")
    overwritten = any(is_pynvml(clash) and is_fault(clash) for clash in environment.clashes)
    text = "Keep nvidia-ml-py alone, which brings the same module."
    wanted = environment.distributions.get("nvidia-ml-py")
    command = reinstall.instead(environment, ["pynvml"], wanted, text) if wanted else None
    if wanted is None:
        command = remedies.install(environment, "nvidia-ml-py", text=text)
    waiting = Remedy(text=f"Wait until {all_of(users)} no longer requires it." if users else "")
    yield Finding(
        id="pynvml-deprecated",
        status="info",
        title="The distribution pynvml is deprecated in favour of nvidia-ml-py",
        evidence=(
            installed(found),
            *((Evidence(fact=f"required by {all_of(users)}", source="METADATA"),) if users else ()),
            *((Evidence(fact="both claim pynvml.py", source="RECORD"),) if overwritten else ()),
        ),
        cause="The module pynvml comes from nvidia-ml-py now; PyTorch shows a FutureWarning while "
        "the old distribution is there.",
        remedies=(waiting,) if users or command is None else (command,),
    )


def broken_install(snapshot: Snapshot) -> Iterator[Finding]:
    """Files that are gone or changed since they were installed, and what a removal left behind."""
    environment = snapshot.environment
    shared = {owner for clash in environment.clashes if is_fault(clash) for owner in clash.owners}
    for name in sorted(environment.distributions):
        distribution = environment.distributions[name]
        if distribution.broken:
            yield _unreadable(environment, distribution)
        elif distribution.editable or _lost_to_other_major(distribution):
            continue
        elif any(is_code(path) for path in distribution.missing):
            yield _missing(environment, distribution)
        elif distribution.installer != "conda" and name not in shared:
            yield from _changed(environment, distribution)
    if environment.leftovers:
        yield _leftovers(environment)


def _lost_to_other_major(distribution: Distribution) -> bool:
    """Whether `nvidia-cu12-cu13-mixed` reports it."""
    mixed = distribution.name.startswith("nvidia-") and distribution.name[-5:-2] == "-cu"
    return mixed and any(".so" in path for path in distribution.missing)


def _unreadable(environment: Environment, distribution: Distribution) -> Finding:
    return Finding(
        id="broken-install-record-mismatch",
        status="warn",
        title=f"The metadata of {distribution.name} cannot be read",
        evidence=(Evidence(fact=distribution.broken, source=distribution.location),),
        cause="An interrupted installation or a full disk leaves such a thing behind; pip can "
        "neither check nor upgrade what it cannot read.",
        remedies=(
            remedies.install(
                environment,
                reinstall.exactly(distribution),
                options=reinstall.FORCED,
                text="Install it again; if pip refuses, remove the folder of its metadata first.",
            ),
        ),
        subject=distribution.name,
    )


def _missing(environment: Environment, distribution: Distribution) -> Finding:
    lost = [path for path in distribution.missing if is_code(path)]
    return Finding(
        id="broken-install-record-mismatch",
        status="fail",
        title=f"{distribution.name} {distribution.version} has lost files",
        evidence=(
            Evidence(
                fact=f"missing: {some(lost, distribution.missing_count)}",
                source=f"RECORD in {distribution.location}",
            ),
        ),
        cause="pip looks at the metadata alone and holds the distribution for installed; imports "
        "of what is gone fail.",
        remedies=(reinstall.again(environment, distribution, "Put its files back."),),
        subject=distribution.name,
    )


def _changed(environment: Environment, distribution: Distribution) -> Iterator[Finding]:
    changed = [path for path in distribution.resized if is_code(path)]
    if not changed:
        return
    binary = any(path.endswith(LIBRARIES) or ".so." in path for path in changed)
    yield Finding(
        id="broken-install-record-mismatch",
        status="info",
        title=f"Files of {distribution.name} were changed after it was installed",
        evidence=(
            Evidence(
                fact=f"another size than recorded: {some(changed)}",
                source=f"RECORD in {distribution.location}",
            ),
        ),
        cause="Slim images strip libraries, which is harmless; a full disk or an interrupted copy "
        "looks the same and is not."
        if binary
        else "Somebody has edited them, or a copy was interrupted.",
        remedies=(reinstall.again(environment, distribution, "Put the original files back."),),
        subject=distribution.name,
    )


def _leftovers(environment: Environment) -> Finding:
    folders = " ".join(shlex.quote(path) for path in environment.leftovers)
    return Finding(
        id="broken-install-record-mismatch",
        status="warn",
        title="An interrupted upgrade or removal has left folders behind",
        evidence=tuple(
            Evidence(fact=PurePath(path).name, source=path) for path in environment.leftovers[:3]
        ),
        cause="pip renames a package to `~...` while it replaces it. It stopped half-way: the "
        "folders take space, and pip warns of an invalid distribution at every run.",
        remedies=(Remedy(command=f"rm -r -- {folders}", text="Remove what nothing uses."),),
        subject="leftovers",
    )


CHECKS = (
    Check(
        id="two-distributions-own-one-package",
        group="packages",
        summary="distributions that have overwritten each other's modules",
        run=two_owners,
        page=Page(
            symptoms=("AttributeError: partially initialized module 'cv2' has no attribute",),
            why="Nothing keeps two distributions from bringing the same package, such as "
            "opencv-python and opencv-python-headless. The last one installed wins file by file, "
            "and removing one takes files of the other.",
            seen_by="Modules and libraries that several RECORDs claim. Licences, tests and the "
            "empty __init__.py of shared namespaces are left out.",
            confirmed_by="Importing the package.",
            remedy="Remove all of them, then install one with --force-reinstall --no-deps.",
            sources=("opencv-python#962", "opencv-python#467", "gpustack/runner#176"),
        ),
    ),
    Check(
        id="pynvml-deprecated",
        group="packages",
        summary="the distribution that nvidia-ml-py has replaced",
        run=pynvml,
        page=Page(
            symptoms=("FutureWarning: The pynvml package is deprecated.",),
            why="NVIDIA's bindings are published as nvidia-ml-py; pynvml is an old copy, or an "
            "empty package that depends on it.",
            seen_by="The distribution pynvml.",
            remedy="Remove pynvml and reinstall nvidia-ml-py, unless something requires pynvml.",
            sources=("codecarbon#933", "hyrax#778"),
        ),
    ),
    Check(
        id="broken-install-record-mismatch",
        group="packages",
        summary="files that are gone or changed since they were installed",
        run=broken_install,
        page=Page(
            symptoms=(
                "ModuleNotFoundError although pip says that the requirement is satisfied",
                "WARNING: Ignoring invalid distribution ~orch",
            ),
            why="pip does not verify what it has installed. Files vanish by interrupted upgrades, "
            "by removing a package that shares them, by full disks.",
            seen_by="The RECORD of each distribution against what is on the disk: existence and "
            "size. Byte code, scripts, tests and documents do not count.",
            remedy="Reinstall the distribution at its version, with --no-deps.",
            sources=("pip#8579", "pip#1463", "pip#3869", "pip#10744"),
        ),
    ),
)
