"""What the README promises."""

from __future__ import annotations

import re

import pytest

from envdoctor.errors import ExitCode
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


def test_every_column_of_the_table_is_explained(readme):
    explained = " ".join(readme.table("## How to read it"))
    headings = re.search(r"^\| (backend .+?) \|$", readme.text, re.MULTILINE)
    assert headings is not None
    for heading in headings[1].split(" | "):
        assert heading.removesuffix(" %") in explained


def test_it_is_read_in_two_minutes(readme):
    outside_the_table = re.sub(r"<!-- table:begin.+table:end -->", "", readme.text, flags=re.DOTALL)
    assert len(outside_the_table.split()) < 850
