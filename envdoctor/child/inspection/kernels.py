"""The Jupyter kernels for Python that notebooks are offered, and what they start."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH111, PTH117, PTH118, PTH119, PTH120

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from typing import Any, Dict, List, Optional

from envdoctor.child.inspection.folders import Folders, read_text

# Jupyter starts these with its own interpreter, whatever is on the path.
OWN = re.compile(r"python(3(\.\d+)?)?")


def kernels(prefix: str, folders: Folders) -> List[Dict[str, Any]]:
    """Those of the user, of the environment and of the system; the first of a name counts."""
    found: Dict[str, Dict[str, Any]] = {}
    for data in _data_folders(prefix):
        folder = os.path.join(data, "kernels")
        for name in folders.names(folder):
            kernel = _read(name, os.path.join(folder, name, "kernel.json"), prefix)
            if kernel is not None:
                found.setdefault(name, kernel)
    return list(found.values())


def _data_folders(prefix: str) -> List[str]:
    """As `jupyter --paths` lists them under `data`, by jupyter_core 5."""
    named = [path for path in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if path]
    near = [_user_folder(), os.path.join(prefix, "share", "jupyter")]
    if _prefers_environment(prefix):
        near.reverse()
    if os.name == "nt":
        far = [os.path.join(os.environ.get("PROGRAMDATA", ""), "jupyter")]
    else:
        far = ["/usr/local/share/jupyter", "/usr/share/jupyter"]
    return list(dict.fromkeys(named + near + far))


def _user_folder() -> str:
    home = os.path.expanduser("~")
    if os.environ.get("JUPYTER_DATA_DIR"):
        return os.environ["JUPYTER_DATA_DIR"]
    if sys.platform == "darwin":
        return f"{home}/Library/Jupyter"
    if os.name == "nt":
        return os.path.join(os.environ.get("APPDATA", home), "jupyter")
    share = os.environ.get("XDG_DATA_HOME") or f"{home}/.local/share"
    return f"{share}/jupyter"


def _prefers_environment(prefix: str) -> bool:
    """Whether the environment's own kernels go before those of the user."""
    said = os.environ.get("JUPYTER_PREFER_ENV_PATH")
    if said is not None:
        return said.lower() not in {"no", "n", "false", "off", "0", "0.0"}
    if prefix != sys.base_prefix:
        return True
    active = os.environ.get("CONDA_PREFIX", "")
    return (
        bool(active) and prefix.startswith(active) and os.environ.get("CONDA_DEFAULT_ENV") != "base"
    )


def _read(name: str, path: str, prefix: str) -> Optional[Dict[str, Any]]:
    """A kernel for Python; None if it is another one, or no kernel."""
    try:
        said = json.loads(read_text(path))
        program = str(said["argv"][0])
        language = str(said.get("language", "python"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    if language.lower() != "python":
        return None
    if OWN.fullmatch(program):
        own = os.path.realpath(path).startswith(os.path.realpath(prefix) + os.sep)
        where, exists = (prefix if own else ""), True
    else:
        where = _prefix_of(program)
        exists = shutil.which(os.path.expanduser(program)) is not None
    return {"name": name, "path": path, "interpreter": program, "exists": exists, "prefix": where}


def _prefix_of(program: str) -> str:
    """The environment that a program lies in, by its place."""
    folder, name = os.path.split(program)
    if not os.path.isabs(program) or not name.lower().startswith("python"):
        return ""
    if os.path.basename(folder) in {"bin", "Scripts"}:
        return os.path.dirname(folder)
    return folder if os.name == "nt" else ""
