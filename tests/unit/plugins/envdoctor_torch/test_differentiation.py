"""The maths of the passes; that compiled programs compute it too is the gate's affair."""

from __future__ import annotations

import types

import pytest

torch = pytest.importorskip("torch")
COMPILE = torch.compile
SKIP = "skip_guard_on_all_nn_modules_unsafe"


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch):
    """Compile nothing, and remember how it was asked for."""
    asked = []

    def compile_nothing(function, **options):
        asked.append(options)
        return function

    monkeypatch.setattr(torch, "compile", compile_nothing)
    return asked


class Tied(torch.nn.Module):
    """Uses one parameter twice, and has one that is not trained."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = torch.nn.Parameter(torch.randn(3, 3, generator=generator))
        self.second = self.first
        self.frozen = torch.nn.Parameter(torch.ones(3), requires_grad=False)

    def forward(self, x):
        return torch.tanh(x @ self.first + self.frozen) @ self.second


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    inputs, targets = (torch.randn(5, 3, generator=generator) for _ in range(2))
    return inputs, targets, torch.tensor([4, 0, 2])


def passes(model, workload):
    from envdoctor_torch.differentiation import build_compiled_pass, build_eager_pass

    loss = torch.nn.functional.mse_loss
    return build_eager_pass(model, loss), build_compiled_pass(model, loss, workload)


def plain_workload():
    return types.SimpleNamespace(layers=())


def lstm_workload():
    from envdoctor.child.layers import Lstm

    return types.SimpleNamespace(layers=(Lstm("lstm", (2, 3), (2, 3)),))


@pytest.mark.parametrize("workload", [plain_workload, lstm_workload])
def test_both_passes_agree_and_leave_the_gradients_of_this_batch_only(workload, batch):
    model = Tied()
    eager, compiled = passes(model, workload())
    expected_loss, expected_outputs = eager(*batch)
    expected = model.first.grad.clone()
    for _ in range(2):
        loss, outputs = compiled(*batch)
        torch.testing.assert_close(loss, expected_loss)
        torch.testing.assert_close(outputs, expected_outputs)
        torch.testing.assert_close(model.first.grad, expected)
    assert not outputs.requires_grad  # or a compiled backward pass would differentiate them
    assert model.frozen.grad is None


def test_the_compiled_pass_sees_what_the_optimizer_writes(batch):
    model = Tied()
    eager, compiled = passes(model, plain_workload())
    optimizer = torch.optim.SGD([model.first], lr=0.1)
    before, _ = compiled(*batch)
    optimizer.step()
    after, _ = compiled(*batch)
    assert after < before
    torch.testing.assert_close(after, eager(*batch)[0].detach())


def test_one_graph_or_an_error_but_around_an_lstm(uncompiled, monkeypatch):
    monkeypatch.setattr(torch.compiler, SKIP, "skip", raising=False)
    passes(Tied(), plain_workload())
    options = {"guard_filter_fn": "skip"}
    assert uncompiled.pop() == {"dynamic": False, "fullgraph": True, "options": options}
    passes(Tied(), lstm_workload())
    assert uncompiled.pop() == {"dynamic": False}


def test_an_older_torch_looks_through_the_modules(uncompiled, monkeypatch):
    monkeypatch.delattr(torch.compiler, SKIP, raising=False)
    passes(Tied(), plain_workload())
    assert uncompiled.pop()["options"] is None


def test_programs_of_models_of_one_shape_are_told_apart(monkeypatch, batch):
    # Nothing is generated, which takes long; it is traced and guarded as ever.
    def trace_only(function, *, options, **others):
        return COMPILE(function, backend="eager", options=options, **others)

    monkeypatch.setattr(torch, "compile", trace_only)
    activations = torch.nn.ReLU(), torch.nn.Tanh()
    models = [torch.nn.Sequential(torch.nn.Linear(3, 3), each) for each in activations]
    both = [passes(model, plain_workload()) for model in models]
    for eager, compiled in (both[0], both[1], both[0]):
        expected, _ = eager(*batch)
        torch.testing.assert_close(compiled(*batch)[0], expected.detach())


@pytest.mark.parametrize(
    ("version", "offered"), [("2.4.1", False), ("2.5.0", True), ("2.13.0+cpu", True)]
)
def test_mode_compile_is_offered_where_torch_func_is_traced(monkeypatch, version, offered):
    from envdoctor.child.contract import Unsupported
    from envdoctor_torch import devices

    monkeypatch.setattr(torch, "__version__", torch.torch_version.TorchVersion(version))
    if offered:
        devices._require_compiler(torch.device("cuda"))
    else:
        with pytest.raises(Unsupported, match=r"needs torch 2\.5"):
            devices._require_compiler(torch.device("cuda"))
