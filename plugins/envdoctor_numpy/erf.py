"""The error function for arrays, which NumPy does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

import numpy as np

if TYPE_CHECKING:
    from envdoctor.child.contract import Array

# W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
# Computation 23 (1969), 631-637, with the coefficients of his CALERF. Highest power first.
# erf(x) = x * P(x**2) / Q(x**2) up to _SMALL, erf(x) = 1 - exp(-x**2) * R(x) / S(x) beyond it.
_SMALL = 0.46875
_P = (
    1.85777706184603153e-1,
    3.16112374387056560e00,
    1.13864154151050156e02,
    3.77485237685302021e02,
    3.20937758913846947e03,
)
_Q = (
    1.0,
    2.36012909523441209e01,
    2.44024637934444173e02,
    1.28261652607737228e03,
    2.84423683343917062e03,
)
_R = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e00,
    6.61191906371416295e01,
    2.98635138197400131e02,
    8.81952221241769090e02,
    1.71204761263407058e03,
    2.05107837782607147e03,
    1.23033935479799725e03,
)
_S = (
    1.0,
    1.57449261107098347e01,
    1.17693950891312499e02,
    5.37181101862009858e02,
    1.62138957456669019e03,
    3.29079923573345963e03,
    4.36261909014324716e03,
    3.43936767414372164e03,
    1.23033935480374942e03,
)
# The second form is good for the complement up to 4. Beyond that erf needs few digits of it, and
# from here on none, because 1 - erf is below half of the spacing of float64.
_LARGE = 6.0


def erf(x: Array, out: Array) -> Array:
    """The error function, to the precision of the type of x; `out` may be x itself."""
    size = np.minimum(np.abs(x), _LARGE)
    square = size * size
    ratio = _polynomial(_P, square)
    ratio /= _polynomial(_Q, square)
    ratio *= size
    complement = _polynomial(_R, size)
    complement /= _polynomial(_S, size)
    complement *= np.exp(np.negative(square, out=square), out=square)
    np.subtract(1, complement, out=complement)
    return np.copysign(np.where(size <= _SMALL, ratio, complement), x, out=out)


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    """Horner's rule."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value *= x
        value += coefficient
    return value
