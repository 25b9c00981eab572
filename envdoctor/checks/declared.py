"""Declared requirements that do not hold: what `pip check` says, with the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import compat, remedies, requirements
from envdoctor.checks.cuda_libraries import torch_pins_broken
from envdoctor.checks.evidence import all_of, installed_ones
from envdoctor.checks.managers import unpublished
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envdoctor.checks.requirements import Unmet
    from envdoctor.model.environment import Environment
    from envdoctor.model.snapshot import Snapshot

OF_PAIRS = frozenset({("torchvision", "torch"), ("jax", "jaxlib")})
"""What `torchvision-torch-mismatch` and `jax-jaxlib-mismatch` report."""
SHOWN = 4


def conflicts(snapshot: Snapshot) -> Iterator[Finding]:
    """Requirements that do not hold, by the distribution that is required."""
    environment = snapshot.environment
    elsewhere = {(each.by.name, each.name) for each in torch_pins_broken(environment)}
    groups: dict[str, list[Unmet]] = {}
    for each in requirements.unmet(environment):
        pair = (each.by.name, each.name)
        reported = each.found and (pair in OF_PAIRS or pair in elsewhere or each.name == "protobuf")
        if not reported and each.name not in unpublished(environment):
            groups.setdefault(each.name, []).append(each)
    for name, broken in sorted(groups.items()):
        yield _conflict(environment, name, broken)


def _conflict(environment: Environment, name: str, broken: list[Unmet]) -> Finding:
    found = broken[0].found
    who = all_of(sorted({each.by.name for each in broken}))
    if found:
        title = f"{name} {found} is not what {who} asks for"
        cause = "The one that was installed last did not ask what the others need; imports or "
        cause += "calls may fail."
    else:
        title = f"{name} is missing, which {who} requires"
        cause = "An import that needs it fails."
    return Finding(
        id="declared-dependency-conflict",
        status="warn",
        title=title,
        evidence=(
            *installed_ones(environment, name),
            *_facts(broken),
        ),
        cause=cause,
        remedies=_remedies(environment, name, broken),
        verify=remedies.pip(environment, "check"),
        subject=name,
    )


def _facts(broken: Iterable[Unmet]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(fact=str(each), source=f"METADATA in {each.by.location}")
        for each in list(broken)[:SHOWN]
    )


def _remedies(environment: Environment, name: str, broken: list[Unmet]) -> tuple[Remedy, ...]:
    wanted = requirements.agreed(requirements.wishes(environment, name))
    if wanted is not None:
        text = f"Install the {name} that every installed distribution agrees on."
        return (remedies.install(environment, f"{name}{wanted}", text=text),)
    askers = sorted({each.by.name for each in broken})
    text = (
        f"No {name} satisfies all. Take newer releases of those that are not content, or give "
        "them an environment of their own."
    )
    return (remedies.install(environment, *askers, options="--upgrade", text=text),)


def protobuf(snapshot: Snapshot) -> Iterator[Finding]:
    """A protobuf that generated code of the installed distributions does not fit."""
    environment = snapshot.environment
    broken = [each for each in requirements.unmet(environment) if each.name == "protobuf"]
    broken = [each for each in broken if each.found]
    if not broken:
        return
    version = environment.version_of("protobuf")
    yield Finding(
        id="protobuf-generated-code-mismatch",
        status="fail" if any(_other_major(each) for each in broken) else "warn",
        title=f"protobuf {version} does not fit {all_of(sorted({e.by.name for e in broken}))}",
        evidence=(*installed_ones(environment, "protobuf"), *_facts(broken)),
        cause="Modules called *_pb2.py are generated for a range of protobuf's releases, and "
        "refuse to load with others.",
        remedies=_remedies(environment, "protobuf", broken),
        verify=remedies.pip(environment, "check"),
    )


def _other_major(broken: Unmet) -> bool:
    """Whether no release of the installed major would do."""
    found, wanted = compat.parse(broken.found), requirements.specifier(broken.specifier)
    if found is None or wanted is None:
        return False
    ends = (f"{found.major}.0.0", f"{found.major}.9999.0")
    named = (each.version.removesuffix(".*") for each in wanted)
    return not any(
        wanted.contains(text, prereleases=True)
        for text in (*ends, *named)
        if (version := compat.parse(text)) is not None and version.major == found.major
    )


CHECKS = (
    Check(
        id="declared-dependency-conflict",
        group="packages",
        summary="requirements of installed distributions that do not hold",
        run=conflicts,
        page=Page(
            symptoms=(
                "ERROR: pip's dependency resolver does not currently take into account",
                "ImportError: cannot import name",
            ),
            why="pip installs what the last command asked for, and only warns of what that breaks.",
            seen_by="Requires-Dist of every distribution, where its marker holds, against the "
            "installed versions: the same as `pip check`.",
            confirmed_by="`pip check`",
            remedy="Install the version on which all agree; where there is none, upgrade those "
            "that are not content, or separate them.",
            sources=("pip: user guide, `pip check`",),
        ),
    ),
    Check(
        id="protobuf-generated-code-mismatch",
        group="packages",
        summary="a protobuf that generated code does not fit",
        run=protobuf,
        page=Page(
            symptoms=("TypeError: Descriptors cannot be created directly.",),
            why="Code that protoc generated works with some releases of protobuf only, and says "
            "so when it is imported.",
            seen_by="What the installed distributions require of protobuf, against its version.",
            confirmed_by="Importing the package.",
            remedy="Install a protobuf in the range on which all agree.",
            sources=("protobuf#10064", "umap#1003"),
        ),
    ),
)
