"""NVIDIA's libraries as distributions: mixed majors and broken pins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import compat, reinstall, remedies, requirements
from envdoctor.checks.clashes import is_mixed_cuda
from envdoctor.checks.evidence import all_of, installed_ones, some
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.checks.requirements import Unmet
    from envdoctor.model.environment import Clash, Environment
    from envdoctor.model.snapshot import Snapshot

CUDA_SUFFIX = re.compile(r"-cu(\d\d)$")


def mixed_majors(snapshot: Snapshot) -> Iterator[Finding]:
    """Libraries for CUDA 12 and 13 in the same files, and what is left after one was removed."""
    environment = snapshot.environment
    for clash in environment.clashes:
        present = any(owner in environment.distributions for owner in clash.owners)
        if present and is_mixed_cuda(clash):
            yield _mixed(environment, clash)
    clashing = {owner for clash in environment.clashes for owner in clash.owners}
    for distribution in environment.distributions.values():
        lost = [path for path in distribution.missing if ".so" in path]
        if not CUDA_SUFFIX.search(distribution.name) or not lost or distribution.name in clashing:
            continue
        yield Finding(
            id="nvidia-cu12-cu13-mixed",
            status="fail",
            title=f"{distribution.name} has lost its libraries",
            evidence=(
                Evidence(
                    fact=f"missing: {some(lost, distribution.missing_count)}",
                    source=f"RECORD of {distribution.name} {distribution.version}",
                ),
            ),
            cause="The distributions for CUDA 12 and CUDA 13 share these files: removing one takes "
            "them from the other, and pip still holds it for installed.",
            remedies=(reinstall.again(environment, distribution, "Put the libraries back."),),
            verify=remedies.run_python(environment, "import torch; torch.zeros(1).cuda()")
            if "torch" in environment.distributions
            else "",
            subject=distribution.name,
        )


def _mixed(environment: Environment, clash: Clash) -> Finding:
    owners = sorted(clash.owners)
    users = sorted(
        {user for owner in owners for user in requirements.required_by(environment, owner)}
    )
    keep = _owner_to_keep(environment, owners)
    again = reinstall.again(
        environment,
        environment.distributions[keep],
        f"Put the files of {keep} back in place, which {_reason(environment, keep)}.",
    )
    return Finding(
        id="nvidia-cu12-cu13-mixed",
        status="warn",
        title=f"{all_of(owners)} own the same libraries",
        evidence=(
            *installed_ones(environment, *owners),
            Evidence(fact=f"both claim {some(clash.paths, clash.count)}", source="RECORD"),
            *((Evidence(fact=f"required by {all_of(users)}", source="METADATA"),) if users else ()),
        ),
        cause="The one that was installed last has overwritten the other: whatever needs that one "
        "runs with libraries of the wrong CUDA major, and removing either breaks both.",
        remedies=(
            again,
            Remedy(text="For good, give each CUDA major an environment of its own."),
        ),
        subject=CUDA_SUFFIX.sub("", owners[0]),
    )


def _owner_to_keep(environment: Environment, owners: list[str]) -> str:
    """What torch requires, else what most distributions require, else the newest."""
    torch = environment.distributions.get("torch")
    wanted = {each.name for each in torch.requires} if torch is not None else set()
    present = [owner for owner in owners if owner in environment.distributions]
    return max(
        present,
        key=lambda name: (name in wanted, len(requirements.required_by(environment, name)), name),
    )


def _reason(environment: Environment, name: str) -> str:
    users = requirements.required_by(environment, name)
    return f"{all_of(users)} requires" if users else "is the newer one"


def torch_and_tensorflow(snapshot: Snapshot) -> Iterator[Finding]:
    """A torch and a TensorFlow that want different releases of the same CUDA libraries."""
    environment = snapshot.environment
    torch, tensorflow = environment.version_of("torch"), environment.version_of("tensorflow")
    if not torch or not tensorflow or environment.interpreter.conda:
        return
    broken = torch_pins_broken(environment)
    known = compat.together({"torch": torch, "tensorflow": tensorflow})
    if not broken and (known is None or known.resolves or snapshot.machine.nvidia is None):
        return
    reason = known.reason if known is not None and not known.resolves else ""
    facts = [f"{each}; {each.found} is installed" for each in broken[:3]]
    yield Finding(
        id="torch-tf-pin-conflict",
        status="warn" if broken else "info",
        title=f"torch {torch} and tensorflow {tensorflow} want different CUDA libraries",
        evidence=(
            *installed_ones(environment, "torch", "tensorflow"),
            *(Evidence(fact=fact, source="METADATA") for fact in facts),
            *((Evidence(fact=reason, source="package metadata"),) if reason else ()),
        ),
        cause="Both load the same files under nvidia/, and one of them was installed over the "
        "other's: the one that came first runs with libraries that it was not built for."
        if broken
        else "Each works with the libraries of one of them; tensorflow[and-cuda] cannot be "
        "installed beside this torch.",
        remedies=_separate(environment, torch, broken),
        verify=remedies.pip(environment, "check"),
    )


def torch_pins_broken(environment: Environment) -> list[Unmet]:
    """The pins of torch on NVIDIA's libraries that do not hold, where TensorFlow is there too."""
    if "tensorflow" not in environment.distributions:
        return []
    return [
        each
        for each in requirements.unmet(environment)
        if each.by.name == "torch" and each.name.startswith("nvidia-") and each.found
    ]


def _separate(environment: Environment, torch: str, broken: list[Unmet]) -> tuple[Remedy, ...]:
    away = reinstall.apart(
        environment,
        "tensorflow[and-cuda]",
        folder="tensorflow",
        text="Give TensorFlow an environment of its own.",
    )
    if not broken:
        return (away,)
    pins = [f"{each.name}{each.specifier}" for each in broken]
    text = f"And give torch {torch} its own libraries back; TensorFlow may then lose the GPU."
    return (away, remedies.install(environment, *pins, options="--no-deps", text=text))


CHECKS = (
    Check(
        id="nvidia-cu12-cu13-mixed",
        group="packages",
        summary="libraries for CUDA 12 and CUDA 13 in the same files",
        run=mixed_majors,
        page=Page(
            symptoms=("ImportError: libnvshmem_host.so.3: cannot open shared object file",),
            why="Several of NVIDIA's distributions put the library for CUDA 12 and the one for "
            "CUDA 13 in the same place. The last one installed wins, and removing one removes the "
            "file that the other claims.",
            seen_by="The RECORDs of nvidia-* distributions: files claimed twice, and libraries "
            "that are gone.",
            confirmed_by="Using the GPU from each framework.",
            remedy="Reinstall the one that is needed with --force-reinstall --no-deps, or give "
            "each CUDA major an environment.",
            sources=("sglang#31035",),
        ),
    ),
    Check(
        id="torch-tf-pin-conflict",
        group="packages",
        summary="torch and TensorFlow that want different CUDA libraries",
        run=torch_and_tensorflow,
        page=Page(
            symptoms=("Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0",),
            why="torch pins NVIDIA's libraries exactly and TensorFlow wants other releases. "
            "Installed one after the other, the second overwrites the first one's.",
            seen_by="The pins of torch against what is installed, and a table of pairs that were "
            "resolved.",
            confirmed_by="Importing both, in both orders, in two processes.",
            remedy="Give each an environment of its own.",
            sources=("package metadata", "jax#18032"),
        ),
    ),
)
