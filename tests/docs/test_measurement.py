"""The protocol as it is told, against the code that follows it."""

from __future__ import annotations

import inspect
import re
from math import exp, expm1, log
from typing import get_args

import numpy as np
import pytest

from envdoctor.bench import (
    blocks,
    caches,
    ceilings,
    checks,
    contamination,
    cpu_use,
    energy,
    launching,
    pace,
    precision_canary,
    presets,
    proving,
    readying,
    seat,
    settling,
)
from envdoctor.child import products
from envdoctor.cli import bench as command
from envdoctor.errors import ExitCode
from envdoctor.model.cell import Cause, Phases, Row
from envdoctor.report import sentences
from envdoctor.statistics import (
    growth,
    paired,
    resolution,
    signed_rank,
    steady,
    utilisation,
    verdicts,
)
from envdoctor.statistics.interval import Interval

OPTIONS = {"quick": "--quick", "default": "default", "rigorous": "--rigorous"}


@pytest.fixture
def page(open_page):
    return open_page("docs/measurement.md")


def between(least, most):
    return str(least) if least == most else f"{least} to {most}"


def percent(share):
    return f"{share * 100:g} %"


def test_presets(page):
    told = page.table("## Presets")
    assert set(told) == {"preset", *OPTIONS.values()}
    for name, preset in presets.PRESETS.items():
        assert told[OPTIONS[name]] == [
            between(preset.least_launches, preset.most_launches),
            between(preset.least_rounds, preset.most_rounds),
            f"±{percent(preset.half_width)}",
            f"{preset.workload_seconds:g} s",
            f"{preset.settle_seconds:g} s",
            "not used" if preset.fresh else "used",
        ]
        assert f"about {preset.block_seconds:g} s long" in page.section("## Rounds")


def test_the_makefile_runs_the_preset_that_is_told(page, open_page):
    assert "`make bench` runs `--quick`" in page.text
    assert "ARGS ?= --quick" in open_page("Makefile").text


def test_processes(page):
    text = page.section("## Processes and launches")
    assert f"less than {percent(launching.SPARE_SHARE)} of the memory" in text
    assert launching.LANES == proving.LANES == 2
    assert "two workers at a time" in text
    phases = {name.replace("_seconds", "").replace("_", " ") for name in Phases.__struct_fields__}
    assert set(page.table("## Processes and launches")) - {"phase"} == phases


def test_warm_up_and_steady_state(page):
    text = page.section("## Warm-up and steady state")
    assert f"first {seat.WARMUP_STEPS} steps of the first launch" in text
    assert f"first {readying.LATER_WARMUP_STEPS} of later ones" in text
    assert f"about {settling.SHORT_SECONDS:g} s are taken" in text
    assert settling.WARMING == 2
    assert "from the third on" in text
    assert f"After {steady.ENOUGH} short blocks" in text
    assert f"Fewer than {steady.ENOUGH}," in text
    assert f"latest {steady.LATEST} are steady" in text
    assert f"differ by at most {percent(steady.LARGEST_SHIFT)};" in text
    assert f"({steady.OUTLIER:g} interquartile ranges above" in text
    assert f"and {percent(steady.SMALLEST_DEVIATION)} at least);" in text
    assert f"at most {percent(steady.LARGEST_DEVIATION_CHANGE)}, where" in text
    assert f"exceed {percent(steady.SMALLEST_DEVIATION)};" in text


def test_blocks(page):
    text = page.section("## Rounds")
    assert f"one step and {seat.REWARM_SECONDS:g} s" in text
    assert f"at least {blocks.FEWEST_STEPS} steps" in text
    assert f"a step of {blocks.LONG_STEP_SECONDS:g} s and more is a block by itself" in text
    assert f"at most {blocks.LONGEST_BLOCK_SECONDS:g} s" in text
    assert f"about {pace.BEAT_SECONDS * 1e3:g} ms of square roots" in text


def test_every_cause_has_its_threshold(page):
    told = page.table("## Disturbed rounds")
    assert set(told) - {"cause"} == set(get_args(Cause))
    thresholds = {
        "run-queue delay": percent(contamination.RUN_DELAY_EXCESS),
        "foreign CPU": percent(contamination.FOREIGN_SHARE),
        "steal": percent(contamination.STEAL_SHARE),
        "canary": f"{contamination.CANARY_RATIO:g} times",
    }
    for cause, threshold in thresholds.items():
        assert threshold in told[cause][1], cause
    for cause in ("run-queue delay", "canary"):
        assert "quietest tenth" in told[cause][1]
    assert contamination.QUIET_SHARE == 0.1


def test_the_rounding_of_ticks(page):
    text = page.section("## Disturbed rounds")
    assert f"ticks of {contamination.TICK_NS // 10**6} ms" in text
    assert contamination.ROUNDING_TICKS == 1
    assert "over a round, one tick for each CPU" in text


def test_repeats(page):
    text = page.section("## Disturbed rounds")
    assert f"at most {contamination.MOST_ATTEMPTS} times" in text
    assert f"at most {percent(contamination.EXTRA_SHARE)} to the most rounds" in text


def test_statistics(page):
    text = page.section("## Statistics")
    assert f"exact up to {signed_rank.MOST_EXACT} rounds" in text
    assert f"differ by {percent(paired.LAUNCH_FLOOR)} at least" in text
    assert f"together with {percent(paired.CONFIDENCE)}" in text
    least = [paired.least_rounds(rows - 1) for rows in range(2, 7)]
    assert least == [6, 7, 7, 8, 8]
    assert "at least 6 rounds in common" in text
    assert "three or four rows 7, five or six rows 8" in text


def test_the_simulated_coverage_is_that_of_the_code(page):
    (told,) = re.findall(r"lower that to (\d+) with three launches", page.text)
    assert f"in 0.{told} of cases" in inspect.getdoc(paired._half_width)


@pytest.mark.parametrize(
    ("told", "low", "high"),
    [
        ("wholly above 1.02", 1.021, 1.04),
        ("above 1, but not above 1.02", 1.001, 1.03),
        ("wholly between 1/1.02 and 1.02", 0.981, 1.019),
        ("anything else", 0.95, 1.03),
    ],
)
def test_verdicts(page, told, low, high):
    word, sign = page.table("## Verdicts")[told]
    found = verdicts.verdict(Interval(low, high), verdicts.MARGIN)
    assert word == {"inconclusive": "not clear"}.get(found, found)
    signs = {"slower": "", "leans slower": "~", "tie": "=", "inconclusive": "?"}
    assert sign.strip("`") == signs[found]


def test_the_margin(page):
    assert f"The margin is {percent(verdicts.MARGIN)} (`--margin`)" in page.text
    assert verdicts.widened_margin(0.02, log(1.05)) == pytest.approx(expm1(log(1.05)))
    assert f"more than {verdicts.BUDGETS} times the most rounds" in page.text


def test_grades(page):
    told = page.table("## The twin")
    for grade, widest in resolution.WIDEST:
        assert told[grade] == [f"up to {percent(widest)}"]
    assert f"misses 1 by more than {percent(paired.LAUNCH_FLOOR)}" in told["D"][0]


def test_the_smallest_difference_is_twice_the_half_width(page):
    assert "is twice the half width" in page.section("## The twin")
    launches = [[1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.0]]
    twin = paired.compare(launches, [[1.0] * 8], comparisons=1)
    found = resolution.resolution(Row(backend="numpy", mode="numpy"), twin)
    assert 1 + found.smallest_difference == pytest.approx(exp(2 * found.half_width))


def test_the_signs_of_a_clock_that_cannot_be_believed(page, open_page):
    told = page.table("## Can the clock be believed?")
    late = max(checks.LATE_SECONDS, checks.LATE_SHARE * checks.PROBE_SECONDS)
    least, most = checks.LEAST_DOUBLING, checks.MOST_DOUBLING
    assert told["twice the steps"] == [
        f"2n steps take less than {least:g} or more than {most:g} times as long as n"
    ]
    assert f"more than {late * 1e3:g} ms" in told["a second wait"][0]
    assert f"{late * 1e3:g} ms longer" in told["reading back"][0]
    assert "2e-6" in told["precision"][0]
    assert precision_canary.STRICT_ERROR == 2e-6
    assert f"{cpu_use.MOST_SHARE:g} times" in told["CPU budget"][0]
    assert f"{utilisation.TOLERANCE:.2f} times" in told["practical peak"][0]
    text = page.section("## Can the clock be believed?")
    assert f"Blocks of {checks.PROBE_SECONDS:g} s are probed once" in text
    assert f"again, {checks.REPEATS} times each" in text
    assert f"up to {checks.ENOUGH_PROBES} times over" in text
    assert f"up to {checks.MOST_PROBES} times over before a row is refused" in text
    guide = open_page("docs/guides/write-a-backend.md").section("### What is tested of `wait`")
    assert guide.count(f"{late * 1e3:g} ms") == 2
    assert told["twice the steps"][0] in guide


def test_what_bound_by_overhead_means(page):
    text = page.section("## Practical peak and utilisation")
    assert (
        f"half a batch would take more than {2**-growth.MOST_GROWTH:.0%} of".replace("%", " %")
        in text
    )


def test_very_small_numbers(page):
    text = page.section("## CPU budget")
    assert f"where {percent(sentences.MANY_SUBNORMALS)} of them or more are subnormal" in text
    assert f"Below {np.finfo(np.float32).tiny:.1e}" in text


def test_the_practical_peak(page):
    text = page.section("## Practical peak and utilisation")
    assert f"of {products.SIZES[0]} rows and more, up to {products.SIZES[-1]}" in text
    assert f"brings {products.LEAST_GAIN - 1:.0%} or more".replace("%", " %") in text
    assert f"for {ceilings.PRODUCT_SECONDS:g} s each" in text


def test_energy(page):
    text = page.section("## Energy")
    assert f"{energy.LEAST_REPEATS} times for {energy.LEAST_SECONDS:g} s or more" in text
    assert f"within {energy.COOL_KELVIN:g} K" in text


def test_the_caches_that_are_kept_are_those_that_are_moved(page):
    told = " ".join(page.table("## What is kept between runs")).lower()
    assert {name.partition(".")[0] for name in caches.VARIABLES.values()} == {
        "inductor",
        "triton",
        "cuda",
        "tinygrad",
    }
    assert all(name in told for name in ("inductor", "triton", "cuda", "tinygrad"))


def test_exit_codes(page):
    told = page.table("## Exit codes")
    assert set(told) - {"code"} == {str(int(code)) for code in ExitCode}
    assert "130 comes first, then 1, then 3" in page.section("## Exit codes")
    order = re.search(r"order = \((.+)\)", inspect.getsource(command))[1]
    assert order.split(", ") == [
        "ExitCode.INTERRUPTED",
        "ExitCode.PROBLEMS",
        "ExitCode.INCOMPLETE",
        "ExitCode.DONE",
    ]
