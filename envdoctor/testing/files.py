"""What the files of a plugin show: a light plugin module, and child code for an old Python."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.target.code import locate
from envdoctor.target.interpreter import OLDEST_PYTHON
from envdoctor.testing.verdict import NotConforming, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.testing.subject import Subject

IMPORT_SECONDS = 60.0
LOOK = """
import importlib, sys
importlib.import_module(sys.argv[1])
sys.exit(" ".join(name for name in sys.argv[2:] if name in sys.modules) or 0)
"""
NEW_ARGUMENTS = {("zip", "strict"), ("dataclass", "slots"), ("dataclass", "kw_only")}
NEW_NAMES = {
    "typing": {"Self", "ParamSpec", "TypeAlias", "TypeGuard", "assert_never", "override"},
    "itertools": {"pairwise", "batched"},
    "enum": {"StrEnum"},
    "datetime": {"UTC"},
}
"""What Python 3.9 does not have, though its grammar takes it."""


def plugin_is_light(subject: Subject) -> str:
    """Importing the plugin module imports neither the framework nor the trainer."""
    trainer = subject.backend.trainer.partition(":")[0]
    unwanted = [subject.backend.module, trainer]
    found = subprocess.run(
        [sys.executable, "-c", LOOK, subject.plugin_module, *unwanted],
        capture_output=True,
        text=True,
        timeout=IMPORT_SECONDS,
        check=False,
    )
    if found.returncode:
        last = (found.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        imported = [name for name in last.split() if name in unwanted]
        said = f"imports {' and '.join(imported)}" if imported else f"cannot be imported: {last}"
        raise NotConforming(f"{subject.plugin_module} {said}")
    return f"without {' and '.join(unwanted)}"


def syntax_is_old(subject: Subject) -> str:
    """Every file that a worker may import is Python of the oldest target."""
    files = list(child_files(subject))
    require(files, "the trainer's package has no files")
    for path in files:
        text = path.read_text(encoding="utf-8")
        try:
            unknown = unknown_to_oldest(ast.parse(text, feature_version=OLDEST_PYTHON))
        except SyntaxError as error:
            raise NotConforming(f"{path.name}, line {error.lineno}: {error.msg}") from error
        for line, what in unknown:
            raise NotConforming(f"{path.name}, line {line}: Python 3.9 has no `{what}`")
    return f"{len(files)} file{'' if len(files) == 1 else 's'}"


def child_files(subject: Subject) -> Iterator[Path]:
    """The files that are copied for the worker, but for the plugin module, which stays here."""
    top = locate(subject.backend.trainer)
    spec = find_spec(subject.plugin_module)
    plugin = Path(spec.origin or "") if spec else Path()
    for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
        if path != plugin:
            yield path


def unknown_to_oldest(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and name of what the grammar of 3.9 lets through but its library does not know."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            words = [(node.func.id, word.arg or "") for word in node.keywords]
            found += [(node.lineno, word) for name, word in words if (name, word) in NEW_ARGUMENTS]
        elif isinstance(node, ast.ImportFrom):
            new = NEW_NAMES.get(node.module or "", set())
            found += [(node.lineno, name.name) for name in node.names if name.name in new]
        elif isinstance(node, ast.Assign) and _is_union(node.value):
            found.append((node.lineno, "| None"))
    return found


def _is_union(value: ast.expr) -> bool:
    """Whether a value that is computed, and no annotation, is `X | None`."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.BitOr):
        return False
    sides = (value.left, value.right)
    return any(isinstance(side, ast.Constant) and side.value is None for side in sides)
