"""Every error of ours is one sentence and a hint, in one voice."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

HOLE = "\0"
"""What stands for something that is filled in."""


def _text(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else HOLE for part in parts
            )
    return None


def _errors(root: Path) -> Iterator[tuple[str, str | None, str | None]]:
    """Where each error of the program stands, its sentence and its hint; None if not literal."""
    for path in sorted((root / "envdoctor").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if name in {"InputError", "IncompleteError"} and node.args:
                sentence, *hint = map(_text, node.args)
                place = f"{path.relative_to(root)}:{node.lineno}"
                yield place, sentence, hint[0] if hint else None


def test_an_error_is_one_sentence(root: Path) -> None:
    found = [each for each in _errors(root) if each[1] is not None]
    assert len(found) > 80
    wrong = [
        f"{place}: {sentence}"
        for place, sentence, _ in found
        if not sentence.endswith((".", HOLE)) or re.search(r"[a-z]\. [A-Z]", sentence)
    ]
    assert wrong == []


def test_an_error_begins_small_after_the_word_error(root: Path) -> None:
    wrong = [
        f"{place}: {sentence}"
        for place, sentence, _ in _errors(root)
        if sentence is not None and re.match(r"[A-Z](?![A-Z_])", sentence)
    ]
    assert wrong == []


def test_a_hint_is_a_sentence_or_ends_with_what_is_to_be_typed(root: Path) -> None:
    wrong = [
        f"{place}: {hint}"
        for place, _, hint in _errors(root)
        if hint and not re.search(r"[.?\0]$", hint)
    ]
    assert wrong == []
    small = [
        f"{place}: {hint}" for place, _, hint in _errors(root) if hint and re.match(r"[a-z]", hint)
    ]
    assert small == []
