"""What can be wrong with an installed Transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat
from envdoctor.model.finding import Evidence, Finding, Remedy
from envdoctor_transformers.facts import CACHE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

WITHOUT_CACHE_VARIABLE = Version("5.0")
"""The first Transformers that does not read TRANSFORMERS_CACHE."""


def find_unread_cache(snapshot: Snapshot) -> Iterator[Finding]:
    """A variable for the folder of models that this Transformers no longer reads."""
    environment = snapshot.environment
    transformers = environment.frameworks.get("transformers")
    version = compat.parse(transformers.version) if transformers is not None else None
    if transformers is None or version is None or version < WITHOUT_CACHE_VARIABLE:
        return
    folder = transformers.details.get("cache variable", "")
    if not folder or {"HF_HOME", "HF_HUB_CACHE"} & set(environment.variables):
        return
    yield Finding(
        id="transformers-cache-unread",
        status="warn",
        title=f"{CACHE_VARIABLE} is set, and this Transformers does not read it",
        evidence=(
            Evidence(fact=f"{CACHE_VARIABLE}={folder}", source="environment"),
            Evidence(fact=f"transformers {transformers.version}", source="installed packages"),
        ),
        cause="Models that lie there are downloaded again, into the default folder under the home "
        "folder, which may have no room for them.",
        remedies=(
            Remedy(
                command=f'export HF_HUB_CACHE="${CACHE_VARIABLE}"',
                text="Names the same folder by the variable that is read.",
            ),
        ),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="transformers-cache-unread",
        group="transformers",
        summary="TRANSFORMERS_CACHE beside a Transformers that does not read it",
        run=find_unread_cache,
        page=Page(
            symptoms=(
                "Using `TRANSFORMERS_CACHE` is deprecated and will be removed in v5",
                "models are downloaded again after an upgrade to Transformers 5",
            ),
            why="Since version 5 the folder is named by HF_HOME or HF_HUB_CACHE alone.",
            seen_by="the variables, and the version of Transformers",
            remedy="Set HF_HUB_CACHE to the folder of the models.",
            sources=("transformers#27564", "caikit-tgis-serving#223"),
        ),
    ),
)
