"""Registers what the doctor knows of Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Collector, hookimpl
from envdoctor_keras import checks, facts

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def envdoctor_collectors() -> Iterator[Collector]:
    """What is installed of it, and the backend it is told to use."""
    yield Collector(
        name="keras", summary="Keras, tf-keras and the chosen backend", run=facts.collect
    )


@hookimpl
def envdoctor_checks() -> Iterator[Check]:
    """What can be wrong with it."""
    yield from checks.CHECKS
