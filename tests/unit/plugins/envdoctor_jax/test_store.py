from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("jax")

WEIGHTS = {"one": np.arange(6.0).reshape(2, 3), "two": np.arange(4.0)}


class Layer:
    def __init__(self, kind):
        self.kind = kind


@pytest.mark.parametrize(
    ("kind", "most", "joined"),
    [("dense", 10, True), ("dense", 9, False), ("lstm", 10, False)],
)
def test_few_weights_are_one_vector_but_not_those_of_a_loop(monkeypatch, kind, most, joined):
    from envdoctor_jax import store

    monkeypatch.setattr(store, "MOST_WEIGHTS_IN_A_VECTOR", most)
    kept, restore = store.keep(WEIGHTS, [Layer(kind)])
    assert isinstance(kept, np.ndarray) is joined
    restored = restore(kept)
    assert restored.keys() == WEIGHTS.keys()
    for name, value in WEIGHTS.items():
        np.testing.assert_array_equal(restored[name], value)
