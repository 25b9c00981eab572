from __future__ import annotations

from math import exp, log
from random import Random

import pytest
from msgspec import structs

from envdoctor.model.cell import Block, Noise
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run
from envdoctor.statistics.paired import compare
from envdoctor.statistics.pairing import paired_seconds
from envdoctor.statistics.ranking import (
    NO_TWIN,
    NOT_PAIRED,
    NOTHING_MEASURED,
    TOO_NOISY,
    Ranking,
    rank,
    rankings,
    widest_half_width,
)


def _times(
    milliseconds: float, seed: int, noise: float = 0.005, rounds: int = 10
) -> list[list[float]]:
    random = Random(seed)
    return [
        [milliseconds * 1e-3 * exp(random.gauss(0, noise)) for _ in range(rounds)] for _ in range(3)
    ]


def _healthy(make_run, **rows: object) -> Run:
    twin = {"numpy": _times(2, 1), "numpy'": _times(2, 2)}
    return make_run({"w": {**twin, **rows}})


def _shown(ranking: Ranking) -> list[tuple[str, int | None, str]]:
    return [(place.cell.row.backend, place.rank, place.mark) for place in ranking.places]


def test_rows_are_ranked_by_their_median(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3), torch=_times(1.5, 4))
    ranking = rank(run, "w")
    assert ranking.rankable
    assert ranking.leader == run.cells[2]
    assert _shown(ranking) == [("jax", 1, ""), ("torch", 2, ""), ("numpy", 3, "")]
    assert [place.comparison.verdict for place in ranking.places[1:]] == ["slower", "slower"]
    assert ranking.places[0].comparison is None
    assert ranking.resolution is not None
    assert ranking.resolution.grade == "A"
    assert ranking.resolution.row.backend == "numpy"


def test_a_comparison_is_that_of_the_paired_rounds_at_its_share_of_the_confidence(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3), torch=_times(1.5, 4))
    ranking = rank(run, "w")
    times, reference = paired_seconds(run, run.cells[3], run.cells[2])
    assert ranking.places[1].comparison == compare(times, reference, comparisons=2)


def test_ties_and_what_may_be_one_share_the_first_rank(make_run) -> None:
    run = _healthy(
        make_run,
        jax=_times(1, 3),
        equal=_times(1.002, 4),
        leaning=_times(1.025, 5, noise=0.015),
        noisy=_times(1.04, 6, noise=0.3),
        slower=_times(1.1, 7),
    )
    assert _shown(rank(run, "w")) == [
        ("jax", 1, ""),
        ("equal", 1, "="),
        ("leaning", 1, "~"),
        ("noisy", 1, "?"),
        ("slower", 5, ""),
        ("numpy", 6, ""),
    ]


def test_slower_rows_that_cannot_be_told_apart_share_a_rank(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3), torch=_times(1.5, 4), other=_times(1.505, 5))
    assert _shown(rank(run, "w")) == [
        ("jax", 1, ""),
        ("torch", 2, ""),
        ("other", 2, ""),
        ("numpy", 4, ""),
    ]


def test_a_rank_counts_the_rows_before_it(make_run) -> None:
    run = _healthy(
        make_run, jax=_times(1, 3), slower=_times(1.1, 7), noisy=_times(1.2, 6, noise=0.9)
    )
    assert _shown(rank(run, "w")) == [
        ("jax", 1, ""),
        ("slower", 2, ""),
        ("noisy", 1, "?"),
        ("numpy", 4, ""),
    ]


def test_the_order_of_the_cells_does_not_matter(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3), torch=_times(1.5, 4))
    turned = structs.replace(run, cells=run.cells[::-1], rounds=run.rounds[::-1])
    assert rank(turned, "w") == rank(run, "w")
    assert widest_half_width(turned, "w") == widest_half_width(run, "w")


def test_a_twin_that_varies_widens_the_margin(make_run) -> None:
    rows = {"jax": _times(1, 3), "torch": _times(1.035, 4)}
    quiet = rank(_healthy(make_run, **rows), "w")
    twin = {"numpy": _times(2, 1, noise=0.06), "numpy'": _times(2, 2, noise=0.06)}
    noisy = rank(make_run({"w": {**rows, **twin}}), "w")
    assert noisy.resolution is not None
    assert noisy.resolution.grade == "C"
    assert _shown(quiet)[1] == ("torch", 2, "")
    assert _shown(noisy)[1] == ("torch", 1, "~")
    assert noisy.places[1].comparison.margin == pytest.approx(exp(noisy.resolution.half_width) - 1)


def _nothing_ranked(ranking: Ranking) -> None:
    assert not ranking.rankable
    assert not ranking.rough
    assert (ranking.leader, ranking.reason) == (None, TOO_NOISY)
    assert ranking.resolution is not None
    assert ranking.resolution.grade == "D"
    assert {(place.rank, place.mark) for place in ranking.places} == {(None, "")}
    assert all(place.comparison is None for place in ranking.places)


def test_with_a_twin_that_differs_in_earnest_nothing_is_ranked(make_run) -> None:
    rows = {"jax": _times(1, 3), "numpy": _times(2, 1), "numpy'": _times(2.1, 2)}
    _nothing_ranked(rank(make_run({"w": rows}), "w"))


def _rough(make_run, **rows: object) -> Run:
    """A run whose twin varies as much as its rows do: it shows differences of about 25 %."""
    loud = {"numpy": _times(2, 1, noise=0.2), "numpy'": _times(2, 2, noise=0.2)}
    return make_run({"w": {**rows, **loud}})


def test_on_a_noisy_machine_only_what_is_far_apart_is_ranked(make_run) -> None:
    ranking = rank(_rough(make_run, jax=_times(1, 3), torch=_times(1.2, 4)), "w")
    assert ranking.rough
    assert ranking.resolution is not None
    assert ranking.resolution.grade == "D"
    assert 0.2 < ranking.resolution.smallest_difference < 0.4
    # 20 % are beyond every doubt of torch's own rounds, and less than two equal rows may differ.
    assert ranking.places[1].comparison.interval.low > 1.19
    assert _shown(ranking) == [("jax", 1, ""), ("torch", 1, "?"), ("numpy", 3, "")]
    assert [p.comparison.verdict for p in ranking.places[1:]] == ["inconclusive", "slower"]


def test_a_noisy_machine_knows_no_ties_and_no_leanings(make_run) -> None:
    rows = {"jax": _times(1, 3), "equal": _times(1.001, 4), "leaning": _times(1.02, 5)}
    told = [place.comparison.verdict for place in rank(_rough(make_run, **rows), "w").places[1:]]
    assert told == ["inconclusive", "inconclusive", "slower"]


def test_slower_rows_of_a_noisy_machine_share_a_rank_until_they_are_far_apart(make_run) -> None:
    rows = {"jax": _times(1, 3), "torch": _times(4, 4), "a": _times(4.4, 5), "b": _times(8, 6)}
    shown = _shown(rank(_rough(make_run, **rows), "w"))
    assert [each[:2] for each in shown] == [
        ("jax", 1),
        ("numpy", 2),
        ("torch", 3),
        ("a", 3),
        ("b", 5),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_on_a_noisy_machine_equal_rows_are_never_ranked(make_run, seed: int) -> None:
    names = ["numpy", "numpy'", *"abcde"]
    rows = {name: _times(1, seed * 100 + n, noise=0.25) for n, name in enumerate(names)}
    _nothing_ranked(rank(make_run({"w": rows}), "w"))


def _loaded(run: Run, every: int, *, steal: bool = False) -> Run:
    """The run with 0.3 of two CPUs taken by others in all rounds but every second or third."""

    def noise(block: Block) -> Noise:
        taken_ns = int(0.3 * block.wall_ns) if block.round % every else 0
        return Noise(steal_ns=taken_ns) if steal else Noise(busy_ns=block.cpu_ns + taken_ns)

    cells = [
        structs.replace(cell, blocks=tuple(structs.replace(b, noise=noise(b)) for b in cell.blocks))
        for cell in run.cells
    ]
    return structs.replace(run, cells=tuple(cells))


@pytest.mark.parametrize("steal", [False, True])
def test_a_rough_order_is_not_told_while_others_use_the_cpus(make_run, steal: bool) -> None:
    run = _rough(make_run, jax=_times(1, 3))
    assert rank(_loaded(run, 2, steal=steal), "w").rough  # half of the rounds
    _nothing_ranked(rank(_loaded(run, 3, steal=steal), "w"))
    assert rank(_loaded(_healthy(make_run, jax=_times(1, 3)), 3, steal=steal), "w").rankable


def _held_up(run: Run, rows: int) -> Run:
    """The run with a cause in every block of so many rows."""
    cells = [
        structs.replace(
            cell,
            blocks=tuple(structs.replace(b, causes=("run-queue delay",)) for b in cell.blocks),
        )
        if number < rows
        else cell
        for number, cell in enumerate(run.cells)
    ]
    turns = [structs.replace(turn, causes=("run-queue delay",)) for turn in run.rounds]
    return structs.replace(run, cells=tuple(cells), rounds=tuple(turns))


def test_one_disturbed_row_of_many_in_every_round_is_not_a_loaded_machine(make_run) -> None:
    run = _rough(make_run, jax=_times(1, 3), torch=_times(4, 4))
    assert rank(_held_up(run, 2), "w").rough
    _nothing_ranked(rank(_held_up(run, 3), "w"))


def test_without_the_twin_that_was_planned_nothing_is_ranked(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3))
    lost = structs.replace(run, cells=(run.cells[0], run.cells[2]))
    assert rank(lost, "w").reason == NO_TWIN
    few = make_run({"w": {"numpy": [[1.0] * 5], "numpy'": [[1.0] * 5], "jax": [[2.0] * 5]}})
    assert rank(few, "w").reason == NO_TWIN
    assert widest_half_width(few, "w") is None


def test_a_run_that_planned_no_twin_is_ranked_without_a_resolution(make_run) -> None:
    ranking = rank(make_run({"w": {"jax": _times(1, 3), "torch": _times(1.5, 4)}}), "w")
    assert ranking.rankable
    assert ranking.resolution is None
    assert _shown(ranking) == [("jax", 1, ""), ("torch", 2, "")]


def test_rows_that_were_not_interleaved_are_not_paired(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3))
    run = structs.replace(run, plan=structs.replace(run.plan, interleaved=False))
    ranking = rank(run, "w")
    assert (ranking.leader, ranking.reason, ranking.resolution) == (None, NOT_PAIRED, None)
    assert _shown(ranking) == [("jax", None, ""), ("numpy", None, "")]
    assert widest_half_width(run, "w") is None


def test_a_row_alone_leads(make_run) -> None:
    ranking = rank(_healthy(make_run), "w")
    assert _shown(ranking) == [("numpy", 1, "")]


@pytest.mark.parametrize("workload", ["w", "unknown"])
def test_without_a_speed_there_is_no_leader(make_run, workload: str) -> None:
    run = make_run({"w": {"jax": _times(1, 3)}})
    failed = structs.replace(run.cells[0], outcome=Outcome(status="failed"))
    ranking = rank(structs.replace(run, cells=(failed,)), workload)
    assert (ranking.leader, ranking.places, ranking.reason) == (None, (), NOTHING_MEASURED)


def test_rows_without_a_round_in_common_have_no_place_among_the_others(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3), torch=_times(1.5, 4))
    torch = run.cells[3]
    late = structs.replace(
        torch, blocks=tuple(structs.replace(b, launch=b.launch + 3) for b in torch.blocks)
    )
    turns = tuple(structs.replace(turn, launch=turn.launch + 3) for turn in run.rounds)
    run = structs.replace(run, cells=(*run.cells[:3], late), rounds=run.rounds + turns)
    assert _shown(rank(run, "w"))[1] == ("torch", None, "?")
    assert widest_half_width(run, "w") is None


def test_contaminated_rounds_move_nothing(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3), torch=_times(1.5, 4))
    spoilt = []
    for cell in run.cells:
        extra = [
            structs.replace(block, attempt=1, wall_ns=block.wall_ns * 9) for block in cell.blocks
        ]
        spoilt.append(structs.replace(cell, blocks=(*extra, *cell.blocks)))
    turns = [structs.replace(turn, attempt=1, kept=False) for turn in run.rounds]
    loaded = structs.replace(run, cells=tuple(spoilt), rounds=(*run.rounds, *turns))
    assert [p.comparison for p in rank(loaded, "w").places] == [
        p.comparison for p in rank(run, "w").places
    ]
    assert [p.step for p in rank(loaded, "w").places] == [p.step for p in rank(run, "w").places]


def test_the_widest_ratio_is_the_one_to_wait_for(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3), torch=_times(1.5, 4, noise=0.05))
    ranking = rank(run, "w")
    widths = [place.comparison.half_width for place in ranking.places[1:]]
    assert widest_half_width(run, "w") == max(*widths, ranking.resolution.half_width)
    twin = {"numpy": _times(2, 1), "numpy'": _times(2, 2, noise=0.2)}
    loud = make_run({"w": {**twin, "jax": _times(1, 3)}})
    assert widest_half_width(loud, "w") == rank(loud, "w").resolution.half_width


def test_a_row_that_compiled_while_it_was_timed_is_not_steady(make_run) -> None:
    run = _healthy(make_run)
    place = rank(run, "w").places[0]
    assert place.steady
    launches = place.cell.launches
    last = structs.replace(launches[-1], compiled_while_timed=2)
    cell = structs.replace(place.cell, launches=(*launches[:-1], last))
    changed = structs.replace(run, cells=(cell, *run.cells[1:]))
    assert not rank(changed, "w").places[0].steady


def test_the_ratio_is_not_that_of_the_medians_but_of_the_pairs(make_run) -> None:
    # A load that grows to three times: medians and levels move, the pairs do not.
    load = [[1 + 0.2 * number for number in range(10)] for _ in range(3)]
    slowed = {
        name: [
            [t * f for t, f in zip(x, y, strict=True)]
            for x, y in zip(_times(ms, seed), load, strict=True)
        ]
        for name, ms, seed in (("numpy", 2, 1), ("numpy'", 2, 2), ("jax", 1, 3), ("torch", 1.05, 4))
    }
    ranking = rank(make_run({"w": slowed}), "w")
    assert ranking.places[1].comparison.verdict == "slower"
    assert log(ranking.places[1].comparison.ratio) == pytest.approx(log(1.05), abs=0.006)


def test_rows_of_two_precisions_are_never_ranked_together(make_run) -> None:
    run = _healthy(make_run, jax=_times(1, 3), torch=_times(1.5, 4))
    cells = [
        structs.replace(cell, row=structs.replace(cell.row, precision="bf16"))
        if cell.row.backend == "jax"
        else cell
        for cell in run.cells
    ]
    rows = tuple(cell.row for cell in cells if not cell.row.twin)
    mixed = structs.replace(run, cells=tuple(cells), plan=structs.replace(run.plan, rows=rows))
    strict, low = rankings(mixed, "w")
    assert _shown(strict) == [("torch", 1, ""), ("numpy", 2, "")]
    assert _shown(low) == [("jax", 1, "")]
    assert low.resolution == strict.resolution
    assert rank(mixed, "w").places == strict.places
