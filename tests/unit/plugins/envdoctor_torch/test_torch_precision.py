from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from envdoctor_torch.precision import STRICT, find_policy  # noqa: E402  torch comes first

CPU = torch.device("cpu")


@pytest.mark.parametrize("precision", ["fp32", "fp64", "tf32"])
def test_a_strict_pass_is_under_no_autocast_at_all(precision):
    """One that is switched off computes the same, but no cache of torch takes its graph."""
    policy = find_policy(precision, CPU)
    assert policy == STRICT
    with policy.autocast() as context:
        assert context is None
        assert not torch.is_autocast_enabled("cpu")


def test_bfloat16_computes_in_it_and_loses_in_float32():
    policy = find_policy("bf16", CPU)
    with policy.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == torch.bfloat16
    assert policy.outputs(product).dtype == torch.float32
    assert policy.scaler is None
