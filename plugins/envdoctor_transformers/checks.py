"""What can be wrong with an installed Transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, remedies
from envdoctor.model.finding import Evidence, Finding, Remedy
from envdoctor_transformers.facts import CACHE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

WITHOUT_CACHE_VARIABLE = Version("5.0")
"""The first Transformers that does not read TRANSFORMERS_CACHE."""
IMPORT = "import transformers; print(transformers.utils.is_torch_available())"


def find_ignored_torch(snapshot: Snapshot) -> Iterator[Finding]:
    """A PyTorch that is older than Transformers will use."""
    environment = snapshot.environment
    transformers = environment.frameworks.get("transformers")
    torch = environment.frameworks.get("torch")
    if transformers is None or torch is None:
        return
    least = transformers.details.get("least torch", "")
    need, have = compat.parse(least), compat.parse(torch.version)
    if need is None or have is None or have >= need:
        return
    yield Finding(
        id="transformers-ignores-torch",
        status="fail",
        title=f"Transformers does not use the installed PyTorch: it wants {least} or newer",
        evidence=(
            Evidence(fact=f"transformers {transformers.version}", source="installed packages"),
            Evidence(fact=f"torch {torch.version}", source="torch/version.py"),
            Evidence(fact=f"PyTorch >= {least}", source="transformers/utils/import_utils.py"),
        ),
        cause="Transformers then behaves as if there were no PyTorch: a warning at import, and an "
        "ImportError when a model is made. Its metadata do not say so, and pip does not notice.",
        remedies=(
            remedies.install(
                environment, f"torch>={least}", text="Installs a PyTorch that it will use."
            ),
            remedies.install(
                environment,
                f"transformers<{transformers.version}",
                text="Or goes back to an earlier Transformers, step by step.",
            ),
        ),
        verify=remedies.run_python(environment, IMPORT),
    )


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
        id="transformers-ignores-torch",
        group="transformers",
        summary="a PyTorch that is too old for Transformers, which then does without",
        run=find_ignored_torch,
        page=Page(
            symptoms=(
                "Disabling PyTorch because PyTorch >= 2.4 is required but found 2.3.0",
                "PyTorch was not found. Models won't be available",
                "None of PyTorch, TensorFlow >= 2.0, or Flax have been found",
            ),
            why="PyTorch is no requirement in the metadata of Transformers. It looks for it when "
            "it is imported, and leaves one alone that is older than it is written for.",
            seen_by="the text of transformers/utils/import_utils.py against the version of torch",
            confirmed_by="python -c 'import transformers; "
            "print(transformers.utils.is_torch_available())'",
            remedy="A newer PyTorch, or an older Transformers.",
            sources=("Lumos#8", "minimind#588", "transformers#27214"),
        ),
    ),
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
