"""Reads a workload file strictly; whatever is wrong with it becomes one sentence and a hint."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from envdoctor.errors import InputError
from envdoctor.model import description

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LARGEST_FILE_BYTES = 1_000_000

_TABLES: Mapping[str, type[msgspec.Struct]] = {
    "$": description.Description,
    "$.data": description.DataSpec,
    "$.train": description.TrainSpec,
    "$.quality": description.QualitySpec,
}
_LAYERS: Mapping[str, type[msgspec.Struct]] = {
    kind.__struct_config__.tag: kind for kind in description.AnyLayerSpec.__args__
}
_OPTIMIZERS: Mapping[str, type[msgspec.Struct]] = {
    "sgd": description.SgdSpec,
    "adamw": description.AdamwSpec,
}


def parse_file(path: Path) -> description.Description:
    """Read and check one workload file.

    Raises:
        InputError: the file cannot be read, is no TOML, or says something the language has no
            word for; the sentence names the file and the place.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path}: too large for a workload file.", "A few kB are usual.")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a UTF-8 text file.", "Workloads are TOML files.") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}).",
            "`envdoctor workloads` lists the shipped ones.",
        ) from error
    return parse(text, path.name)


def parse(text: str, source: str) -> description.Description:
    """Check the text of a workload file; `source` is what messages call it."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{source}: not valid TOML: {one_line(str(error))}.") from error
    except (RecursionError, ValueError) as error:
        raise InputError(
            f"{source}: not a workload: nested too deep or a number too long."
        ) from error
    try:
        described = msgspec.convert(raw, description.Description)
    except msgspec.ValidationError as error:
        raise _explain(str(error), raw, source) from error
    _check_plan(described, source)
    return described


def _check_plan(described: description.Description, source: str) -> None:
    if (described.train.epochs is None) == (described.train.steps is None):
        raise InputError(
            f"{source}: [train] needs either `epochs` or `steps`.", "Give exactly one of them."
        )
    for table in (described.train.optimizer, described.quality):
        for name in table.__struct_fields__ if table else ():
            value = getattr(table, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise InputError(f"{source}: `{name}` must be a finite number.")
    quality = described.quality
    if quality is not None and (quality.at_least is None) == (quality.at_most is None):
        raise InputError(
            f"{source}: [quality] needs either `at_least` or `at_most`.",
            "`at_least` for accuracy, `at_most` for an error.",
        )


def _explain(message: str, raw: Mapping[str, Any], source: str) -> InputError:
    """Turn the decoder's message into a sentence with the place and, if we can, a suggestion."""
    problem, _, at = message.rpartition(" - at `")
    problem, path = (problem, at.rstrip("`")) if problem else (message, "$")
    error = _sentence(problem, path, raw, source)
    return InputError(one_line(error.sentence), one_line(error.hint))


def one_line(text: str) -> str:
    """Text from a file as it can stand in a sentence."""
    return " ".join(text.split())


def _sentence(problem: str, path: str, raw: Mapping[str, Any], source: str) -> InputError:
    if unknown := re.search(r"unknown field `(.+)`", problem, re.DOTALL):
        known = _fields_at(path, raw)
        sentence = f"unknown key `{unknown[1]}` in {_place(path, raw)}"
        return InputError(f"{source}: {sentence}.", _suggest(unknown[1], known))
    if missing := re.search(r"missing required field `(.+)`", problem):
        choices = _choices_at(f"{path}.{missing[1]}", raw)
        return InputError(
            f"{source}: {_place(path, raw)} needs the key `{missing[1]}`.",
            _suggest("", choices) or "docs/guides/write-a-workload.md says what each may hold.",
        )
    if path.endswith("].kind") and problem.endswith("'dropout'"):
        return InputError(f"{source}: {_place(path, raw)} cannot be `dropout`.", _NO_DROPOUT)
    if invalid := re.search(r"Invalid (?:value|enum value) '(.*)'", problem, re.DOTALL):
        return InputError(
            f"{source}: {_place(path, raw)} cannot be `{invalid[1]}`.",
            _suggest(invalid[1], _choices_at(path, raw)),
        )
    return InputError(f"{source}: {_place(path, raw)}: {_plain(problem)}.")


_NO_DROPOUT = (
    "Every framework draws its masks otherwise, so no two would do the same work; "
    "leave the layer out."
)
_WORDS = {
    "`int`": "a whole number",
    "`float`": "a number",
    "`str`": "text",
    "`array`": "a list of tables",
    "`object`": "a table",
    "`bool`": "true or false",
    "`null`": "nothing",
    " | null`": "`",
    ">= ": "of at least ",
    "<= ": "of at most ",
    "> ": "greater than ",
    "< ": "less than ",
}


def _plain(problem: str) -> str:
    """The decoder's words in plain ones: "expected `int` >= 1"."""
    text = problem[:1].lower() + problem[1:]
    text = re.sub(r"`str` matching regex .*", "letters, digits, - and _, a letter first", text)
    for word, plain in reversed(_WORDS.items()):
        text = text.replace(word, plain)
    return text


def _layer_at(path: str, raw: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]] | None:
    found = re.match(r"\$\.layers\[(\d+)\]", path)
    if not found:
        return None
    number = int(found[1])
    layer = raw["layers"][number]
    return number, layer if isinstance(layer, dict) else {}


def _place(path: str, raw: Mapping[str, Any]) -> str:
    """What a reader calls this place: `layer 3 (conv2d)`, `[train]`, `the file`."""
    key = re.search(r"\.([a-z_0-9]+)$", path)
    if layer := _layer_at(path, raw):
        number, table = layer
        place = f"layer {number + 1} ({table.get('kind', 'of unknown kind')})"
        inner = re.sub(r"^\$\.layers\[\d+\]\.?", "", path)
        return f"`{inner}` of {place}" if inner else place
    if path == "$":
        return "the file"
    if path in _TABLES:
        return f"[{path[2:]}]"
    if path == "$.train.optimizer":
        return "the optimizer in [train]"
    table_name = path[2:].rpartition(".")[0]
    word = f"`{key[1]}`" if key else f"`{path[2:]}`"
    return f"{word} in [{table_name}]" if table_name else word


def _struct_at(path: str, raw: Mapping[str, Any]) -> type[msgspec.Struct] | None:
    if layer := _layer_at(path, raw):
        return _LAYERS.get(str(layer[1].get("kind")))
    if path == "$.train.optimizer":
        return _OPTIMIZERS.get(str(raw["train"]["optimizer"].get("kind")))
    return _TABLES.get(path)


def _fields_at(path: str, raw: Mapping[str, Any]) -> tuple[str, ...]:
    struct = _struct_at(path, raw)
    return struct.__struct_fields__ if struct else ()


def _choices_at(path: str, raw: Mapping[str, Any]) -> Iterable[str]:
    """The words that may stand at a place, for a suggestion."""
    if path.endswith("optimizer.kind"):
        return _OPTIMIZERS
    if path.endswith(".kind"):
        return _LAYERS
    table, _, key = path.rpartition(".")
    struct = _struct_at(table, raw)
    if struct is None:
        return ()
    return _literals(msgspec.inspect.type_info(struct), key)


def _literals(info: msgspec.inspect.Type, key: str) -> tuple[str, ...]:
    if not isinstance(info, msgspec.inspect.StructType):
        return ()
    kinds: list[msgspec.inspect.Type] = [f.type for f in info.fields if f.encode_name == key]
    words: list[str] = []
    while kinds:
        kind = kinds.pop()
        if isinstance(kind, msgspec.inspect.UnionType):
            kinds.extend(kind.types)
        elif isinstance(kind, msgspec.inspect.LiteralType):
            words.extend(str(value) for value in kind.values)
    return tuple(words)


def _suggest(word: str, known: Iterable[str]) -> str:
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1)
    if close:
        return f"Did you mean `{close[0]}`?"
    return f"Known here: {', '.join(words)}." if words else ""
