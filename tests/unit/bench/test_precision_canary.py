from __future__ import annotations

import subprocess
import sys
from math import inf, nan

import numpy as np
import pytest

from envdoctor.bench.precision_canary import (
    SCALE,
    STRICT_ERROR,
    WRONG,
    canary_data,
    canary_error,
    canary_job,
    canary_weights,
    precision_of,
    verdict,
)
from envdoctor.child.contract import Data
from envdoctor.child.job import Job
from envdoctor.child.setting import Setting
from envdoctor_numpy.trainer import Trainer


def shorten(bits):
    """Rounds float32 values to so many bits after the leading one, ties to even."""
    drop = 23 - bits

    def rounded(values):
        plain = np.ascontiguousarray(values, np.float32).view(np.uint32)
        half = np.uint32((1 << (drop - 1)) - 1) + ((plain >> np.uint32(drop)) & np.uint32(1))
        kept = (plain + half) >> np.uint32(drop) << np.uint32(drop)
        return kept.view(np.float32)

    return rounded


def product(rounded):
    """A matrix product with its operands rounded and its sums in float32."""

    def multiply(left, right):
        with np.errstate(invalid="ignore"):
            return rounded(left) @ rounded(right)

    return multiply


def three_passes(left, right):
    short = shorten(7)
    high, other = short(left), short(right)
    low, other_low = short(left - high), short(right - other)
    return high @ other + (high @ other_low + low @ other)


def float16(values):
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)


ARITHMETICS = {
    "": product(lambda values: values),
    "bfloat16 in three passes": three_passes,
    "TF32": product(shorten(10)),
    "bfloat16": product(shorten(7)),
    "float16 or less": product(float16),
}


class StandIn:
    """A trainer of the canary's job with the arithmetic of a device that is not here."""

    def __init__(self, convolve, multiply, precision="fp32"):
        self.convolve, self.multiply = convolve, multiply
        self.precision = precision

    def outputs(self, split):
        images = canary_data(self.precision)[f"{split}_inputs"].astype(np.float32)
        conv, dense = (value.astype(np.float32) for value in canary_weights().values())
        side = range(0, images.shape[1] - 2, 2)
        rows = [
            self.convolve(
                images[:, y : y + 3, x : x + 3].reshape(len(images), -1),
                conv.reshape(-1, conv.shape[-1]),
            )
            for y in side
            for x in side
        ]
        maps = np.stack(rows, axis=1).reshape(len(images), -1)
        return self.multiply(maps, dense)


@pytest.mark.parametrize("name", ARITHMETICS)
@pytest.mark.parametrize("where", ["both", "convolution", "product"])
def test_each_arithmetic_is_told_by_its_error(name, where):
    strict, other = ARITHMETICS[""], ARITHMETICS[name]
    trainer = StandIn(
        convolve=strict if where == "product" else other,
        multiply=strict if where == "convolution" else other,
    )
    error = canary_error(trainer.outputs("test"))
    assert precision_of(error) == name
    assert bool(verdict(error)) is bool(name)
    assert name in verdict(error)


@pytest.mark.parametrize("name", ARITHMETICS)
@pytest.mark.parametrize(
    ("precision", "expected"),
    [("bf16", "bfloat16"), ("tf32", "TF32"), ("fp16", "float16 or less")],
)
def test_a_reduced_precision_must_be_what_it_says(name, precision, expected):
    trainer = StandIn(ARITHMETICS[name], ARITHMETICS[name], precision)
    sentence = verdict(canary_error(trainer.outputs("test"), precision), precision)
    assert bool(sentence) is (name != expected)
    if sentence:
        assert sentence.startswith(f"not comparable: it is to compute in {precision}, ")


def test_float32_in_place_of_fewer_bits_is_named():
    assert verdict(3e-7, "bf16") == (
        "not comparable: it is to compute in bf16, and its products look like strict float32 "
        "(canary 3.0e-07)."
    )


def test_strict_float32_is_far_from_the_threshold():
    trainer = StandIn(ARITHMETICS[""], ARITHMETICS[""])
    assert 0 < canary_error(trainer.outputs("test")) < STRICT_ERROR / 2


def test_the_sentence_names_the_arithmetic_and_the_error():
    assert verdict(2.9e-4) == (
        "not comparable: its products look like TF32 (canary 2.9e-04), where strict float32 "
        "is off by at most 2e-06."
    )


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (0.0, ""),
        (3e-7, ""),
        (4e-6, "bfloat16 in three passes"),
        (2.9e-4, "TF32"),
        (2.4e-3, "bfloat16"),
        (2.9e-3, "bfloat16"),
        (2.6e-2, "float16 or less"),
        (WRONG, "float16 or less"),
        (nan, "float16 or less"),
        (inf, "float16 or less"),
    ],
)
def test_errors_are_classed(error, name):
    assert precision_of(error) == name


def expected():
    setting = Setting("numpy", "fp64")
    return through(Trainer, setting)


def through(trainer_class, setting):
    trainer = trainer_class(canary_job(setting), canary_weights())
    trainer.stage(Data(**canary_data()))
    return trainer.outputs("test")


def test_the_oracle_in_float64_agrees():
    assert canary_error(expected()) < 1e-14


@pytest.mark.parametrize("broken", [nan, inf, -inf])
def test_outputs_that_are_no_numbers_are_wrong(broken):
    outputs = expected()
    outputs[3, 5] = broken
    assert canary_error(outputs) == WRONG


def test_outputs_of_another_shape_are_wrong():
    assert canary_error(expected()[1:]) == WRONG
    assert canary_error(expected().T) == WRONG


def test_outputs_that_are_far_off_are_wrong():
    assert canary_error(-1e6 * expected()) == WRONG
    assert canary_error(np.zeros_like(expected())) == WRONG


def test_what_goes_to_a_worker_is_whole():
    job = canary_job(Setting("eager"))
    assert Job.from_json(job.to_json()) == job
    weights = canary_weights()
    conv, _, dense = job.workload.layers
    channels = (conv.input_shape[-1], conv.output_shape[-1])
    assert weights["conv.kernel"].shape == (conv.kernel, conv.kernel, *channels)
    assert weights["dense.kernel"].shape == (*dense.input_shape, *dense.output_shape)
    data = Data(**canary_data())
    assert data.test_inputs.shape == (job.workload.batch, *job.workload.input_shape)
    assert data.batches.max() < len(data.train_inputs)
    # Small enough for a worker to read in no time, and beyond the range of float16.
    assert sum(array.nbytes for array in canary_data().values()) < 2e6
    assert np.abs(data.test_inputs).mean() > 65504
    assert SCALE > 65504


def test_float32_holds_what_is_given():
    for array in (*canary_weights().values(), canary_data()["test_inputs"]):
        assert array.dtype == np.float64
        assert np.array_equal(array, array.astype(np.float32))


FRAMEWORK = """
import sys
from importlib import import_module

from envdoctor.bench.precision_canary import canary_data, canary_error, canary_job, canary_weights
from envdoctor.child.contract import Data
from envdoctor.child.setting import Setting

Trainer = import_module(sys.argv[1]).Trainer
for mode in sys.argv[2:]:
    setting = Setting(mode, threads=1)
    Trainer.start(setting)
    trainer = Trainer(canary_job(setting), canary_weights())
    trainer.stage(Data(**canary_data()))
    print("canary", canary_error(trainer.outputs("test")))
"""


@pytest.mark.parametrize(
    ("framework", "modes"),
    [
        ("numpy", ["numpy"]),
        ("torch", ["eager"]),
        ("jax", ["jit"]),
        ("tensorflow", ["graph", "xla"]),
    ],
)
def test_every_framework_here_is_strict_on_the_cpu(framework, modes):
    # Each in a process of its own: a framework sets its precision once, and for the process.
    pytest.importorskip(framework)
    done = subprocess.run(
        [sys.executable, "-c", FRAMEWORK, f"envdoctor_{framework}.trainer", *modes],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("canary ")]
    assert len(lines) == len(modes)
    for line in lines:
        assert 1e-8 < float(line.split()[1]) < STRICT_ERROR / 2


REDUCED = """
import sys
from importlib import import_module

from envdoctor.bench.precision_canary import canary_data, canary_error, canary_job, canary_weights
from envdoctor.child.contract import Data, Unsupported
from envdoctor.child.setting import Setting

Trainer = import_module(sys.argv[1]).Trainer
mode = sys.argv[2]
for precision in ("tf32", "fp16", "fp8"):
    try:
        Trainer.start(Setting(mode, precision, threads=1))
    except Unsupported as refused:
        print("refused", precision, refused)
setting = Setting(mode, "bf16", threads=1)
Trainer.start(setting)
trainer = Trainer(canary_job(setting), canary_weights())
trainer.stage(Data(**canary_data()))
print("canary", canary_error(trainer.outputs("test")))
found = trainer.differentiate(0)
print("types", {str(value.dtype) for value in (found.outputs, *found.tensors.values())})
"""


@pytest.mark.parametrize(
    ("framework", "mode"), [("torch", "eager"), ("jax", "jit"), ("tensorflow", "graph")]
)
def test_bfloat16_is_bfloat16_and_others_are_refused_on_the_cpu(framework, mode):
    pytest.importorskip(framework)
    done = subprocess.run(
        [sys.executable, "-c", REDUCED, f"envdoctor_{framework}.trainer", mode],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    assert [words[1] for words in told if words[0] == "refused"] == ["tf32", "fp16", "fp8"]
    (error,) = [float(words[1]) for words in told if words[0] == "canary"]
    assert verdict(error, "bf16") == ""
    assert ["types", "{'float32'}"] in told
