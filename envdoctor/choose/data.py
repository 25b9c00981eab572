"""The facts about frameworks, from the file beside this module: each with a source and a day."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

FILE = Path(__file__).with_name("frameworks.toml")
Answer = Literal["yes", "partly", "no"]
Confidence = Literal["high", "medium", "low"]


class Need(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a framework must be able to do."""

    name: str
    summary: str
    """As an infinitive: `train on a GPU of NVIDIA`."""
    device: str = ""
    """Where its speed would have to be measured: `cuda`, `mps`; empty for no matter."""
    system: str = ""
    """The operating system that it is about, as `platform.system()` calls it."""
    derived: bool = False
    """Whether a framework that runs on others can what one of those can."""


class Framework(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the frameworks that are told about."""

    name: str
    reference: str = ""
    """Why it is no framework to be chosen, if it is none."""
    through: tuple[str, ...] = ()
    """What it runs on: any one of these."""
    cuda_builds: bool = False
    """Whether it comes in builds with and without CUDA, which its files tell apart."""


class Python(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Python versions that a framework can be installed for."""

    framework: str
    oldest: str
    newest: str
    source: str
    seen: str
    confidence: Confidence


class Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a page says about a framework and a need."""

    need: str
    framework: str
    answer: Answer
    says: str
    """With the limit, if the answer is `partly`."""
    source: str
    """The address of the page."""
    seen: str
    """The day on which it was read."""
    confidence: Confidence
    with_: str = field(name="with", default="")
    """The fact holds where this other need is asked for too."""


class Facts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    valid_as_of: str
    needs: tuple[Need, ...]
    frameworks: tuple[Framework, ...]
    pythons: tuple[Python, ...]
    facts: tuple[Fact, ...]

    def framework(self, name: str) -> Framework:
        """What is told of a framework; a bare name if nothing is."""
        found = (each for each in self.frameworks if each.name == name)
        return next(found, Framework(name=name))


@cache
def facts() -> Facts:
    """The facts that ship with envdoctor, read once."""
    return msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), Facts)
