from __future__ import annotations

import numpy as np

from envdoctor_transformers.projections import join_projections, split_projections


def test_the_parts_of_a_projection_are_its_columns_and_join_again():
    kernel = np.arange(12.0).reshape(2, 6)
    weights = {
        "block_1.qkv.kernel": kernel,
        "block_1.qkv.bias": np.arange(6.0),
        "head.bias": kernel,
    }
    parts = split_projections(weights)
    assert set(parts) == {
        f"block_1.{part}.{name}"
        for part in ("query", "key", "value")
        for name in ("kernel", "bias")
    }
    np.testing.assert_array_equal(parts["block_1.key.kernel"], [[2, 3], [8, 9]])
    joined = join_projections({**parts, "head.bias": kernel})
    assert set(joined) == set(weights)
    for name, value in weights.items():
        np.testing.assert_array_equal(joined[name], value)
