"""What the files of an installed Lightning say, without importing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.child.package_files import package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

PAYLOAD = "_runtime/router_runtime.js"
"""What the stolen releases 2.6.2 and 2.6.3 run when they are imported."""


def collect(environment: Environment) -> Framework | None:
    """Lightning under either of its names; None if neither is installed.

    Details: `lightning` and `pytorch-lightning` (their versions), `payload` (a malicious file).
    """
    found = {
        name: environment.distributions[name]
        for name in ("lightning", "pytorch-lightning")
        if name in environment.distributions
    }
    if not found:
        return None
    folders = {
        name: Path(package_folder("", each.location, name.replace("-", "_")))
        for name, each in found.items()
    }
    payloads = [str(folder / PAYLOAD) for folder in folders.values() if (folder / PAYLOAD).exists()]
    details: dict[str, str] = {name: each.version for name, each in found.items()}
    if payloads:
        details["payload"] = payloads[0]
    first = next(iter(found))
    return Framework(
        name="lightning",
        version=found[first].version,
        location=str(folders[first]),
        details=details,
    )
