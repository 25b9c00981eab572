"""The shipped workloads against figures that were worked out independently, on paper."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

import envdoctor_workloads
from envdoctor.workload.prepare import Prepared, prepare
from envdoctor_workloads.plugin import envdoctor_data_sets
from envdoctor_workloads.plugin import envdoctor_workloads as shipped

DATA_SETS = {data_set.name: data_set for data_set in envdoctor_data_sets()}
FILES = {file.name: file.path for file in shipped()}
FOLDER = Path(envdoctor_workloads.__file__).parent

# parameters; floating-point operations per sample, forward and training, to three digits
FIGURES = {
    "mlp-tiny": (26_122, 5.17e4, 1.39e5),
    "mlp-small": (669_706, 1.34e6, 3.21e6),
    "cnn-tiny": (13_706, 1.84e5, 5.32e5),
    "cnn-small": (61_706, 8.33e5, 2.26e6),
    "transformer-tiny": (809_856, 1.10e8, 3.30e8),
    "transformer-small": (10_770_816, 6.05e9, 1.82e10),
    "vit-tiny": (102_218, 3.50e6, 1.05e7),
    "vit-small": (205_066, 2.23e7, 6.69e7),
    "lstm-tiny": (19_338, 2.96e5, 8.23e5),
    "lstm-small": (81_674, 4.48e6, 1.25e7),
    "mlp-base": (10_020_874, 2.00e7, 5.69e7),
    "mlp-large": (243_106_792, 4.86e8, 1.39e9),
    "cnn-base": (269_722, 8.11e7, 2.42e8),
    "cnn-large": (25_557_032, 8.18e9, 2.43e10),
    "transformer-base": (124_439_808, 2.92e11, 8.75e11),
    "transformer-large": (354_823_168, 8.27e11, 2.48e12),
    "vit-base": (22_050_664, 9.20e9, 2.75e10),
    "vit-large": (86_567_656, 3.51e10, 1.05e11),
    "lstm-base": (3_453_633, 8.81e8, 2.64e9),
    "lstm-large": (89_466_640, 2.03e10, 6.08e10),
    "autoencoder-tiny": (4_744, 9.22e3, 2.36e4),
    "autoencoder-small": (2_837_314, 5.67e6, 1.54e7),
    # 10 * 64 + 64 * 64 + 64 kernels, 129 biases; the first layer's input needs no gradient.
    "regressor-tiny": (4_929, 9.60e3, 2.75e4),
}
BATCHES = {
    "tiny": 64,
    "small": 128,
    "transformer-tiny": 16,
    "transformer-small": 8,
    "mlp-base": 1024,
    "cnn-base": 128,
    "transformer-base": 8,
    "vit-base": 256,
    "lstm-base": 64,
    "mlp-large": 2048,
    "cnn-large": 256,
    "transformer-large": 16,
    "vit-large": 256,
    "lstm-large": 64,
}


@pytest.fixture(scope="module")
def prepared() -> dict[str, Prepared]:
    return {name: prepare(path, DATA_SETS, seed=0) for name, path in FILES.items()}


def test_every_shipped_file_has_a_figure() -> None:
    assert set(FIGURES) == set(FILES)


@pytest.mark.parametrize("name", FIGURES)
def test_counts_equal_the_independent_figures(name: str, prepared: dict[str, Prepared]) -> None:
    parameters, forward, training = FIGURES[name]
    network = prepared[name].network
    assert network.parameter_count == parameters
    assert float(f"{network.forward_flops:.2e}") == forward
    assert float(f"{network.training_flops:.2e}") == training


@pytest.mark.parametrize("name", FIGURES)
def test_a_shipped_workload_is_called_like_its_file(
    name: str, prepared: dict[str, Prepared]
) -> None:
    described = prepared[name].description
    assert described.name == name == f"{described.family}-{described.size}"


@pytest.mark.parametrize("name", FIGURES)
def test_each_workload_has_the_batch_of_its_size(name: str, prepared: dict[str, Prepared]) -> None:
    train = prepared[name].description.train
    assert train.batch == BATCHES.get(name, BATCHES.get(name.rpartition("-")[2]))


def test_synthetic_data_are_for_large_workloads_are_labelled_and_have_no_quality(
    prepared: dict[str, Prepared],
) -> None:
    made_up = [one.description for one in prepared.values() if one.samples.synthetic]
    assert len(made_up) == 8
    for described in made_up:
        assert described.size in ("base", "large")
        assert "synthetic" in described.summary
        assert described.quality is None


def test_the_largest_sets_take_no_memory_until_a_batch_is_drawn(
    prepared: dict[str, Prepared],
) -> None:
    samples = prepared["vit-large"].samples
    inputs = samples.train_inputs
    last = sum((n - 1) * stride for n, stride in zip(inputs.shape, inputs.strides, strict=True))
    assert inputs.nbytes > 300e6
    assert last < 2e6


def test_the_shipped_data_are_what_was_recorded() -> None:
    script = runpy.run_path(str(FOLDER.parent / "rebuild_data.py"))
    recorded = json.loads((FOLDER / "data" / "hashes.json").read_text(encoding="utf-8"))
    assert set(recorded) == set(DATA_SETS)
    assert {name: script["hash_of"](name, FOLDER / "data") for name in recorded} == recorded


def test_every_data_set_is_attributed() -> None:
    text = (FOLDER / "data" / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert all(data_set.path.name in text for data_set in DATA_SETS.values())


@pytest.mark.parametrize(
    ("name", "train", "test", "classes"),
    [
        ("mlp-tiny", (1437, 64), 360, 10),
        ("cnn-tiny", (1437, 8, 8, 1), 360, 10),
        ("lstm-tiny", (1437, 8, 8), 360, 10),
        ("mlp-small", (4000, 784), 1000, 10),
        ("cnn-small", (4000, 28, 28, 1), 1000, 10),
    ],
)
def test_images_are_split_and_scaled(
    name: str, train: tuple[int, ...], test: int, classes: int, prepared: dict[str, Prepared]
) -> None:
    samples = prepared[name].samples
    assert samples.train_inputs.shape == train
    assert samples.test_inputs.shape == (test, *train[1:])
    assert samples.classes == classes
    assert samples.train_targets.dtype == np.int32
    assert (samples.train_inputs.min(), samples.train_inputs.max()) == (0.0, 1.0)


def test_every_class_is_in_both_splits(prepared: dict[str, Prepared]) -> None:
    for name in ("mlp-tiny", "mlp-small"):
        samples = prepared[name].samples
        assert set(samples.train_targets) == set(samples.test_targets) == set(range(10))


def test_text_is_windows_of_65_symbols(prepared: dict[str, Prepared]) -> None:
    samples = prepared["transformer-tiny"].samples
    assert samples.symbols == samples.classes == 65
    assert samples.input_shape == (64,)
    # Every symbol can be learnt: it stands in the training text.
    assert len(np.unique(samples.train_inputs)) == 65


def test_the_diabetes_set_is_a_regression() -> None:
    with np.load(DATA_SETS["diabetes"].path) as arrays:
        assert arrays["features"].shape == (442, 10)
        assert arrays["targets"].shape == (442,)
