"""What the record says, before anything runs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from envdoctor.testing.verdict import NotConforming, require

if TYPE_CHECKING:
    from envdoctor.testing.subject import Subject

NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
TRAINER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+:[A-Za-z_]\w*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_SUMMARY = 90


def is_complete(subject: Subject) -> str:
    """Names that can be typed, a trainer that can be found, modes that exist."""
    backend = subject.backend
    modes = [mode.name for mode in backend.modes]
    for name in (backend.name, *modes):
        require(NAME.fullmatch(name), f"`{name}` is no name in small letters, digits and hyphens")
    require(len(set(modes)) == len(modes), "two modes have one name")
    require(TRAINER.fullmatch(backend.trainer), f"`{backend.trainer}` is no package.module:Class")
    require(backend.distributions, "no distribution is named that users could install")
    require("fp32" in backend.precisions, "`fp32` is not among the precisions: it is what is timed")
    for summary in (backend.summary, *(mode.summary for mode in backend.modes)):
        require(0 < len(summary) <= LONGEST_SUMMARY, f"no summary for a list: {summary!r}")
    for mode in backend.modes:
        known = not mode.exact or mode.exact in modes
        require(known, f"mode `{mode.name}` is proven by `{mode.exact}`, which does not exist")
    return f"{', '.join(modes)} in {', '.join(backend.precisions)}"


def variables_are_valid(subject: Subject) -> str:
    """Whatever the setting, text for text, and the environment of this process untouched."""
    names: set[str] = set()
    for precision in subject.backend.precisions:
        for threads in (1, 2):
            before = dict(os.environ)
            found = dict(subject.backend.environment(subject.row.setting(precision, threads)))
            require(before == dict(os.environ), "`environment` changes the variables of its caller")
            for name, value in found.items():
                _check(name, value)
            names |= set(found)
    return ", ".join(sorted(names)) or "none are set"


def _check(name: object, value: object) -> None:
    if not isinstance(name, str) or not VARIABLE.fullmatch(name):
        raise NotConforming(f"{name!r} is no name of a variable")
    if not isinstance(value, str) or "\0" in value:
        raise NotConforming(f"{name} is {value!r}, which is no text that a variable can hold")
    if name.startswith("ENVDOCTOR_"):
        raise NotConforming(f"{name} belongs to envdoctor")
