from __future__ import annotations

import numpy as np
import pytest

from envdoctor.child.layers import MaxPool2d

jax = pytest.importorskip("jax")

# height, width, window, stride: even, with a rest, overlapping, with gaps, and a large window.
SHAPES = [(8, 8, 2, 2), (7, 9, 2, 2), (8, 7, 3, 2), (9, 8, 2, 3), (6, 6, 1, 1), (10, 9, 4, 3)]


def make_layer(height, width, window, stride):
    rows, columns = ((side - window) // stride + 1 for side in (height, width))
    return MaxPool2d("pool", (height, width, 2), (rows, columns, 2), window, stride)


def pool(layer, x):
    from envdoctor_jax.layers import max_pool2d

    return max_pool2d(layer, {}, x)


def first_largest(x, layer):
    """Values, and the sum of what each input receives when every output sends its number."""
    rows, columns, channels = layer.output_shape
    values = np.empty((len(x), rows, columns, channels), x.dtype)
    received = np.zeros_like(x)
    for number, place in enumerate(np.ndindex(values.shape)):
        sample, row, column, channel = place
        top, left = row * layer.stride, column * layer.stride
        window = x[sample, top : top + layer.window, left : left + layer.window, channel]
        i, j = np.unravel_index(window.argmax(), window.shape)  # the first of equals
        values[place] = window[i, j]
        received[sample, top + i, left + j, channel] += number
    return values, received


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_with_many_equals(shape):
    layer = make_layer(*shape)
    # Three values only, so that windows are full of equals.
    x = np.random.default_rng(0).integers(0, 3, (3, *layer.input_shape)).astype(np.float32)
    values, received = first_largest(x, layer)
    numbers = np.arange(values.size, dtype=np.float32).reshape(values.shape)
    found, pull = jax.vjp(lambda y: pool(layer, y), x)
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(pull(numbers)[0], received)


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_what_is_not_a_number_is_not_hidden(place):
    x = np.zeros((1, 2, 2, 2), np.float32)
    x[0, place[0], place[1], 0] = np.nan
    found = np.asarray(pool(make_layer(2, 2, 2, 2), x))
    assert np.isnan(found[0, 0, 0]).tolist() == [True, False]
