"""A small valid workload file to be spoilt, and data sets of a few samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from envdoctor.api import DataSet
from envdoctor.model.description import DataSpec

VALID = """\
schema = 1
name = "mine"
family = "mlp"
summary = "One layer"

[data]
set = "squares"
view = "vector"

[train]
batch = 8
epochs = 2
loss = "cross_entropy"
optimizer = { kind = "sgd", learning_rate = 0.1 }

[quality]
metric = "accuracy"
at_least = 0.5

[[layers]]
kind = "dense"
units = 10
activation = "none"
"""


@pytest.fixture(scope="session")
def valid() -> str:
    return VALID


@pytest.fixture(scope="session")
def spoil() -> Callable[[str, str], str]:
    def replace(old: str, new: str) -> str:
        assert VALID.count(old) == 1, f"{old!r} is not there once"
        return VALID.replace(old, new)

    return replace


@pytest.fixture(scope="session")
def spec() -> Callable[..., DataSpec]:
    def make(view: str, **values: object) -> DataSpec:
        return DataSpec(set=str(values.pop("set", "some")), view=view, **values)

    return make


@pytest.fixture(scope="session")
def images() -> dict[str, np.ndarray]:
    """Forty 8x8 images; pixel (r, c) of image n is n + r / 10 + c / 100, its label n mod 10."""
    rows, columns = np.mgrid[0:8, 0:8]
    pixels = np.arange(40)[:, None, None] + rows / 10 + columns / 100
    return {"images": pixels, "labels": np.arange(40) % 10}


@pytest.fixture(scope="session")
def data_sets(
    tmp_path_factory: pytest.TempPathFactory, images: dict[str, np.ndarray]
) -> dict[str, DataSet]:
    folder: Path = tmp_path_factory.mktemp("data")
    np.savez(folder / "squares.npz", **images)
    generator = np.random.default_rng(5)
    np.savez(
        folder / "line.npz",
        features=generator.normal(3.0, 2.0, (50, 4)),
        targets=generator.normal(size=50),
    )
    (folder / "poem.txt").write_text("the quick brown fox jumps over the lazy dog. " * 20)
    return {
        "squares": DataSet(
            name="squares", summary="", kind="images", path=folder / "squares.npz", scale=10.0
        ),
        "line": DataSet(name="line", summary="", kind="table", path=folder / "line.npz"),
        "poem": DataSet(name="poem", summary="", kind="text", path=folder / "poem.txt"),
    }
