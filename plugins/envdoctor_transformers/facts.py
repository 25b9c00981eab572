"""What the files of an installed Transformers say, without importing it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.child.package_files import package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

_LEAST_TORCH = re.compile(r"Disabling PyTorch because PyTorch >= (\d+(?:\.\d+)+) is required")
CACHE_VARIABLE = "TRANSFORMERS_CACHE"


def collect(environment: Environment) -> Framework | None:
    """Transformers; None if it is not installed.

    Details: `least torch` (older ones it will not use), `cache variable` (the text of
    TRANSFORMERS_CACHE).
    """
    distribution = environment.distributions.get("transformers")
    module = environment.modules.get("transformers", "")
    if distribution is None:
        return None
    folder = Path(package_folder(module, distribution.location, "transformers"))
    details = {
        "least torch": _least_torch(folder),
        "cache variable": environment.variables.get(CACHE_VARIABLE, ""),
    }
    return Framework(
        name="transformers",
        version=distribution.version,
        location=str(folder),
        details={key: text for key, text in details.items() if text},
    )


def _least_torch(folder: Path) -> str:
    """As the message says that users get to read: it is nowhere in the metadata."""
    try:
        text = (folder / "utils" / "import_utils.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    match = _LEAST_TORCH.search(text)
    return match[1] if match else ""
