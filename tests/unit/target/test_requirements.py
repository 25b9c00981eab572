from __future__ import annotations

import pytest

from envdoctor.target.requirements import requirements_that_hold

VARIABLES = {
    "python_version": "3.12",
    "python_full_version": "3.12.1",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
}


def names(*lines):
    return [each["name"] for each in requirements_that_hold(lines, VARIABLES)]


@pytest.mark.parametrize(
    ("line", "name", "specifier"),
    [
        ("NumPy>=1.26,<3", "numpy", ">=1.26,<3"),
        ("typing_extensions (>=4.0, <5)", "typing-extensions", ">=4.0,<5"),
        ("requests[socks] ~= 2.3", "requests", "~=2.3"),
        ("six", "six", ""),
        ("thing @ https://example.org/thing.whl", "thing", ""),
        ("ruamel.yaml>=0.1; python_version >= '3.9'", "ruamel-yaml", ">=0.1"),
    ],
)
def test_a_line_is_a_name_and_a_specifier(line, name, specifier):
    assert requirements_that_hold([line], VARIABLES) == ({"name": name, "specifier": specifier},)


def test_markers_are_judged_by_the_target():
    assert names("new; python_version >= '3.12'", "old; python_version < '3.12'") == ["new"]
    assert names("lin; sys_platform == 'linux' and platform_machine == 'x86_64'") == ["lin"]


def test_extras_are_left_out_unless_something_else_asks():
    assert names("a; extra == 'x'", "b; python_version > '3' and extra == 'x'") == []
    assert names("c; extra == 'x' or python_version > '3'") == ["c"]
    assert names("d; extra == 'x' or python_version < '3'") == []


@pytest.mark.parametrize("line", ["", "; python_version > '3'", "a; nonsense", "a; no_such == 'x'", "a; python_version"])  # fmt: skip
def test_what_cannot_be_read_or_judged_is_left_out(line):
    assert names(line, "six") == ["six"]
