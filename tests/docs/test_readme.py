"""What the README promises."""

from __future__ import annotations

import re
import runpy
import struct
from pathlib import Path

import pytest
from msgspec import structs

from envdoctor.bench import presets
from envdoctor.errors import ExitCode
from envdoctor.statistics import conditions
from envdoctor.workload.prepare import prepare


@pytest.fixture
def readme(open_page):
    return open_page("README.md")


def test_the_model_of_ten_lines_is_accepted(readme, plugins, tmp_path):
    (block,) = readme.blocks("toml")
    assert len(block.text.splitlines()) == 10
    path = tmp_path / "my-model.toml"
    path.write_text(block.text)
    assert prepare(path, plugins.data_sets(), seed=0).network.parameter_count == 4_810


def test_every_exit_code_is_there(readme):
    section = readme.table("## More commands")
    assert {code for code in section if code.isdecimal()} == {str(int(code)) for code in ExitCode}


@pytest.fixture(scope="module")
def script():
    """The script that writes the tables and the picture, as a module."""
    return runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "readme.py"))


def test_the_table_is_what_the_script_writes_of_the_run_that_is_kept(readme, script):
    (shown,) = script["MARKED"].findall(readme.text)
    assert shown == script["block"](script["kept_run"]()), "python benchmarks/readme.py writes it"
    assert "numpy" in shown
    assert "yes" in shown


def test_the_picture_is_of_the_same_run_and_light_enough(readme, script):
    data = script["PICTURE"].read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert width == script["WIDTH_PIXELS"]
    assert 400 < height < 2 * width
    assert len(data) <= script["MOST_PICTURE_BYTES"]
    key = f"tEXt{script['RUN_KEY']}\0".encode()
    begin = data.index(key)
    length = int.from_bytes(data[begin - 4 : begin], "big")
    told = data[begin + len(key) : begin + 4 + length].decode("latin-1")
    assert told == script["kept_run"]().id
    (alt,) = re.findall(r"!\[(.+?)\]\(docs/picture-of-the-page.png\)", readme.text)
    assert len(alt.split()) > 10


def test_what_could_not_be_ranked_is_said_before_the_tables(script):
    made_run = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))["made_run"]
    quiet, noisy = made_run(), made_run(twin_factor=1.3)
    assert "stay empty" not in script["block"](quiet)
    told = script["block"](noisy).partition("**mlp-tiny")[0]
    assert "1 January 2026, A Processor, 2 CPUs" in told
    assert "too noisy to rank" in told
    assert "stay empty." in told
    half = structs.replace(
        made_run(workloads=("mlp-tiny", "cnn-tiny")),
        cells=(
            *made_run(workloads=("mlp-tiny",)).cells,
            *made_run(workloads=("cnn-tiny",), twin_factor=1.3).cells,
        ),
    )
    assert "On cnn-tiny: This machine is too noisy" in script["block"](half)


def test_every_column_of_the_table_is_explained(readme, open_page):
    explained = " ".join(readme.table("## How to read it"))
    written = open_page("tests/golden/run.md").text
    headings = re.findall(
        r"^\| (?:# \| )?(backend \| step .+?) \|$", readme.text + written, re.MULTILINE
    )
    assert len(headings) >= 4
    for heading in {word for line in headings for word in line.split(" | ")} | {"#"}:
        assert heading.removesuffix(" %") in explained, heading


def test_the_presets_end_where_it_says(readme):
    told = dict(
        re.findall(r"^envdoctor bench --(\w+) .+until ±(\d+) %$", readme.text, re.MULTILINE)
    )
    assert told == {
        preset.name: f"{preset.half_width * 100:g}" for preset in (presets.QUICK, presets.RIGOROUS)
    }


def test_its_conditions_are_understood(readme):
    (block,) = [block.text for block in readme.blocks("sh") if "--fail-if" in block.text]
    told = re.findall(r'--fail-if "(.+?)"', block)
    assert [conditions.parse(text).between_runs for text in told] == [False, True]


def test_it_is_read_in_three_minutes(readme):
    outside_the_table = re.sub(r"<!-- table:begin.+table:end -->", "", readme.text, flags=re.DOTALL)
    words = [word for word in outside_the_table.split() if any(map(str.isalnum, word))]
    assert len(words) < 900
