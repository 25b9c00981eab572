from __future__ import annotations

from math import exp, log
from random import Random
from statistics import fmean, quantiles

import pytest
from msgspec import structs

from envdoctor.statistics.paired import compare
from envdoctor.statistics.workloads import geometric_mean, overall


def _times(milliseconds: float, seed: int, noise: float = 0.005) -> list[list[float]]:
    random = Random(seed)
    return [
        [milliseconds * 1e-3 * exp(random.gauss(0, noise)) for _ in range(10)] for _ in range(3)
    ]


def test_the_mean_is_that_of_the_ratios_and_not_of_the_times(make_run) -> None:
    run = make_run(
        {
            "small": {"jax": _times(1, 1), "torch": _times(2, 2)},
            "large": {"jax": _times(900, 3), "torch": _times(600, 4)},
        }
    )
    found = overall(run)
    assert found is not None
    assert found.reference.backend == "jax"
    assert found.workloads == ("small", "large")
    jax, torch = found.means
    assert (jax.row, jax.ratio, jax.interval) == (found.reference, 1.0, None)
    assert torch.ratio == pytest.approx((2 * 2 / 3) ** 0.5, rel=0.01)
    assert torch.interval is not None
    assert torch.interval.low < torch.ratio < torch.interval.high


def test_only_workloads_that_all_rows_ran_count(make_run) -> None:
    both = {"jax": _times(1, 1), "torch": _times(2, 2)}
    run = make_run({"a": both, "b": {"jax": _times(1, 3)}, "c": both})
    found = overall(run)
    assert found is not None
    assert found.workloads == ("a", "c")
    assert overall(make_run({"a": both, "b": {"jax": _times(1, 3)}})) is None


def test_a_workload_that_could_not_be_ranked_does_not_count(make_run) -> None:
    rows = {"jax": _times(1, 1), "numpy": _times(2, 2), "numpy'": _times(2, 3)}
    noisy = {**rows, "numpy'": _times(2.5, 3)}
    run = make_run({"a": rows, "b": noisy, "c": rows})
    found = overall(run)
    assert found is not None
    assert found.workloads == ("a", "c")
    assert [mean.row.backend for mean in found.means] == ["jax", "numpy"]


def test_one_row_or_one_workload_has_no_mean(make_run) -> None:
    both = {"jax": _times(1, 1), "torch": _times(2, 2)}
    assert overall(make_run({"a": both})) is None
    assert overall(make_run({"a": {"jax": both["jax"]}, "b": {"jax": both["jax"]}})) is None


def test_a_row_that_shares_no_round_is_left_out(make_run) -> None:
    rows = {"jax": _times(1, 1), "torch": _times(2, 2), "x": _times(3, 3)}
    run = make_run({"a": rows, "b": rows})
    x = run.cells[2]
    late = structs.replace(
        x, blocks=tuple(structs.replace(block, launch=block.launch + 3) for block in x.blocks)
    )
    turns = tuple(structs.replace(turn, launch=turn.launch + 3) for turn in run.rounds)
    run = structs.replace(
        run, cells=(*run.cells[:2], late, *run.cells[3:]), rounds=run.rounds + turns
    )
    found = overall(run)
    assert found is not None
    assert [mean.row.backend for mean in found.means] == ["jax", "torch"]


def test_the_interval_is_what_resampling_tends_to() -> None:
    comparisons = [
        compare(_times(ratio, seed, noise), _times(1, -seed, noise), comparisons=1)
        for seed, (ratio, noise) in enumerate([(1.1, 0.01), (1.4, 0.05), (0.9, 0.02)], start=1)
    ]
    ratio, interval = geometric_mean(comparisons)
    random = Random(0)
    drawn = [
        fmean(random.gauss(log(c.ratio), (c.half_width or 0) / 1.959964) for c in comparisons)
        for _ in range(20_000)
    ]
    cuts = quantiles(drawn, n=40)
    assert interval is not None
    assert ratio == pytest.approx(exp(fmean(drawn)), rel=1e-3)
    assert (interval.low, interval.high) == pytest.approx((exp(cuts[0]), exp(cuts[-1])), rel=2e-3)


def test_a_ratio_without_an_interval_leaves_none() -> None:
    full = compare(_times(1, 1), _times(1, 2), comparisons=1)
    bare = compare([[1.0]], [[1.0]], comparisons=1)
    assert geometric_mean([full, bare])[1] is None
