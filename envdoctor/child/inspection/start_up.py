"""The start-up files of an environment: which of them run code, and which are broken."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH110, PTH118, PTH120, PTH123

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING:
    from envdoctor.child.inspection.folders import Folders
    from envdoctor.child.inspection.paths import Paths


def start_up_files(paths: Paths, folders: Folders) -> List[Dict[str, Any]]:
    """Every .pth file that Python reads when it starts."""
    return [
        _examine(os.path.join(folder, name))
        for folder in paths.site_folders
        for name in folders.names(folder)
        if name.endswith(".pth") and not name.startswith(".")
    ]


def _examine(path: str) -> Dict[str, Any]:
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError as error:
        return {"path": path, "executes": False, "error": f"it cannot be read ({error.strerror})"}
    lines = data.decode("utf-8-sig", "surrogateescape").splitlines()
    code = [line for line in lines if line.startswith(("import ", "import\t"))]
    errors = [_unreadable(data), *map(_uncompilable, code)]
    return {
        "path": path,
        "executes": bool(code),
        "error": next((error for error in errors if error), ""),
        "dangling": _dangling(path, lines),
    }


def _unreadable(data: bytes) -> str:
    if b"\0" in data:
        return "it holds bytes that are no text"
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "it is not encoded in UTF-8"
    return ""


def _uncompilable(line: str) -> str:
    try:
        compile(line, "<pth>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return f"its code is no Python ({error})"
    return ""


def _dangling(path: str, lines: List[str]) -> List[str]:
    """Folders that it names and that are not there."""
    folder = os.path.dirname(path)
    given = [line.strip() for line in lines if not line.startswith(("#", "import ", "import\t"))]
    return [name for name in given if name and "\0" not in name and not _is_there(folder, name)]


def _is_there(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name))
