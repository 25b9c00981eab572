from __future__ import annotations

from types import SimpleNamespace

import pytest

from envdoctor.child.contract import Unsupported
from envdoctor.child.layers import Lstm

torch = pytest.importorskip("torch")

from envdoctor_torch.precision import STRICT, find_policy, require_layers  # noqa: E402  torch comes first

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


@pytest.fixture
def recurrent():
    layer = Lstm(name="lstm_1", input_shape=(4, 2), output_shape=(4, 2))
    return SimpleNamespace(layers=(layer,))


def fails(*_):
    raise RuntimeError("could not create a primitive descriptor")


def test_an_lstm_that_this_cpu_cannot_run_in_bfloat16_is_refused(recurrent, monkeypatch):
    monkeypatch.setattr(torch.nn.LSTM, "forward", fails)
    with pytest.raises(Unsupported, match=r"lstm_1: oneDNN, .* has none in torch.bfloat16"):
        require_layers(recurrent, find_policy("bf16", CPU))
    require_layers(recurrent, STRICT)
    require_layers(SimpleNamespace(layers=()), find_policy("bf16", CPU))


def test_an_lstm_that_runs_in_bfloat16_is_taken(recurrent, monkeypatch):
    monkeypatch.setattr(torch.nn.LSTM, "forward", lambda *_: None)
    require_layers(recurrent, find_policy("bf16", CPU))
