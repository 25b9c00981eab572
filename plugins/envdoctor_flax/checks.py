"""Everything that the doctor knows of Flax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, remedies
from envdoctor.model.finding import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

FIRST_WITHOUT_THE_OLD_FLAGS = Version("0.7.5")
"""Older Flax imports by a function of `jax.config` that later JAX lacks."""
FIRST_JAX_WITHOUT_THEM = Version("0.4.26")


def find_flax_before_jax(snapshot: Snapshot) -> Iterator[Finding]:
    """A Flax that cannot be imported with the JAX beside it."""
    environment = snapshot.environment
    flax, jax = compat.parse(environment.version_of("flax")), environment.version_of("jax")
    newer = compat.parse(jax)
    if flax is None or newer is None:
        return
    if flax >= FIRST_WITHOUT_THE_OLD_FLAGS or newer < FIRST_JAX_WITHOUT_THEM:
        return
    yield Finding(
        id="flax-too-old-for-jax",
        status="fail",
        title=f"Flax {flax} is too old for JAX {newer}",
        evidence=(
            Evidence(fact=f"flax {flax}", source="installed packages"),
            Evidence(fact=f"jax {newer}", source="installed packages"),
        ),
        cause="Importing flax raises an AttributeError, because it calls a function of jax.config "
        "that this JAX no longer has. Nothing in the metadata of Flax forbids the pair.",
        remedies=(
            remedies.install(
                environment,
                "flax>=0.8",
                f"jax=={jax}",
                text="Installs a Flax that goes with this JAX.",
            ),
            remedies.install(
                environment,
                "jax<0.4.25",
                "jaxlib<0.4.25",
                text="Or keeps Flax, for code that needs it, with a JAX of its time.",
            ),
        ),
        verify=remedies.run_python(environment, "import flax"),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="flax-too-old-for-jax",
        group="jax",
        summary="a Flax that cannot be imported with the JAX beside it",
        run=find_flax_before_jax,
        page=Page(
            symptoms=("AttributeError: 'Config' object has no attribute 'define_bool_state'",),
            why="Flax declares the oldest JAX that it needs and no newest, so that an installer "
            "puts an old Flax beside a new JAX. Before 0.7.5 Flax sets its flags by a function "
            "that JAX has removed.",
            seen_by="the versions of flax and jax",
            confirmed_by="python -c 'import flax'",
            remedy="Update Flax, or install a JAX of its time.",
            sources=("flax#3180", "sax#32", "octo#159"),
        ),
    ),
)
