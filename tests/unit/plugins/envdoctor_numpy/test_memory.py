from __future__ import annotations

import numpy as np
import pytest

from envdoctor_numpy.memory import LINE_BYTES, empty, empty_like, full, ones, zeros, zeros_like

SHAPES = [(), 7, (0,), (3, 5), (64, 64), (2, 0, 4), [5, 3, 2]]


def starts_on_a_line(array):
    return array.ctypes.data % LINE_BYTES == 0


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bool", np.intp])
@pytest.mark.parametrize(
    ("make", "like"),
    [
        (empty, np.empty),
        (zeros, np.zeros),
        (ones, np.ones),
        (lambda *of: full(of[0], 3, of[1]), lambda *of: np.full(of[0], 3, of[1])),
    ],
    ids=["empty", "zeros", "ones", "full"],
)
def test_an_array_is_as_numpy_makes_it_and_starts_on_a_line(make, like, shape, dtype):
    # Several live at once, so that chance would have to hit all of them.
    arrays = [make(shape, dtype) for _ in range(8)]
    expected = like(shape, dtype)
    for array in arrays:
        assert starts_on_a_line(array) or not array.size
        assert (array.shape, array.dtype) == (expected.shape, expected.dtype)
        assert array.flags.c_contiguous
        assert array.flags.writeable
        if make is not empty:
            assert (array == expected).all()


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_one_like_another_keeps_the_order_of_its_axes(axes):
    array = np.zeros((3, 4, 5), np.float32).transpose(axes)
    for made in (empty_like(array), zeros_like(array)):
        assert starts_on_a_line(made)
        assert (made.shape, made.strides, made.dtype) == (array.shape, array.strides, array.dtype)
    assert not zeros_like(array).any()
