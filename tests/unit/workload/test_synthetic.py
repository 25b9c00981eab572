from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from envdoctor.api import DataSet
from envdoctor.errors import InputError
from envdoctor.model.description import DataSpec
from envdoctor.workload.prepare import Prepared, prepare
from envdoctor.workload.synthetic import make_samples

Spec = Callable[..., DataSpec]

VIEWS = [("vector", [6]), ("rows", [3, 4]), ("image", [4, 4, 3])]


@pytest.mark.parametrize(("view", "shape"), VIEWS)
def test_samples_have_the_shape_that_is_asked_for(view: str, shape: list[int], spec: Spec) -> None:
    samples = make_samples(spec(view, shape=shape, classes=3, samples=20), "f.toml", classes=True)
    assert samples.train_inputs.shape == (16, *shape)
    assert samples.test_inputs.shape == (4, *shape)
    assert samples.train_inputs.dtype == np.float64
    assert samples.synthetic
    assert samples.classes == 3
    assert set(np.concatenate([samples.train_targets, samples.test_targets])) <= set(range(3))


def test_no_sample_is_another_one(spec: Spec) -> None:
    data = spec("image", shape=[4, 4, 3], classes=3, samples=40)
    samples = make_samples(data, "f.toml", classes=True)
    rows = samples.train_inputs.reshape(32, -1)
    assert len(np.unique(rows, axis=0)) == 32


def test_samples_are_the_same_each_time_and_cannot_be_spoilt(spec: Spec) -> None:
    data = spec("vector", shape=[6], samples=10)
    one, other = (make_samples(data, "f.toml", classes=False) for _ in range(2))
    np.testing.assert_array_equal(one.train_inputs, other.train_inputs)
    assert one.train_targets.shape == (8, 1)
    assert one.classes is None
    with pytest.raises(ValueError, match="read-only"):
        one.train_inputs[0] = 0


def test_the_target_of_a_symbol_is_the_next_one(spec: Spec) -> None:
    data = spec("tokens", steps=70, symbols=9, samples=10)
    samples = make_samples(data, "f.toml", classes=True)
    assert samples.symbols == samples.classes == 9
    np.testing.assert_array_equal(samples.train_targets[:, :-1], samples.train_inputs[:, 1:])
    assert samples.train_inputs.dtype == np.int32


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shape": [6], "classes": 3}, "need `samples`"),
        ({"samples": 20, "classes": 3}, "need `shape`"),
        ({"samples": 20, "shape": [6]}, "need `classes`"),
        ({"samples": 20, "shape": [6], "classes": 3, "symbols": 4}, "`symbols` .* no place here"),
        ({"samples": 20, "shape": [6, 6], "classes": 3}, "needs 1 numbers"),
        ({"samples": 4, "shape": [6], "classes": 3}, "must be 5 or more"),
    ],
)
def test_what_is_missing_or_too_much_is_told(
    values: dict[str, object], message: str, spec: Spec
) -> None:
    with pytest.raises(InputError, match=rf"^f\.toml: .*{message}"):
        make_samples(spec("vector", **values), "f.toml", classes=True)


def test_tokens_need_the_length_of_a_window(spec: Spec) -> None:
    with pytest.raises(InputError, match="needs `steps`"):
        make_samples(spec("tokens", symbols=9, samples=10), "f.toml", classes=True)


SYNTHETIC = 'set = "synthetic"\nview = "vector"\nshape = [4]\nclasses = 10\nsamples = 20'
QUALITY = '[quality]\nmetric = "accuracy"\nat_least = 0.5\n'


@pytest.fixture
def prepare_with(
    valid: str, tmp_path: Path, data_sets: dict[str, DataSet]
) -> Callable[..., Prepared]:
    def run(data: str, *, quality: bool = False, loss: str = "cross_entropy") -> Prepared:
        text = valid.replace('set = "squares"\nview = "vector"', data)
        text = text.replace("cross_entropy", loss)
        if not quality:
            text = text.replace(QUALITY, "")
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return prepare(path, data_sets, seed=0)

    return run


def test_a_workload_trains_on_made_up_samples(prepare_with: Callable[..., Prepared]) -> None:
    prepared = prepare_with(SYNTHETIC)
    assert prepared.samples.synthetic
    assert prepared.batches().shape == (4, 8)


def test_made_up_samples_have_no_quality(prepare_with: Callable[..., Prepared]) -> None:
    with pytest.raises(InputError, match="teach nothing"):
        prepare_with(SYNTHETIC, quality=True)


@pytest.mark.parametrize("key", ["samples = 20", "shape = [4]", "classes = 3", "symbols = 3"])
def test_keys_of_made_up_samples_go_with_no_other_set(
    key: str, prepare_with: Callable[..., Prepared]
) -> None:
    with pytest.raises(InputError, match="goes with the set `synthetic` only"):
        prepare_with(f'set = "squares"\nview = "vector"\n{key}')


def test_inputs_can_be_their_own_targets(prepare_with: Callable[..., Prepared]) -> None:
    data = 'set = "line"\nview = "vector"\nreconstruct = true'
    with pytest.raises(InputError, match="yields a vector of 10, but a regression needs a vector"):
        prepare_with(data, loss="mean_squared_error")


def test_symbols_cannot_be_reconstructed(prepare_with: Callable[..., Prepared]) -> None:
    data = 'set = "poem"\nview = "tokens"\nsteps = 8\nreconstruct = true'
    with pytest.raises(InputError, match="needs numbers"):
        prepare_with(data, loss="mean_squared_error")
