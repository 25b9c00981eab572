"""Reads a data set into arrays: the samples of a view, split into training and test."""

from __future__ import annotations

import csv
import gzip
import zipfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.errors import InputError
from envdoctor.workload.samples import TEST_EVERY, Samples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from envdoctor.api import DataSet
    from envdoctor.model.description import DataSpec

TEST_TEXT_SHARE = 0.1
"""The end of a text is the test text: the beginning would be seen in training."""
MOST_TEST_WINDOWS = 512
"""Windows of the test text, evenly spread: tens of thousands of predictions, whose standard error
is a third of a point, are enough, and evaluation is not what is measured."""
LARGEST_CSV_BYTES = 500_000_000


_ARRAYS = {"images": ("images", "labels"), "table": ("features", "targets")}
_DAMAGES = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
)
"""All that reading a damaged or foreign file may raise."""


def read_samples(data_set: DataSet, spec: DataSpec, source: str) -> Samples:
    """The samples of a data set in the view that a workload asks for.

    Raises:
        InputError: the file is missing or damaged, or has no such view.
    """
    try:
        if data_set.kind == "text":
            return _read_text(data_set.path, spec, source)
        first, second = _ARRAYS[data_set.kind]
        # Opened here, because NumPy leaves a damaged file open.
        with data_set.path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            values, targets = arrays[first], arrays[second]
        if len(values) != len(targets):
            raise ValueError(f"{len(values)} samples, but {len(targets)} targets")
        if data_set.kind == "images":
            return _view_images(values / data_set.scale, targets, spec, source)
        return _view_table(values, targets, spec, source)
    except _DAMAGES as error:
        raise InputError(
            f"data set {data_set.name}: {data_set.path} cannot be read ({error}).",
            "Reinstall envdoctor, or the plugin that ships the data set.",
        ) from error


def _split(inputs: NDArray[Any], targets: NDArray[Any], classes: int | None) -> Samples:
    test = np.arange(len(inputs)) % TEST_EVERY == 0
    return Samples(inputs[~test], targets[~test], inputs[test], targets[test], classes)


def _view_images(
    images: NDArray[Any], labels: NDArray[Any], spec: DataSpec, source: str
) -> Samples:
    if images.ndim == 3:
        images = images[..., np.newaxis]
    count, height, width, channels = images.shape
    shapes = {
        "vector": (count, height * width * channels),
        "image": images.shape,
        "rows": (count, height, width * channels),
    }
    inputs = images.reshape(_shape_of(spec, shapes, source))
    return _split(inputs, labels.astype(np.int32), int(labels.max()) + 1)


def _shape_of(spec: DataSpec, shapes: dict[str, tuple[int, ...]], source: str) -> tuple[int, ...]:
    if spec.view not in shapes:
        raise _no_view(spec, tuple(shapes), source)
    return shapes[spec.view]


def _no_view(spec: DataSpec, views: tuple[str, ...], source: str) -> InputError:
    return InputError(
        f"{source}: data set {spec.set} has no view `{spec.view}`.", f"It has: {', '.join(views)}."
    )


def _view_table(
    features: NDArray[Any], targets: NDArray[Any], spec: DataSpec, source: str
) -> Samples:
    """A table, each column standardised by the training rows; targets stay as they are."""
    _shape_of(spec, {"vector": features.shape}, source)
    classes = int(targets.max()) + 1 if np.issubdtype(targets.dtype, np.integer) else None
    typed = targets.astype(np.int32) if classes else targets.astype(np.float64)[:, np.newaxis]
    raw = _split(features.astype(np.float64), typed, classes)
    train, test = standardise(raw.train_inputs, raw.test_inputs)
    return replace(raw, train_inputs=train, test_inputs=test, standardised=True)


def standardise(train: NDArray[Any], test: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both, (samples, columns), less the training mean of each column, over its deviation."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation[deviation == 0] = 1.0
    return (train - mean) / deviation, (test - mean) / deviation


def _read_text(path: Path, spec: DataSpec, source: str) -> Samples:
    """Windows of a text that do not overlap; the target of each symbol is the next one."""
    if spec.view != "tokens":
        raise _no_view(spec, ("tokens",), source)
    if spec.steps is None:
        raise InputError(
            f"{source}: [data] needs `steps` for the view `tokens`.", "The length of a window."
        )
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    alphabet, tokens = np.unique(codes, return_inverse=True)
    tokens = tokens.astype(np.int32)
    border = int(len(tokens) * (1 - TEST_TEXT_SHARE))
    if len(tokens) - border <= spec.steps:
        raise InputError(
            f"{source}: the text is too short for windows of {spec.steps}.", "Take fewer `steps`."
        )
    train = _windows(tokens[:border], spec.steps)
    test = _spread(_windows(tokens[border:], spec.steps))
    return Samples(*train, *test, classes=len(alphabet), symbols=len(alphabet))


def _spread(windows: tuple[NDArray[Any], NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    inputs, targets = windows
    count = min(len(inputs), MOST_TEST_WINDOWS)
    rows = np.linspace(0, len(inputs) - 1, count).astype(np.int64)
    return inputs[rows], targets[rows]


def _windows(tokens: NDArray[Any], steps: int) -> tuple[NDArray[Any], NDArray[Any]]:
    count = (len(tokens) - 1) // steps
    inputs = tokens[: count * steps].reshape(count, steps)
    return inputs, tokens[1 : count * steps + 1].reshape(count, steps)


def read_csv(path: Path, spec: DataSpec, source: str, *, classes: bool) -> Samples:
    """A CSV file with a header row: numbers in all columns, the target by name.

    Args:
        path: the file.
        spec: the view, and the target column; the last one by default.
        source: what messages call the workload file.
        classes: whether the loss wants classes: then each different text of the target column is
            one, in alphabetical order; else the column holds numbers.

    Raises:
        InputError: with the row and column that cannot be used.
    """
    header, rows = _csv_rows(path, source)
    target = spec.target or header[-1]
    if target not in header:
        raise InputError(
            f"{source}: {path.name} has no column `{target}`.", f"It has: {', '.join(header[:20])}."
        )
    column = header.index(target)
    texts = [row[column].strip() for row in rows]
    features = [[row[i] for i in range(len(header)) if i != column] for row in rows]
    names = [name for name in header if name != target]
    if classes:
        targets = _classes(texts, target, path, source)
    else:
        targets = _numbers([[text] for text in texts], [target], path, source)[:, 0]
    return _view_table(_numbers(features, names, path, source), targets, spec, source)


def _csv_rows(path: Path, source: str) -> tuple[list[str], list[list[str]]]:
    try:
        if path.stat().st_size > LARGEST_CSV_BYTES:
            raise InputError(
                f"{source}: {path.name} is larger than 500 MB.", "Take a sample of it."
            )
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{source}: the data file {path} cannot be read ({error}).",
            "Paths are relative to the workload file.",
        ) from error
    if len(rows) < 2 * TEST_EVERY + 1 or len(rows[0]) < 2:
        raise InputError(
            f"{source}: {path.name} needs a header, two columns and at least {2 * TEST_EVERY} rows."
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise InputError(
                f"{source}: row {number} of {path.name} has {len(row)} columns, "
                f"the header has {len(rows[0])}."
            )
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise InputError(f"{source}: two columns of {path.name} are called `{twice}`.")
    return header, rows[1:]


def _numbers(features: list[list[str]], names: list[str], path: Path, source: str) -> NDArray[Any]:
    values = np.empty((len(features), len(names)))
    for row, texts in enumerate(features):
        for column, text in enumerate(texts):
            values[row, column] = _number(text)
            if not np.isfinite(values[row, column]):
                raise InputError(
                    f"{source}: `{text[:40]}` in column `{names[column]}`, row {row + 2} of "
                    f"{path.name}, is not a number.",
                    "Fill gaps and turn words into numbers first.",
                )
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _classes(texts: list[str], column: str, path: Path, source: str) -> NDArray[Any]:
    if "" in texts:
        raise InputError(
            f"{source}: column `{column}`, row {texts.index('') + 2} of {path.name}, is empty.",
            "Leave such rows out.",
        )
    values, numbers = np.unique(texts, return_inverse=True)
    if len(values) > len(texts) // 2:
        raise InputError(
            f"{source}: column `{column}` of {path.name} has {len(values)} different values in "
            f"{len(texts)} rows; these are no classes.",
            "Choose another `target`, or the loss mean_squared_error.",
        )
    return numbers.astype(np.int64)
