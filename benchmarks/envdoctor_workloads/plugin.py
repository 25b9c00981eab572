"""Registers the reference workloads and the data sets that they train on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.api import DataSet, WorkloadFile, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent


@hookimpl
def envdoctor_workloads() -> Iterator[WorkloadFile]:
    """Every TOML file of this package, under the name of the file."""
    for path in sorted(FOLDER.glob("*.toml")):
        yield WorkloadFile(name=path.stem, path=path)


@hookimpl
def envdoctor_data_sets() -> Iterator[DataSet]:
    """The shipped sets; ATTRIBUTION.md beside them says where they come from."""
    data = FOLDER / "data"
    yield DataSet(
        name="digits",
        summary="1,797 handwritten digits, 8x8 pixels, 10 classes",
        kind="images",
        path=data / "digits.npz",
        scale=16.0,
    )
    yield DataSet(
        name="mnist5k",
        summary="5,000 handwritten digits of MNIST, 28x28 pixels, 10 classes",
        kind="images",
        path=data / "mnist5k.npz",
        scale=255.0,
    )
    yield DataSet(
        name="shakespeare",
        summary="about a million characters of plays, 65 symbols",
        kind="text",
        path=data / "shakespeare.txt.gz",
    )
    yield DataSet(
        name="diabetes",
        summary="442 patients, 10 features, disease progression after a year",
        kind="table",
        path=data / "diabetes.npz",
    )
