"""Declared requirements against what is installed, as `pip check` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from envdoctor.checks.compat import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from envdoctor.model.environment import Distribution, Environment, Requirement


@dataclass(frozen=True, kw_only=True)
class Unmet:
    """A requirement that does not hold."""

    by: Distribution
    name: str
    specifier: str
    found: str
    """The installed version; empty if it is not installed."""

    def __str__(self) -> str:
        """As evidence: `torchvision 0.28.0 requires torch==2.13.0`."""
        return f"{self.by.name} {self.by.version} requires {self.name}{self.specifier}"


def unmet(environment: Environment) -> Iterator[Unmet]:
    """Every requirement that does not hold, by the distribution that declares it."""
    for name in sorted(environment.distributions):
        distribution = environment.distributions[name]
        if distribution.broken:
            continue
        for requirement in distribution.requires:
            found = environment.version_of(requirement.name)
            if requirement.name not in environment.distributions or not holds(requirement, found):
                yield Unmet(
                    by=distribution,
                    name=requirement.name,
                    specifier=requirement.specifier,
                    found=found,
                )


def holds(requirement: Requirement, version: str) -> bool:
    """Whether a version satisfies a requirement; what cannot be read is taken to."""
    wanted, found = specifier(requirement.specifier), parse(version)
    return wanted is None or found is None or wanted.contains(found, prereleases=True)


def specifier(text: str) -> SpecifierSet | None:
    """A specifier, or None if the text is none."""
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


def required_by(environment: Environment, name: str) -> tuple[str, ...]:
    """The distributions that require this one."""
    return tuple(
        sorted(
            each.name
            for each in environment.distributions.values()
            if any(requirement.name == name for requirement in each.requires)
        )
    )


def wishes(environment: Environment, name: str) -> tuple[str, ...]:
    """What all installed distributions ask of one, as specifiers; each once."""
    found = {
        requirement.specifier
        for each in environment.distributions.values()
        for requirement in each.requires
        if requirement.name == name and requirement.specifier
    }
    return tuple(sorted(found))


def agreed(specifiers: Iterable[str]) -> str | None:
    """One specifier that means all of these; None if no version can satisfy them all.

    Whether one can is tried with the versions that the specifiers name and their neighbours.
    """
    parts = [part for text in specifiers if (part := specifier(text)) is not None]
    every = SpecifierSet(",".join(str(part) for part in parts if str(part)))
    tried = {
        neighbour for each in every for neighbour in _neighbours(each.version.removesuffix(".*"))
    }
    if every and not any(every.contains(each, prereleases=True) for each in tried):
        return None
    return ",".join(sorted(str(each) for each in every))


def allows(environment: Environment, name: str, version: str) -> bool:
    """Whether every installed distribution would be content with this version of another."""
    return all(
        wanted is None or wanted.contains(version, prereleases=True)
        for wanted in map(specifier, wishes(environment, name))
    )


def _neighbours(text: str) -> tuple[Version, ...]:
    version = parse(text)
    if version is None:
        return ()
    release = (*version.release, 0, 0)[:3]
    major, minor, patch = release
    near = [f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"]
    if patch:
        near.append(f"{major}.{minor}.{patch - 1}")
    if minor:
        near.append(f"{major}.{minor - 1}.9999")
    if major:
        near.append(f"{major - 1}.9999.0")
    return (version, *map(Version, near))
