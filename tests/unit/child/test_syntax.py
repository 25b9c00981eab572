"""Child code runs on the oldest Python that a target may have."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

import envdoctor.child
from envdoctor.target.interpreter import OLDEST_PYTHON
from envdoctor.testing.files import unknown_to_oldest

PLUGINS = ("envdoctor_numpy", "envdoctor_torch", "envdoctor_tensorflow", "envdoctor_jax")


def child_files():
    folders = [Path(envdoctor.child.__file__).parent]
    folders += [Path(find_spec(name).origin).parent for name in PLUGINS]
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
        if path.name != "plugin.py"
    ]


def name_of(path):
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", child_files(), ids=name_of)
def test_a_child_file_is_python_3_9(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=OLDEST_PYTHON)
    assert unknown_to_oldest(tree) == []


@pytest.mark.parametrize("path", child_files(), ids=name_of)
def test_a_child_file_postpones_annotations(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if len(tree.body) > 1:
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        assert imports[0].module == "__future__"


@pytest.mark.parametrize(
    "text",
    [
        "match x:\n case 1: pass",
        "zip(a, b, strict=True)",
        "dataclass(slots=True)",
        "@dataclass(frozen=True, kw_only=True)\nclass A: pass",
        "Shape = int | None",
        "from typing import Self",
    ],
)
def test_the_guard_sees_what_3_9_does_not_know(text):
    try:
        tree = ast.parse(text, feature_version=OLDEST_PYTHON)
    except SyntaxError:
        return
    assert unknown_to_oldest(tree)
