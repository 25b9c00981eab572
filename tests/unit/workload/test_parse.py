from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envdoctor.errors import InputError
from envdoctor.model.description import Description
from envdoctor.workload.parse import LARGEST_FILE_BYTES, parse, parse_file

SGD = 'optimizer = { kind = "sgd", learning_rate = 0.1 }'
LAYERS = "[[layers]]"

MISTAKES = {
    # what is written: (old text, new text, what the sentence says, what the hint says)
    "unknown layer key": (
        "units = 10",
        "unit = 10",
        "unknown key `unit` in layer 1 (dense)",
        "Did you mean `units`?",
    ),
    "unknown table": ("[data]", "[dat]", "unknown key `dat` in the file", "Did you mean `data`?"),
    "unknown train key": (
        "batch = 8",
        "batch = 8\nbacth = 9",
        "unknown key `bacth` in [train]",
        "Did you mean `batch`?",
    ),
    "unknown optimizer key": (
        SGD,
        'optimizer = { kind = "sgd", learning_rate = 0.1, momentun = 0.9 }',
        "unknown key `momentun` in the optimizer in [train]",
        "Did you mean `momentum`?",
    ),
    "unknown key like nothing": (
        "units = 10",
        "units = 10\nzzz = 1",
        "unknown key `zzz` in layer 1 (dense)",
        "Known here: activation, bias, init, name, repeat, units.",
    ),
    "unknown layer": (
        'kind = "dense"',
        'kind = "dens"',
        "`kind` of layer 1 (dens) cannot be `dens`",
        "Did you mean `dense`?",
    ),
    "unknown optimizer": (SGD, SGD.replace("sgd", "sdg"), "cannot be `sdg`", "`sgd`"),
    "unknown view": ("vector", "vektor", "`view` in [data] cannot be `vektor`", "`vector`"),
    "unknown loss": ("cross_entropy", "crossentropy", "`loss` in [train] cannot", "cross_entropy"),
    "unknown metric": ('"accuracy"', '"acc"', "`metric` in [quality]", "mean_absolute_error"),
    "unknown activation": (
        'activation = "none"',
        'activation = "Relu"',
        "`activation` of layer 1 (dense) cannot be `Relu`",
        "Did you mean `relu`?",
    ),
    "unknown size": ("[data]", 'size = "huge"\n[data]', "`size` cannot be `huge`", "tiny"),
    "layer without a kind": ('kind = "dense"\n', "", "layer 1 (of unknown kind) needs", "dense"),
    "layer without units": ("units = 10\n", "", "layer 1 (dense) needs the key `units`", ""),
    "no schema": ("schema = 1\n", "", "the file needs the key `schema`", "1"),
    "no optimizer": (SGD, "", "[train] needs the key `optimizer`", ""),
    "optimizer without a kind": (SGD, SGD.replace('kind = "sgd", ', ""), "needs the key", "sgd"),
    "newer schema": ("schema = 1", "schema = 2", "`schema`", ""),
    "text for a number": ("units = 10", 'units = "x"', "expected a whole number, got text", ""),
    "truth for a number": ("units = 10", "units = true", "got true or false", ""),
    "fraction for a count": ("units = 10", "units = 1.5", "expected a whole number", ""),
    "number for text": ('name = "mine"', "name = 3", "`name`: expected text", ""),
    "date for text": ('summary = "One layer"', "summary = 1979-05-27", "expected text", ""),
    "text for truth": ("units = 10", 'units = 10\nbias = "yes"', "expected true or false", ""),
    "text for a table": (SGD, 'optimizer = "sgd"', "expected a table, got text", ""),
    "table for a list": (LAYERS, "[layers]", "`layers`: expected a list of tables", ""),
    "zero units": ("units = 10", "units = 0", "of at least 1", ""),
    "zero repeat": ("units = 10", "units = 10\nrepeat = 0", "of at least 1", ""),
    "negative batch": ("batch = 8", "batch = -8", "`batch` in [train]", ""),
    "no learning": (SGD, SGD.replace("0.1", "0.0"), "greater than 0", ""),
    "momentum of one": (
        SGD,
        'optimizer = { kind = "sgd", learning_rate = 0.1, momentum = 1.0 }',
        "`momentum`",
        "",
    ),
    "learning rate no number": (SGD, SGD.replace("0.1", "nan"), "`learning_rate`", ""),
    "endless learning rate": (SGD, SGD.replace("0.1", "inf"), "`learning_rate`", ""),
    "quality no number": ("at_least = 0.5", "at_least = nan", "`at_least` must be a finite", ""),
    "quality without a bound": ("at_least = 0.5\n", "", "[quality] needs either", "accuracy"),
    "two bounds": ("at_least = 0.5", "at_least = 0.5\nat_most = 0.9", "[quality] needs", ""),
    "no length": ("epochs = 2\n", "", "[train] needs either `epochs` or `steps`", "exactly one"),
    "two lengths": ("epochs = 2", "epochs = 2\nsteps = 3", "[train] needs either", "exactly one"),
    "name with a space": ('name = "mine"', 'name = "my model"', "`name`: expected letters", ""),
    "long name": ('name = "mine"', f'name = "{"m" * 65}"', "`name`", ""),
    "name like a path": ('name = "mine"', 'name = "../../etc"', "`name`: expected letters", ""),
    "invalid TOML": ("[data]", "[data", "not valid TOML", ""),
    "key given twice": ("units = 10", "units = 10\nunits = 11", "not valid TOML", ""),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_with_its_place(
    mistake: str, spoil: Callable[[str, str], str]
) -> None:
    old, new, said, hinted = MISTAKES[mistake]
    with pytest.raises(InputError) as caught:
        parse(spoil(old, new), "mine.toml")
    sentence = caught.value.sentence
    assert sentence.startswith("mine.toml: ")
    assert said in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert hinted in caught.value.hint


def test_the_layer_is_counted_as_the_reader_counts(valid: str) -> None:
    text = valid + '\n[[layers]]\nkind = "flatten"\nunits = 3\n'
    with pytest.raises(InputError, match=r"unknown key `units` in layer 2 \(flatten\)"):
        parse(text, "mine.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('kind = "dense"', 'kind = "a\\nb"'),
        ("units = 10", 'units = 10\n"a\\nb" = 1'),
        ('activation = "none"', 'activation = "a\\nb"'),
    ],
)
def test_a_line_break_in_what_is_quoted_breaks_no_sentence(
    old: str, new: str, spoil: Callable[[str, str], str]
) -> None:
    with pytest.raises(InputError) as caught:
        parse(spoil(old, new), "mine.toml")
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize(
    "text",
    [
        "",
        "layers = 3",
        "layers = []",
        "layers = [1]",
        'layers = ["a"]',
        "data = 1",
        'train = "x"',
        "quality = [1]",
        "[train]\noptimizer = [1]",
        "\0",
        "name = 1e400",
        'name = "\\ud800"',
    ],
)
def test_a_strange_file_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^strange\.toml: "):
        parse(text, "strange.toml")


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 3000, "a = " + "{a = " * 3000, "a = " + "9" * 5000]
)
def test_a_file_that_wears_out_the_reader_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^deep\.toml: "):
        parse(text, "deep.toml")


def test_a_valid_file_is_read(valid: str) -> None:
    described = parse(valid, "mine.toml")
    assert (described.name, described.data.view, described.train.epochs) == ("mine", "vector", 2)
    assert described.size == "custom"


def test_a_missing_file_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.toml: cannot be read \(No such file"):
        parse_file(tmp_path / "nothing.toml")


def test_a_folder_is_no_workload(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse_file(tmp_path)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(InputError, match="not a UTF-8 text file"):
        parse_file(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    path.write_bytes(b"#" * (LARGEST_FILE_BYTES + 1))
    with pytest.raises(InputError, match="too large"):
        parse_file(path)


WORDS = st.sampled_from(
    [
        "schema",
        "name",
        "family",
        "size",
        "summary",
        "data",
        "set",
        "view",
        "steps",
        "target",
        "train",
        "batch",
        "epochs",
        "loss",
        "optimizer",
        "kind",
        "learning_rate",
        "momentum",
        "quality",
        "metric",
        "at_least",
        "layers",
        "units",
        "activation",
        "repeat",
        "dense",
        "conv2d",
        "filters",
        "kernel",
        "patches",
        "lstm",
        "vector",
        "tokens",
        "cross_entropy",
        "sgd",
        "relu",
        "none",
        "accuracy",
    ]
)
LEAVES = WORDS | st.text(max_size=6) | st.integers() | st.floats() | st.booleans()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=5,
)


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case dict():
            return (
                f"{{{', '.join(f'{_toml(key)} = {_toml(item)}' for key, item in value.items())}}}"
            )
        case _:
            return str(value)


def _answer(text: str) -> None:
    try:
        assert isinstance(parse(text, "f.toml"), Description)
    except InputError as error:
        told = error.sentence
    else:
        return
    assert told.startswith("f.toml: ")


@settings(max_examples=60)
@given(st.dictionaries(WORDS | st.text(max_size=5), VALUES, max_size=8))
def test_any_table_gives_a_description_or_a_sentence(table: dict[str, object]) -> None:
    _answer("\n".join(f"{_toml(key)} = {_toml(value)}" for key, value in table.items()))


@settings(max_examples=60)
@given(path=st.lists(st.integers(0, 8), min_size=1, max_size=3), value=VALUES)
@example(path=[7, 4, 0], value="sgd")
def test_a_valid_file_with_one_wrong_value_gives_a_sentence(
    path: list[int], value: object, valid: str
) -> None:
    table: object = tomllib.loads(valid)
    whole = table
    for step in path[:-1]:
        inner = _child(table, step)
        if not isinstance(inner, dict | list):
            break
        table = inner
    if isinstance(table, dict):
        table[list(table)[path[-1] % len(table)]] = value
    elif isinstance(table, list):
        table[path[-1] % len(table)] = value
    assert isinstance(whole, dict)
    _answer("\n".join(f"{_toml(key)} = {_toml(each)}" for key, each in whole.items()))


def _child(table: object, step: int) -> object:
    if isinstance(table, dict):
        return list(table.values())[step % len(table)]
    return table[step % len(table)] if isinstance(table, list) else None


@settings(max_examples=60)
@given(start=st.integers(0, 400), length=st.integers(0, 40), patch=st.text(max_size=10))
def test_a_valid_file_with_a_hole_gives_a_description_or_a_sentence(
    start: int, length: int, patch: str, valid: str
) -> None:
    _answer(valid[:start] + patch + valid[start + length :])
