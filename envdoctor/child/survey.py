"""Looks at the target without importing anything of it: run as a script, standard library only.

    python survey.py ANSWER_FILE MODULE...

writes a JSON object to the file; not to standard output, where start-up files may chatter.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib import machinery, metadata
from typing import Any, Dict, List


def survey(modules: List[str]) -> Dict[str, Any]:
    """The interpreter, every installed distribution, and which top-level modules can be found."""
    return {
        "executable": sys.executable,
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "prefix": sys.prefix,
        "distributions": _distributions(),
        "modules": {name: _origin(name) for name in modules},
    }


def _distributions() -> Dict[str, str]:
    found: Dict[str, str] = {}
    for distribution in metadata.distributions():
        # A damaged one has no name or version; the first on the path is the one that counts.
        name = distribution.metadata["Name"] if distribution.metadata else None
        if name and name.lower().replace("_", "-") not in found:
            found[name.lower().replace("_", "-")] = str(distribution.version)
    return found


def _origin(module: str) -> str:
    """Where a top-level module would come from; empty if nowhere. Never imports it."""
    if module in sys.builtin_module_names:
        return "built-in"
    spec = machinery.PathFinder.find_spec(module)
    if spec is None:
        return ""
    locations = spec.submodule_search_locations
    return spec.origin or (next(iter(locations), "") if locations else "")


if __name__ == "__main__":
    # The folder of this script is on the path, and its modules are not the target's.
    del sys.path[0]
    with open(sys.argv[1], "w", encoding="utf-8") as stream:  # noqa: PTH123
        json.dump(survey(sys.argv[2:]), stream)
