"""The precision canary: in which precision a worker really multiplies, whatever its flags say.

A convolution and a dense layer, both linear, of seeded normal values that float32 holds exactly.
The relative error of the outputs against float64 names the arithmetic, since it depends on the
bits of the operands and hardly on the sizes: 3e-7 in float32, 4e-6 in three passes of bfloat16,
3e-4 in TF32 and 2.4e-3 in bfloat16. The two layers stand in one chain because frameworks set the
precision of convolutions and of products apart, and either one in a lower precision shows: both
together give 1.4 times the error, which stays in its class.

Float16 has as many bits as TF32 but ends at 65504. The inputs are far beyond, so that it gives
itself away by overflowing. A row that says it computes in float16 gets small inputs, which name its
bits, and one sample beyond, which must overflow.

It looks both ways: a row in strict float32 may not lose bits, and a row in a reduced precision must
have lost them, or it is slower than its title says.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.child.job import Job, Optimizer, Workload
from envdoctor.child.layers import Conv2d, Dense, Flatten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from envdoctor.child.setting import Setting

SAMPLES = 64
SIDE = 9
CHANNELS = 32
WINDOW = 3
STRIDE = 2
"""More than 1, which rules out the transforms for convolutions: their float32 is off by more."""
INNER = (SIDE - WINDOW) // STRIDE + 1
WIDTH = 128
SCALE = 2.0**20
SEED = 20_240_229
STRICT_ERROR = 2e-6
"""The most that strict float32 may be off; a quarter of it is usual."""
WRONG = 1.0
"""The error of outputs that are not numbers, or not of the expected shape."""
_CLASSES = (
    (3e-5, "bfloat16 in three passes"),
    (8e-4, "TF32"),
    (1e-2, "bfloat16"),
)
"""Up to which error products look like which arithmetic, beyond strict float32."""
_BELOW = "float16 or less"
_EXPECTED = {"fp32": "", "bf16": "bfloat16", "tf32": "TF32", "fp16": "TF32"}
"""What the products of a row must look like; float16 has the bits of TF32."""


def canary_job(setting: Setting) -> Job:
    """An unpadded 3x3 convolution of stride 2, then a dense layer, both without a bias."""
    image, inner = (SIDE, SIDE, CHANNELS), (INNER, INNER, CHANNELS)
    size = INNER * INNER * CHANNELS
    layers = (
        Conv2d("conv", image, inner, WINDOW, STRIDE, 0, activation="none", bias=False),
        Flatten("flatten", inner, (size,)),
        Dense("dense", (size,), (WIDTH,), activation="none", bias=False),
    )
    workload = Workload("precision-canary", layers, "inner_product", SAMPLES, image)
    return Job(workload, Optimizer("sgd", learning_rate=0.0), setting)


@cache
def canary_weights() -> Mapping[str, NDArray[Any]]:
    """The two kernels, float64, scaled so that no layer grows its values."""
    generator = np.random.default_rng(SEED)
    window = (WINDOW, WINDOW, CHANNELS, CHANNELS)
    size = INNER * INNER * CHANNELS
    return {
        "conv.kernel": _exact(generator.standard_normal(window) / WINDOW / np.sqrt(CHANNELS)),
        "dense.kernel": _exact(generator.standard_normal((size, WIDTH)) / np.sqrt(size)),
    }


@cache
def canary_data(precision: str = "fp32") -> Mapping[str, NDArray[Any]]:
    """The inputs as the test set, and a training set of one sample, which is never trained on.

    In float16 all but the first sample are small.
    """
    generator = np.random.default_rng(SEED + 1)
    inputs = _exact(generator.standard_normal((SAMPLES, SIDE, SIDE, CHANNELS)) * SCALE)
    if precision == "fp16":
        inputs[1:] /= SCALE
    targets = np.zeros((SAMPLES, WIDTH))
    return {
        "train_inputs": inputs[:1],
        "train_targets": targets[:1],
        "test_inputs": inputs,
        "test_targets": targets,
        "batches": np.zeros((1, SAMPLES), dtype=np.int32),
    }


def canary_error(outputs: NDArray[Any], precision: str = "fp32") -> float:
    """How far outputs are from the true ones: the Euclidean norm of the difference, relative.

    Args:
        outputs: what `Trainer.outputs("test")` gave for the canary's job: (samples, width).
        precision: in which the row says that it computes; in float16 the first sample must have
            overflowed, and counts no further.
    """
    expected = _expected(precision)
    if precision == "fp16" and outputs.shape == expected.shape:
        if np.isfinite(outputs[0]).all():
            return WRONG
        outputs, expected = outputs[1:], expected[1:]
    if outputs.shape != expected.shape or not np.isfinite(outputs).all():
        return WRONG
    difference = outputs.astype(np.float64) - expected
    return min(WRONG, float(np.linalg.norm(difference) / np.linalg.norm(expected)))


def precision_of(error: float) -> str:
    """The arithmetic that an error looks like; empty for strict float32 and better."""
    if error <= STRICT_ERROR:
        return ""
    return next((name for most, name in _CLASSES if error < most), _BELOW)


def verdict(error: float, precision: str = "fp32") -> str:
    """A sentence that refuses a row for its error; empty if it computes as it says."""
    name = precision_of(error)
    if name == _EXPECTED[precision]:
        return ""
    if precision != "fp32":
        return (
            f"not comparable: it is to compute in {precision}, and its products look like "
            f"{name or 'strict float32'} (canary {error:.1e})."
        )
    return (
        f"not comparable: its products look like {name} (canary {error:.1e}), where strict float32 "
        f"is off by at most {STRICT_ERROR:.0e}."
    )


@cache
def _expected(precision: str) -> NDArray[Any]:
    """The outputs in float64: (samples, width)."""
    images, weights = canary_data(precision)["test_inputs"], canary_weights()
    windows = np.lib.stride_tricks.sliding_window_view(images, (WINDOW, WINDOW), axis=(1, 2))
    # From (samples, inner, inner, channels, window, window) to (samples, inner, inner, channels).
    maps = np.tensordot(
        windows[:, ::STRIDE, ::STRIDE], weights["conv.kernel"], axes=((4, 5, 3), (0, 1, 2))
    )
    product: NDArray[Any] = maps.reshape(len(images), -1) @ weights["dense.kernel"]
    return product


def _exact(values: NDArray[Any]) -> NDArray[Any]:
    """Float64 values that float32 holds exactly, so that putting them on a device loses nothing."""
    return values.astype(np.float32).astype(np.float64)
