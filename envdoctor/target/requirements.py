"""Which declared requirements hold in an environment, by the variables of its own interpreter.

Metadata has thousands of such lines, most of them for extras, and few different markers; so lines
are taken apart by hand, and each marker is judged once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LINE = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>[^;]*)"
    r"(?:;(?P<marker>.*))?",
    re.DOTALL,
)


def requirements_that_hold(
    lines: Iterable[str], variables: Mapping[str, str]
) -> tuple[dict[str, str], ...]:
    """Name and specifier of each requirement that holds where no extra is asked for.

    A line that cannot be read, or whose marker cannot be judged, is left out.

    Args:
        lines: of Requires-Dist.
        variables: of environment markers, as the target has them.
    """
    known = tuple(sorted(variables.items()))
    found = []
    for line in lines:
        parts = _LINE.fullmatch(line)
        if parts is None or not _holds((parts["marker"] or "").strip(), known):
            continue
        name = canonicalize_name(parts["name"])
        found.append({"name": str(name), "specifier": _specifier(parts["rest"])})
    return tuple(found)


def _specifier(rest: str) -> str:
    """`>=1,<2`, from `(>=1, <2)` as older metadata has it; empty for a direct reference."""
    if rest.lstrip().startswith("@"):
        return ""
    return "".join(rest.split()).removeprefix("(").removesuffix(")")


@lru_cache(maxsize=4096)
def _holds(marker: str, variables: tuple[tuple[str, str], ...]) -> bool:
    if not marker:
        return True
    if "extra" in marker and " or " not in marker:
        return False  # one of the parts that must all hold
    try:
        return Marker(marker).evaluate({**dict(variables), "extra": ""})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, ValueError):
        return False
