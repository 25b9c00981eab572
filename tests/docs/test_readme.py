"""What the README promises."""

from __future__ import annotations

import re

import pytest

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


def test_a_real_table_stands_between_the_markers(readme):
    table = re.search(r"<!-- table:begin -->\n(.+?)<!-- table:end -->", readme.text, re.DOTALL)
    assert table is not None
    assert "numpy" in table[1]
    assert "yes" in table[1]


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
