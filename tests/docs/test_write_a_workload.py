"""The guide says all of the language, and its example runs as written."""

from __future__ import annotations

import json
import re
from typing import get_args

import msgspec
import pytest

from envdoctor.cli import dispatch
from envdoctor.errors import ExitCode
from envdoctor.model import description as d
from envdoctor.workload.kinds import resolve_layer
from envdoctor.workload.pieces import Initial, Place
from envdoctor.workload.weights import NORMAL_DEVIATION

TABLES = {
    "## The file": d.Description,
    "### `[data]`": d.DataSpec,
    "### `[train]`": d.TrainSpec,
    "### optimizer `sgd`": d.SgdSpec,
    "### optimizer `adamw`": d.AdamwSpec,
    "### `[quality]`": d.QualitySpec,
    "## The layers": d.LayerSpec,
}
KINDS = {spec.__struct_config__.tag: spec for spec in get_args(d.AnyLayerSpec)}
COMMON = {field.name for field in msgspec.structs.fields(d.LayerSpec)}
VALUES = {
    "units": 5,
    "activation": "relu",
    "filters": 6,
    "kernel": 3,
    "padding": 1,
    "stride": 2,
    "window": 2,
    "factor": 3,
    "form": "basic",
    "shortcut": "padding",
    "size": 2,
    "width": 12,
    "heads": 3,
    "causal": True,
    "mlp_ratio": 2,
}
SYMBOLS = 7


@pytest.fixture
def guide(open_page):
    return open_page("docs/guides/write-a-workload.md")


def described(struct, own=frozenset()):
    """The keys of a table with their defaults; None where the guide must say it in words."""
    fields = [field for field in msgspec.structs.fields(struct) if field.name not in own]
    return {
        field.name: "required"
        if field.required
        else None
        if field.default is None
        else msgspec.json.encode(field.default).decode()
        for field in fields
    }


def assert_told(table, struct, own=frozenset()):
    told = {
        key: cells[1].strip("`") for key, cells in table.items() if key != "key" and len(cells) > 1
    }
    for key, default in described(struct, own).items():
        assert key in told
        if default is not None and default != told[key]:
            assert float(told[key]) == float(default)
    return told


@pytest.mark.parametrize("heading", TABLES)
def test_each_table_tells_its_keys_and_defaults(guide, plugins, heading):
    told = assert_told(guide.table(heading), TABLES[heading])
    others = {"kind", "data set", "a CSV file", "synthetic", *plugins.data_sets(), "distribution"}
    others |= {*get_args(Initial), "zeros`, `ones"}
    assert set(told) <= set(described(TABLES[heading])) | others


@pytest.mark.parametrize("kind", KINDS)
def test_each_layer_kind_tells_its_keys_and_defaults(guide, kind):
    told = assert_told(guide.table(f"### `{kind}`"), KINDS[kind], COMMON)
    assert set(told) == set(described(KINDS[kind], COMMON))


@pytest.mark.parametrize("kind", KINDS)
def test_each_layer_kind_tells_its_shapes_and_parameters(guide, kind):
    section = guide.section(f"### `{kind}`")
    sizes = {"width": 12, "height": 8, "channels": 4, "steps": 9, "symbols": SYMBOLS}
    words = re.search(r"^- Input: `\((.+)\)`$", section, re.MULTILINE)[1]
    if words.startswith("height"):
        sizes["width"] = 8
    fields = {name: VALUES[name] for name in described(KINDS[kind], COMMON) if name in VALUES}
    spec = KINDS[kind](**fields)
    before = evaluate(f"({words})", sizes)
    place = Place(
        name="it",
        title="it",
        shape=before,
        symbols=SYMBOLS if kind == "embedding" else None,
        trained_before=True,
        embeddings={"embedding_1": (SYMBOLS, sizes["width"])},
    )
    piece = resolve_layer(spec, place)
    numbers = {name: value for name, value in fields.items() if isinstance(value, int)}
    output = re.search(r"^- Output: `(.+)`$", section, re.MULTILINE)[1]
    assert evaluate(output, sizes | numbers) == piece.layer.output_shape
    told = re.findall(r"^- Parameter `(.+?)`: `(.+?)`, `(\w+)`", section, re.MULTILINE)
    assert [(f"it.{n}", evaluate(s, sizes | numbers), i) for n, s, i in told] == [
        (parameter.name, parameter.shape, parameter.initial) for parameter in piece.parameters
    ]


def evaluate(shape, sizes):
    """The value of a shape that the guide writes as a Python expression."""
    return eval(shape, {"__builtins__": {}}, sizes)


def test_every_word_that_a_key_may_hold_is_there(guide):
    for words in (d.Activation, d.Initial, d.View):
        assert {f"`{word}`" for word in get_args(words)} <= set(re.findall(r"`\w+`", guide.text))
    assert f"normal, deviation {NORMAL_DEVIATION}" in guide.text


def test_every_shipped_data_set_is_there(guide, plugins):
    assert set(plugins.data_sets()) <= set(guide.table("### `[data]`"))


@pytest.fixture
def here(guide, tmp_path, monkeypatch):
    """The files of the guide in the current folder."""
    guide.write_files(tmp_path, "toml", "csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_is_counted_as_the_guide_says(guide, here, capsys):
    check, _ = guide.commands()
    assert dispatch([*check.split()[1:], "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["workloads"]
    told = re.search(r"(\d+) parameters, (\d+) steps", guide.text).groups()
    assert [found["parameters"], found["steps"]] == [int(number) for number in told]


def test_the_example_trains(guide, shell):
    guide.write_files(shell.folder, "toml", "csv")
    _, bench = guide.commands()
    done = shell.run(bench, "--quick", "--threads", "1", "--quiet")
    # A busy machine may rank nothing; that, too, comes after all rows were measured.
    assert done.returncode in {ExitCode.DONE, ExitCode.INCOMPLETE}, done.stdout + done.stderr
    assert "my-model" in done.stdout
    assert "yes" in done.stdout


def test_a_slip_is_answered_as_the_guide_says(guide, here, capsys):
    model = here / "my-model.toml"
    model.write_text(model.read_text().replace("units = 32", "unit = 32"))
    (block,) = guide.blocks("text")
    assert dispatch(block.title.split()[1:]) == 2
    assert capsys.readouterr().err == block.text
