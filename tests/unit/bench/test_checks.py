from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from envdoctor.bench import checks, precision_canary
from envdoctor.bench.checks import PROBE_SECONDS, suspicion
from envdoctor.child.setting import Setting
from envdoctor.model.cell import Cell, Plausibility, Row
from envdoctor.model.outcome import OK

HEALTHY = Plausibility(
    doubling=2.01,
    second_wait_seconds=3e-6,
    read_back_seconds=4e-5,
    losses_fell=True,
    canary=4e-7,
)
MS = 1_000_000
ANSWER = {
    "single_ns": [50 * MS, 51 * MS, 50 * MS],
    "double_ns": [100 * MS, 101 * MS, 103 * MS],
    "single_cpu_ns": [90 * MS, 92 * MS, 90 * MS],
    "double_cpu_ns": [180 * MS, 183 * MS, 185 * MS],
    "second_wait_ns": [2_000, 3_000, 2_500],
    "read_at_once_ns": [300_000, 280_000, 310_000],
    "read_later_ns": [290_000, 250_000, 300_000],
}


class Seat:
    """Answers a probe as it was told to; the last answer is given again and again."""

    def __init__(self, *answers, losses=(2.3, 2.2, 2.1, 2.0), outputs=None):
        self._answers = list(answers)
        self.asked = []
        self.built = []
        self.setting = Setting("eager")
        self.worker = SimpleNamespace(
            build=lambda *given: self.built.append(given),
            evaluate=lambda split: (outputs, 0.1),
        )
        self.row = Row(backend="b", mode="m")
        self.cell = Cell(row=self.row, workload="w", outcome=OK, first_losses=losses)

    def probe_clock(self, seconds, repeats):
        self.asked.append((seconds, repeats))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def keep(self, **values):
        self.cell = structs.replace(self.cell, **values)


def _judge(seat):
    return suspicion(*checks.probe(seat))


def test_a_healthy_row_is_not_suspected():
    assert suspicion(HEALTHY, PROBE_SECONDS) is None
    assert _judge(Seat(ANSWER)) is None


def test_what_was_not_probed_is_not_suspected():
    assert suspicion(Plausibility(), PROBE_SECONDS) is None


@given(
    st.floats(checks.LEAST_DOUBLING, checks.MOST_DOUBLING),
    st.floats(0, checks.LATE_SECONDS),
    st.floats(0, checks.LATE_SECONDS),
)
def test_what_is_within_the_bounds_is_healthy(doubling, second_wait, read_back):
    found = Plausibility(
        doubling=doubling, second_wait_seconds=second_wait, read_back_seconds=read_back
    )
    assert suspicion(found, PROBE_SECONDS) is None


@pytest.mark.parametrize("name", ["second_wait_seconds", "read_back_seconds"])
def test_results_that_come_after_the_wait_are_refused_with_how_late_they_were(name):
    found = suspicion(structs.replace(HEALTHY, **{name: 0.042}), PROBE_SECONDS)
    assert found is not None
    assert found.status == "different"
    assert found.reason == (
        "its `wait` returns before the work is done: results came 42 ms after it."
    )


@pytest.mark.parametrize("name", ["second_wait_seconds", "read_back_seconds"])
def test_how_late_is_too_late_grows_with_the_steps_before(name):
    late = structs.replace(HEALTHY, **{name: 0.02})
    assert suspicion(late, 0.05) is not None
    assert suspicion(late, 1.0) is None
    # And never falls below what reading a result may take by itself.
    assert suspicion(structs.replace(HEALTHY, **{name: 0.0009}), 1e-6) is None


@pytest.mark.parametrize("doubling", [0.0, 1.0, 1.49, 3.01, 4.0])
def test_steps_that_are_not_what_takes_the_time_are_refused(doubling):
    found = suspicion(structs.replace(HEALTHY, doubling=doubling), PROBE_SECONDS)
    assert found is not None
    assert found.status == "different"
    assert f"twice the steps take {doubling:.2f}x the time" in found.reason


def test_an_early_wait_is_named_even_if_the_doubling_is_odd_too():
    found = suspicion(structs.replace(HEALTHY, doubling=1.0, read_back_seconds=0.1), PROBE_SECONDS)
    assert found is not None
    assert "`wait`" in found.reason


def test_a_probe_tells_the_least_of_each():
    found, steps_seconds = checks.probe(Seat(ANSWER))
    assert steps_seconds == pytest.approx(0.05)
    assert found.doubling == pytest.approx(2.0)
    assert found.second_wait_seconds == pytest.approx(2e-6)
    # 280 us at once, less the 250 us of later with a fifth more.
    assert found.read_back_seconds == 0.0
    assert found.losses_fell is True
    assert found.canary is None


def test_disturbances_make_no_liar_of_an_honest_row():
    disturbed = {
        **ANSWER,
        "single_ns": [50 * MS, 300 * MS, 500 * MS],
        "double_ns": [900 * MS, 100 * MS, 400 * MS],
        "second_wait_ns": [50 * MS, 2_000, 90 * MS],
        "read_at_once_ns": [80 * MS, 280_000, 60 * MS],
        "read_later_ns": [290_000, 250_000, 70 * MS],
    }
    seat = Seat(disturbed)
    assert _judge(seat) is None
    assert len(seat.asked) == 1


def test_a_machine_that_was_busy_at_first_is_probed_again():
    busy = {**ANSWER, "single_ns": [80 * MS] * 3, "single_cpu_ns": [140 * MS] * 3}
    seat = Seat(busy, busy, ANSWER)
    assert _judge(seat) is None
    assert 1 < len(seat.asked) <= 3


def test_a_clock_that_never_sees_the_steps_is_given_up_on():
    frozen = {**ANSWER, "double_ns": ANSWER["single_ns"], "double_cpu_ns": ANSWER["single_cpu_ns"]}
    seat = Seat(frozen)
    found = _judge(seat)
    assert found is not None
    assert "twice the steps take" in found.reason
    assert len(seat.asked) == checks.MOST_PROBES


def _answer_of_doubling(ratio):
    grown = {name: [round(ratio * 50 * MS)] * 3 for name in ("double_ns", "double_cpu_ns")}
    return {**ANSWER, **grown, "single_ns": [50 * MS] * 3, "single_cpu_ns": [50 * MS] * 3}


def test_an_honest_row_on_a_loaded_machine_is_given_longer_blocks_before_it_is_refused():
    loaded = [_answer_of_doubling(1.4)] * checks.ENOUGH_PROBES
    seat = Seat(*loaded, _answer_of_doubling(1.95))
    assert _judge(seat) is None
    assert len(seat.asked) == checks.ENOUGH_PROBES + 1


def test_a_row_that_is_odd_but_would_not_be_refused_costs_no_long_blocks():
    seat = Seat(_answer_of_doubling(1.7))
    assert _judge(seat) is None
    assert len(seat.asked) == checks.ENOUGH_PROBES


def test_a_wait_that_leaves_work_for_the_next_one_is_found():
    found = _judge(Seat({**ANSWER, "second_wait_ns": [48 * MS, 49 * MS, 52 * MS]}))
    assert found is not None
    assert "48 ms" in found.reason


@pytest.mark.parametrize("name", ["second_wait_ns", "read_at_once_ns"])
def test_results_that_a_busy_machine_held_up_once_are_asked_for_again(name):
    # A host that takes most of the CPUs away can do so twice in a row.
    held_up = {**ANSWER, name: [30 * MS, 42 * MS]}
    seat = Seat(held_up, ANSWER)
    assert _judge(seat) is None
    assert seat.asked == [(PROBE_SECONDS, 1), (2 * PROBE_SECONDS, checks.REPEATS)]


@pytest.mark.parametrize("name", ["second_wait_ns", "read_at_once_ns"])
def test_results_that_stay_late_are_refused_after_the_last_probe(name):
    seat = Seat({**ANSWER, name: [30 * MS, 42 * MS]})
    assert _judge(seat) is not None
    assert len(seat.asked) == checks.MOST_PROBES


def test_results_that_are_late_only_right_after_the_steps_are_found():
    found = _judge(Seat({**ANSWER, "read_at_once_ns": [50 * MS, 51 * MS, 50 * MS]}))
    assert found is not None
    assert "`wait`" in found.reason


def test_results_that_always_take_long_are_no_sign():
    # A large model on a device far away: reading is slow, whenever it is done.
    slow = {
        **ANSWER,
        "read_at_once_ns": [400 * MS, 410 * MS, 405 * MS],
        "read_later_ns": [401 * MS, 400 * MS, 420 * MS],
    }
    assert _judge(Seat(slow)) is None


def test_reading_large_weights_varies_and_is_no_sign():
    large = {
        **ANSWER,
        "read_at_once_ns": [440 * MS, 450 * MS, 460 * MS],
        "read_later_ns": [400 * MS, 410 * MS, 405 * MS],
    }
    assert _judge(Seat(large)) is None


def test_late_results_are_held_to_the_steps_that_were_taken():
    # One step of two seconds, where blocks of 30 ms were asked for.
    long = {
        name: [each * 40 for each in values]
        for name, values in ANSWER.items()
        if name.startswith(("single", "double"))
    }
    late = {"read_at_once_ns": [60 * MS] * 3, "read_later_ns": [10 * MS] * 3}
    assert _judge(Seat({**ANSWER, **long, **late})) is None
    assert _judge(Seat({**ANSWER, **late})) is not None


def test_a_clock_that_stands_still_divides_nothing_by_zero():
    nothing = {name: [0, 0, 0] for name in ANSWER}
    found = _judge(Seat(nothing))
    assert found is not None
    assert "twice the steps" in found.reason


@pytest.mark.parametrize(
    ("losses", "fell"),
    [
        ((2.3, 2.2, 2.1, 2.0), True),
        ((2.0, 2.1, 2.2, 2.3), False),
        ((2.3, 2.4, 2.0, 1.9), True),
        ((2.0, 2.0), False),
        ((2.0,), False),
        ((), None),
    ],
)
def test_whether_the_losses_fell_is_told_but_refuses_nobody(losses, fell):
    found, _ = checks.probe(Seat(ANSWER, losses=losses))
    assert found.losses_fell is fell
    assert suspicion(found, PROBE_SECONDS) is None


@pytest.fixture(scope="module")
def products():
    """What strict float32 would answer to the precision canary."""
    return precision_canary._expected("fp32").astype(np.float32)


def test_strict_products_are_entered_beside_the_other_signs(products):
    seat = Seat(ANSWER, outputs=products)
    seat.keep(plausibility=HEALTHY)
    assert checks.judge_precision(seat, checks.measure_precision(seat)) is None
    found = seat.cell.plausibility
    assert found.canary < 1e-6
    assert structs.replace(found, canary=HEALTHY.canary) == HEALTHY
    ((job, _, _),) = seat.built
    assert job.workload.name == "precision-canary"


def test_products_in_a_reduced_precision_are_refused(products):
    # As TF32 does: ten bits after the leading one.
    short = (products.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)
    seat = Seat(ANSWER, outputs=short)
    found = checks.judge_precision(seat, checks.measure_precision(seat))
    assert found is not None
    assert found.status == "different"
    assert "TF32" in found.reason
    assert seat.cell.plausibility.canary > 1e-4


def test_a_precision_that_could_not_be_measured_says_nothing():
    seat = Seat(ANSWER)
    seat.keep(plausibility=HEALTHY)
    assert checks.judge_precision(seat, None) is None
    assert seat.cell.plausibility == HEALTHY
