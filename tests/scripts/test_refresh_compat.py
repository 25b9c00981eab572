"""The table is refreshed from answers of a package index; recorded ones here, and no network."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "refresh_compat.py"
names = runpy.run_path(str(SCRIPT))


@pytest.fixture
def table():
    return json.loads(names["TABLE"].read_text(encoding="utf-8"))


def wheels(name, version, *pythons, platform="manylinux_2_28_x86_64", **fields):
    tags = [f"cp{python.replace('.', '')}" for python in pythons]
    return [
        {"filename": f"{name}-{version}-{tag}-{tag}-{platform}.whl", "yanked": False, **fields}
        for tag in tags
    ]


@pytest.fixture
def answers():
    """A new torch with CUDA 13.3 and without Python 3.11, and a TensorFlow for Python 3.14."""
    return {
        "torch": {
            "releases": {
                "2.15.0": wheels("torch", "2.15.0", "3.11", "3.12", "3.13", "3.14"),
                "2.16.0": wheels("torch", "2.16.0", "3.12", "3.13", "3.14", "3.15"),
                "2.17.0rc1": wheels("torch", "2.17.0rc1", "3.12"),
                "2.16.1": wheels("torch", "2.16.1", "3.12", yanked=True),
                "1.0-odd": wheels("torch", "1.0", "3.6"),
            }
        },
        "torch/2.15.0": {"info": {"requires_dist": ["cuda-toolkit[cublas]==13.2.1; x"]}},
        "torch/2.16.0": {
            "info": {"requires_dist": ["filelock", "nvidia-cuda-runtime==13.3.7; x == 'y'"]}
        },
        "torchvision": {"releases": {"0.30.0": wheels("torchvision", "0.30.0", "3.12")}},
        "torchvision/0.30.0": {"info": {"requires_dist": ["numpy", "torch==2.16.0"]}},
        "tensorflow": {"releases": {"2.22.0": wheels("tensorflow", "2.22.0", "3.13", "3.14")}},
    }


def test_what_the_index_says_now(table, answers):
    for each in ("torch/2.15.0", "torch/2.16.0"):
        lines = answers[each]["info"]["requires_dist"]
        answers[each]["info"]["requires_dist"] = [line.partition(";")[0] for line in lines]
    new = names["refreshed"](table, lambda what: answers.get(what, {}))
    assert new["torch"]["2.16"]["newest"] == "2.16.0"
    assert new["torch"]["2.16"]["default_cuda"] == "13.3"
    assert new["torch"]["2.16"]["torchvision"] == "0.30"
    assert new["torch"]["2.15"]["torchvision"] == "0.29"
    assert new["torch"]["2.13"] == table["torch"]["2.13"]
    assert new["python_wheels"]["torch"]["3.15"] == {"oldest": "2.16.0", "newest": "2.16.0"}
    assert new["python_wheels"]["torch"]["3.11"]["newest"] == "2.15.0"
    assert new["python_wheels"]["tensorflow"]["3.14"]["newest"] == "2.22.0"
    assert new["python_wheels"]["jaxlib"] == table["python_wheels"]["jaxlib"]
    assert new["driver_floors"] == table["driver_floors"]


def test_the_difference_is_what_changed(table, answers):
    new = names["refreshed"](table, lambda what: answers.get(what, {}))
    text = names["difference"](table, new)
    assert '+   "3.14": {"oldest": "2.22.0", "newest": "2.22.0"}' in text
    assert "driver_floors" not in text
    assert names["difference"](table, table) == ""


def test_the_table_is_kept_as_the_script_writes_it(table):
    assert names["as_text"](table) + "\n" == names["TABLE"].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("filename", "found"),
    [
        ("torch-2.9.0-cp313-cp313-manylinux_2_28_x86_64.whl", {"3.13"}),
        ("torch-2.9.0-cp313-cp313t-manylinux_2_28_x86_64.whl", set()),
        ("torch-2.9.0-cp313-cp313-win_amd64.whl", set()),
        ("torch-2.9.0-cp313-cp313-manylinux_2_28_aarch64.whl", set()),
        ("torch-2.9.0.tar.gz", set()),
    ],
)
def test_which_python_a_wheel_is_for(filename, found):
    assert names["pythons"]([{"filename": filename}]) == found


def test_no_host_is_named_in_the_script():
    assert "://" not in SCRIPT.read_text(encoding="utf-8")
