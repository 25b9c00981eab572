"""Each layer kind: its gradients by finite differences, and its values by a plain formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from envdoctor.child import layers
from envdoctor_numpy.batch_norm import BatchNorm
from envdoctor_numpy.convolution import Conv2d
from envdoctor_numpy.dense import Dense, Unembedding
from envdoctor_numpy.layout import Flatten, ToBatchFirst
from envdoctor_numpy.norm import LayerNorm
from envdoctor_numpy.parameters import Parameters
from envdoctor_numpy.pooling import GlobalAveragePool2d, MaxPool2d, Upsample2d
from envdoctor_numpy.recurrent import Lstm
from envdoctor_numpy.residual import ResidualBlock
from envdoctor_numpy.tokens import (
    ClassToken,
    Embedding,
    MeanOverSteps,
    Patches,
    PickStep,
    PositionEmbedding,
)
from envdoctor_numpy.transformer import TransformerBlock

BATCH = 3
ACTIVATIONS = ("none", "relu", "gelu_tanh", "gelu_erf", "sigmoid", "tanh")


def block(activation, *, causal=False):
    return layers.TransformerBlock("x", (5, 6), (5, 6), 2, 7, causal, activation, 1e-5, 0.7)


def conv(activation, bias=True, shape=(7, 6, 2), into=(4, 3, 5), kernel=3, stride=2, padding=1):
    return layers.Conv2d("x", shape, into, kernel, stride, padding, activation, bias)


def batch_norm(activation, shape=(4, 3, 5)):
    return layers.BatchNorm("x", shape, shape, activation, 1e-3, 0.9)


def residual(form, shortcut, activation="tanh", into=(3, 2, 8), stride=2):
    filters = into[-1] // (4 if form == "bottleneck" else 1)
    shape = into if shortcut == "identity" else (5, 4, 4)
    return layers.ResidualBlock(
        "x", shape, into, form, filters, stride, shortcut, activation, 1e-3, 0.9
    )


CASES = {
    **{f"dense {a}": (Dense, layers.Dense("x", (5,), (7,), a, bias=True)) for a in ACTIVATIONS},
    "dense without bias": (Dense, layers.Dense("x", (5,), (3,), "tanh", bias=False)),
    "dense over steps": (Dense, layers.Dense("x", (4, 5), (4, 7), "sigmoid", bias=True)),
    **{f"conv {a}": (Conv2d, conv(a)) for a in ACTIVATIONS},
    "conv without bias": (Conv2d, conv("none", bias=False)),
    "conv without padding": (
        Conv2d,
        conv("relu", shape=(5, 7, 1), into=(1, 2, 4), kernel=5, stride=2, padding=0),
    ),
    "max pool": (MaxPool2d, layers.MaxPool2d("x", (5, 7, 2), (2, 3, 2), 2, 2)),
    "max pool overlapping": (MaxPool2d, layers.MaxPool2d("x", (5, 6, 2), (2, 2, 2), 3, 2)),
    "max pool with gaps": (MaxPool2d, layers.MaxPool2d("x", (7, 8, 1), (2, 2, 1), 2, 4)),
    "max pool with padding": (
        MaxPool2d,
        layers.MaxPool2d("x", (6, 5, 2), (3, 3, 2), 3, 2, padding=1),
    ),
    "max pool with padding apart": (
        MaxPool2d,
        layers.MaxPool2d("x", (6, 5, 2), (4, 3, 2), 2, 2, padding=1),
    ),
    "upsampling": (Upsample2d, layers.Upsample2d("x", (3, 2, 4), (9, 6, 4), 3)),
    **{f"batch norm {a}": (BatchNorm, batch_norm(a)) for a in ACTIVATIONS},
    "batch norm of vectors": (BatchNorm, batch_norm("tanh", (7,))),
    "residual identity": (ResidualBlock, residual("basic", "identity", stride=1)),
    "residual padding": (ResidualBlock, residual("basic", "padding")),
    "residual projection": (ResidualBlock, residual("basic", "projection", "sigmoid")),
    "bottleneck identity": (ResidualBlock, residual("bottleneck", "identity", stride=1)),
    "bottleneck projection": (ResidualBlock, residual("bottleneck", "projection")),
    "average pool": (
        GlobalAveragePool2d,
        layers.GlobalAveragePool2d("x", (3, 5, 4), (4,)),
    ),
    "flatten": (Flatten, layers.Flatten("x", (3, 5, 2), (30,))),
    "patches": (Patches, layers.Patches("x", (4, 6, 2), (6, 8), 2)),
    "patches and a margin": (Patches, layers.Patches("x", (5, 7, 1), (6, 4), 2)),
    "class token": (ClassToken, layers.ClassToken("x", (4, 5), (5, 5))),
    "position": (PositionEmbedding, layers.PositionEmbedding("x", (4, 5), (4, 5))),
    "layer norm": (LayerNorm, layers.LayerNorm("x", (3, 7), (3, 7), 1e-3)),
    **{f"block {a}": (TransformerBlock, block(a)) for a in ACTIVATIONS},
    "block causal": (TransformerBlock, block("gelu_tanh", causal=True)),
    "lstm": (Lstm, layers.Lstm("x", (5, 3), (5, 4))),
    "first step": (PickStep, layers.FirstStep("x", (4, 5), (5,))),
    "last step": (PickStep, layers.LastStep("x", (4, 5), (5,))),
    "mean over steps": (MeanOverSteps, layers.MeanOverSteps("x", (4, 5), (5,))),
}
OPTIONS = {
    "flatten channels first": ("flatten", {"channels_first": True}),
    "fast variance": ("layer norm", {"fast_variance": True}),
    "batch norm fast": ("batch norm tanh", {"fast_variance": True}),
    "residual same": ("residual padding", {"same": True, "fast_variance": True}),
    "block strict": ("block causal", {"strict_mask": True}),
    "conv same": ("conv tanh", {"same": True}),
    "lstm order": ("lstm", {"gates": ("input", "cell", "forget", "output"), "forget_bias": 0.7}),
}
ALL = {name: (*case, {}) for name, case in CASES.items()}
ALL.update({name: (*CASES[case], options) for name, (case, options) in OPTIONS.items()})
ON_IMAGES = (Conv2d, MaxPool2d, GlobalAveragePool2d, Upsample2d, BatchNorm, ResidualBlock)


def input_shape(kind, spec):
    if kind in ON_IMAGES and len(spec.input_shape) == 3:
        height, width, channels = spec.input_shape
        return (channels, height, width, BATCH)
    return (BATCH, *spec.input_shape)


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_those_of_finite_differences(name, weights):
    kind, spec, options = ALL[name]
    parameters = Parameters(weights([spec]), np.float64)
    layer = kind(spec, BATCH, parameters, **options)
    random = np.random.default_rng(3)
    x = random.normal(size=input_shape(kind, spec))
    slope = random.normal(size=layer.forward(x).shape)
    dx = layer.backward(slope.copy()).copy()
    gradients = parameters.copy_gradients()

    def rate(array, direction):
        here, ends = array.copy(), []
        for step in (1e-5, -1e-5):
            array[...] = here + step * direction
            ends.append(np.vdot(layer.forward(x), slope))
        array[...] = here
        return (ends[0] - ends[1]) / 2e-5

    for array, gradient in [(x, dx)] + [
        (parameters[name].value, gradients[name]) for name in gradients
    ]:
        direction = random.normal(size=array.shape)
        expected = np.vdot(gradient, direction)
        tolerance = 1e-8 * np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert rate(array, direction) == pytest.approx(expected, rel=1e-7, abs=tolerance)


@pytest.mark.parametrize("name", ALL)
def test_learning_without_an_input_gradient_is_the_same_learning(name, weights):
    kind, spec, options = ALL[name]
    parameters = Parameters(weights([spec]), np.float64)
    layer = kind(spec, BATCH, parameters, **options)
    x = np.random.default_rng(3).normal(size=input_shape(kind, spec))
    slope = np.random.default_rng(4).normal(size=layer.forward(x).shape)
    layer.backward(slope.copy())
    expected = parameters.copy_gradients()
    layer.forward(x)
    parameters.gradients.fill(7)
    layer.learn(slope.copy())
    for parameter, gradient in parameters.copy_gradients().items():
        np.testing.assert_array_equal(gradient, expected[parameter])


@pytest.mark.parametrize("name", ALL)
def test_an_input_is_never_written_to(name, weights):
    kind, spec, options = ALL[name]
    layer = kind(spec, BATCH, Parameters(weights([spec]), np.float64), **options)
    x = np.random.default_rng(3).normal(size=input_shape(kind, spec))
    before = x.copy()
    layer.backward(layer.forward(x).copy())
    np.testing.assert_array_equal(x, before)


def test_an_embedding_adds_up_the_gradients_of_equal_symbols(weights):
    spec = layers.Embedding("x", (4,), (4, 3), 6)
    parameters = Parameters(weights([spec]), np.float64)
    layer = Embedding(spec, 2, parameters, accumulate=False)
    symbols = np.array([[5, 0, 5, 2], [2, 2, 0, 1]])
    np.testing.assert_array_equal(layer.forward(symbols), parameters["x.table"].value[symbols])
    slope = np.random.default_rng(0).normal(size=(2, 4, 3))
    expected = np.zeros((6, 3))
    for place, symbol in np.ndenumerate(symbols):
        expected[symbol] += slope[place]
    parameters.gradients.fill(7)
    layer.learn(slope)
    np.testing.assert_allclose(parameters["x.table"].gradient, expected, rtol=1e-14)
    accumulating = Embedding(spec, 2, parameters, accumulate=True)
    accumulating.forward(symbols)
    accumulating.learn(slope)
    np.testing.assert_allclose(parameters["x.table"].gradient, 2 * expected, rtol=1e-14)


@pytest.mark.parametrize("accumulate", [False, True])
def test_an_unembedding_multiplies_by_the_table(accumulate):
    table = np.random.default_rng(0).normal(size=(5, 3))
    parameters = Parameters({"e.table": table}, np.float64)
    parameters.gradients.fill(1)
    spec = layers.Unembedding("x", (4, 3), (4, 5), "e")
    layer = Unembedding(spec, 2, parameters, accumulate=accumulate)
    x, slope = (np.random.default_rng(1).normal(size=(2, 4, n)) for n in (3, 5))
    np.testing.assert_allclose(layer.forward(x), x @ table.T, rtol=1e-13)
    np.testing.assert_allclose(layer.backward(slope), slope @ table, rtol=1e-12)
    expected = np.einsum("bsv,bsw->vw", slope, x) + accumulate
    np.testing.assert_allclose(parameters["e.table"].gradient, expected, rtol=1e-12)


@pytest.mark.parametrize("piece", [1 << 11, 5])
def test_a_convolution_is_a_sum_over_windows(weights, monkeypatch, piece):
    monkeypatch.setattr("envdoctor_numpy.convolution._PIECE", piece)
    spec = conv("none")
    parameters = Parameters(weights([spec]), np.float64)
    x = np.random.default_rng(0).normal(size=(2, *spec.input_shape))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    kernel, bias = parameters["x.kernel"].value, parameters["x.bias"].value
    expected = np.empty((2, *spec.output_shape))
    for row, column in itertools.product(range(4), range(3)):
        window = padded[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
        expected[:, row, column] = np.einsum("bhwi,hwio->bo", window, kernel) + bias
    y = Conv2d(spec, 2, parameters).forward(x.transpose(3, 1, 2, 0))
    np.testing.assert_allclose(y.transpose(3, 1, 2, 0), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_first_of_tied_maxima_gets_the_gradient(stride):
    spec = layers.MaxPool2d("x", (2, 2, 1), (1, 1, 1), 2, stride)
    layer = MaxPool2d(spec, 1, Parameters({}, np.float64))
    layer.forward(np.array([[5.0, 5], [1, 4]]).reshape(1, 2, 2, 1))
    dx = layer.backward(np.full((1, 1, 1, 1), 2.0))
    np.testing.assert_array_equal(dx.reshape(2, 2), [[2, 0], [0, 0]])


def test_relu_has_no_gradient_at_zero(weights):
    spec = layers.Dense("x", (2,), (2,), "relu", bias=False)
    parameters = Parameters({"x.kernel": np.eye(2)}, np.float64)
    layer = Dense(spec, 1, parameters)
    layer.forward(np.array([[0.0, 1.0]]))
    np.testing.assert_array_equal(layer.backward(np.ones((1, 2))), [[0, 1]])


@pytest.mark.parametrize(("channels_first", "order"), [(False, (0, 1, 2, 3)), (True, (0, 3, 1, 2))])
def test_images_are_flattened_over_height_width_and_channels(channels_first, order):
    x = np.arange(2.0 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    parameters = Parameters({}, np.float64)
    spec = layers.Flatten("x", (3, 4, 5), (60,))
    image = ToBatchFirst((3, 4, 5), 2, parameters).forward(x.transpose(3, 1, 2, 0))
    flat = Flatten(spec, 2, parameters, channels_first=channels_first).forward(image)
    np.testing.assert_array_equal(flat, x.transpose(order).reshape(2, 60))


def test_patches_are_in_row_major_order():
    x = np.arange(2.0 * 4 * 6 * 2).reshape(2, 4, 6, 2)
    spec = layers.Patches("x", (4, 6, 2), (6, 8), 2)
    y = Patches(spec, 2, Parameters({}, np.float64)).forward(x)
    for row, column in itertools.product(range(2), range(3)):
        patch = x[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        np.testing.assert_array_equal(y[:, 3 * row + column], patch.reshape(2, 8))


@pytest.mark.parametrize("causal", [False, True])
def test_a_block_is_attention_and_an_mlp_on_normalised_inputs(weights, causal):
    spec = block("tanh", causal=causal)
    parameters = Parameters(weights([spec]), np.float64)
    x = np.random.default_rng(0).normal(size=(BATCH, 5, 6))
    p = {name[2:]: value for name, value in parameters.copy_values().items()}

    def norm(v, name):
        v = v - v.mean(-1, keepdims=True)
        v = v / np.sqrt((v**2).mean(-1, keepdims=True) + 1e-5)
        return v * p[f"{name}.scale"] + p[f"{name}.offset"]

    def dense(v, name):
        return v @ p[f"{name}.kernel"] + p[f"{name}.bias"]

    packed = dense(norm(x, "attention_norm"), "qkv")
    heads = []
    for head in range(2):
        query, key, value = (
            packed[..., 6 * part + 3 * head : 6 * part + 3 * head + 3] for part in range(3)
        )
        scores = np.exp(query @ key.swapaxes(1, 2) * 0.7)
        scores = np.tril(scores) if causal else scores
        heads.append(scores / scores.sum(-1, keepdims=True) @ value)
    y = x + dense(np.concatenate(heads, -1), "projection")
    y = y + dense(np.tanh(dense(norm(y, "mlp_norm"), "expand")), "contract")
    np.testing.assert_allclose(
        TransformerBlock(spec, BATCH, parameters).forward(x), y, rtol=1e-11, atol=1e-13
    )


def test_an_lstm_has_gates_input_forget_cell_output(weights):
    spec = layers.Lstm("x", (5, 3), (5, 4))
    parameters = Parameters(weights([spec]), np.float64)
    x = np.random.default_rng(0).normal(size=(BATCH, 5, 3))
    hidden = cell = np.zeros((BATCH, 4))
    y = Lstm(spec, BATCH, parameters).forward(x)
    for step in range(5):
        z = x[:, step] @ parameters["x.input_kernel"].value + parameters["x.bias"].value
        z += hidden @ parameters["x.recurrent_kernel"].value
        enter, forget, output = (1 / (1 + np.exp(-z[:, k : k + 4])) for k in (0, 4, 12))
        cell = forget * cell + enter * np.tanh(z[:, 8:12])
        hidden = output * np.tanh(cell)
        np.testing.assert_allclose(y[:, step], hidden, rtol=1e-12, atol=1e-15)
