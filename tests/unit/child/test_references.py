from __future__ import annotations

import math

import pytest

from envdoctor.child import references
from envdoctor.child.exercises import Steps, exercise
from envdoctor.child.references import Problems, largest_error

np = pytest.importorskip("numpy")
GIVEN = Problems()


def test_the_product():
    known = references.product(GIVEN.left, GIVEN.right)
    assert np.array_equal(known, np.array(GIVEN.left) @ np.array(GIVEN.right))
    assert np.abs(known).max() < 2**24


def test_the_convolution():
    windows = np.lib.stride_tricks.sliding_window_view(np.array(GIVEN.image), (3, 3))
    known = references.convolution(GIVEN.image, GIVEN.kernel)
    assert np.array_equal(known, np.einsum("yxij,ij->yx", windows, np.array(GIVEN.kernel)))


def test_the_attention():
    query, key, value = (np.array(each) for each in (GIVEN.query, GIVEN.key, GIVEN.value))
    weights = np.exp(query @ key.T / math.sqrt(query.shape[1]))
    weights /= weights.sum(axis=1, keepdims=True)
    assert (weights > 0.05).sum() > 2 * len(weights), "no more than one position has a weight"
    known = references.attention(GIVEN.query, GIVEN.key, GIVEN.value)
    assert np.allclose(known, weights @ value, rtol=1e-12, atol=1e-12)


def test_the_gradient():
    inputs, weights, targets = (
        np.array(each) for each in (GIVEN.inputs, GIVEN.weights, GIVEN.targets)
    )
    known = references.gradient(GIVEN.inputs, GIVEN.weights, GIVEN.targets)
    assert np.array_equal(known, inputs.T @ (inputs @ weights - targets))


@pytest.mark.parametrize("name", [f.name for f in Problems.__dataclass_fields__.values()])
def test_operands_are_exact_in_bfloat16(name):
    """Eight bits of significand."""
    for number in np.array(getattr(GIVEN, name)).ravel():
        assert math.frexp(number)[0] * 256 % 1 == 0


def test_the_largest_error():
    assert largest_error([[1.0, 2.0]], [[1.0, 2.0]]) == 0
    assert largest_error([[[1.0]], [[3.0]]], [[1.0], [4.0]]) == 0.25
    assert largest_error(5.0, [[5.0]]) == 0
    assert largest_error([[math.nan]], [[1.0]]) == math.inf
    assert largest_error([[1.0]], [[1.0, 2.0]]) == math.inf


def test_a_step_is_announced_before_it_is_tried():
    reports = []
    Steps(reports.append).compare(
        "matmul", lambda: reports.append("tried") or [[2.0]], [[1.0]], 1e-6
    )
    assert reports[:2] == [{"begins": "matmul"}, "tried"]
    assert (reports[2]["passed"], reports[2]["error"]) == (False, 1.0)


def test_infinity_is_a_number_in_json():
    reports = []
    Steps(reports.append).compare("matmul", lambda: [[math.inf]], [[1.0]], 1e-6)
    assert math.isfinite(reports[-1]["error"])
    assert not reports[-1]["passed"]


def test_what_cannot_be_imported_is_not_exercised():
    def make():
        raise ImportError("odd")

    reports = []
    exercise(make, reports.append, "cpu")
    assert reports == [
        {"begins": "import"},
        {"name": "import", "passed": False, "message": "ImportError: odd"},
    ]


class Counted:
    """A framework with these devices, all of whose numbers are wrong."""

    def __init__(self, devices):
        self.devices = lambda: devices

    def __getattr__(self, name):
        return {"details": dict, "why_no_gpu": str}.get(name, lambda *_: 0.0)


@pytest.mark.parametrize(("devices", "goes_on"), [(["cpu"], True), (["cpu", "gpu:0"], False)])
def test_the_only_device_is_exercised_at_once(devices, goes_on):
    reports = []
    exercise(lambda: Counted(devices), reports.append, None)
    names = [each["name"] for each in reports if "name" in each]
    assert names[:2] == ["import", "devices"]
    assert ("gradient" in names) is goes_on
