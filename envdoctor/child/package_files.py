"""Reads the files of an installed package as text: nothing of it is imported."""

from __future__ import annotations

import ast
import os
from typing import Any, Dict


def package_folder(module: str, location: str, name: str) -> str:
    """The folder of a top-level package; empty if neither fact tells it.

    Args:
        module: where importing it would find it: its `__init__.py`, or a folder.
        location: the folder that the metadata of its distribution lies in.
        name: of the package.
    """
    if module.endswith(".py"):
        return os.path.dirname(module)  # noqa: PTH120
    return module or (os.path.join(location, name) if location else "")  # noqa: PTH118


def constants(path: str) -> Dict[str, Any]:
    """What the top level of a Python file assigns to names, where that can be read off.

    An `OrderedDict` of pairs is read as the pairs. A file that is missing, unreadable or no Python
    has none.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123
            tree = ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: Dict[str, Any] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                _keep(found, target.id, value)
    return found


def _keep(found: Dict[str, Any], name: str, value: ast.expr) -> None:
    if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("OrderedDict"):
        value = value.args[0] if value.args else ast.List([], ast.Load())
    try:
        found[name] = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return
