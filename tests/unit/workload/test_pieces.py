from __future__ import annotations

import pytest

from envdoctor.workload.pieces import Parameter, Place, Product, describe_shape


@pytest.mark.parametrize(
    ("shape", "symbols", "words"),
    [
        ((64,), None, "a vector of 64"),
        ((8, 8, 1), None, "an image of 8x8 with 1 channel"),
        ((8, 9, 3), None, "an image of 8x9 with 3 channels"),
        ((16, 4), None, "a sequence of 16 steps of 4"),
        ((64,), 65, "64 symbols of an alphabet of 65"),
    ],
)
def test_a_shape_is_told_in_words(shape: tuple[int, ...], symbols: int | None, words: str) -> None:
    assert describe_shape(shape, symbols) == words


def test_the_gradient_of_the_first_input_is_not_counted() -> None:
    first = Place("dense_1", "t", (4,), None, trained_before=False)
    later = Place("dense_2", "t", (4,), None, trained_before=True)
    assert first.product(10) == Product(10, 10)
    assert later.product(10) == Product(10, 20)


def test_a_parameter_has_the_size_of_its_shape() -> None:
    assert Parameter("a.kernel", (3, 3, 2, 5), "zeros").size == 90
