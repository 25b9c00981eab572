"""What is said of a machine on which little or nothing can be ranked."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.model.cell import Noise

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "support" / "ranked_rows.py"))
_cell = MADE["cell_of"]
_run = MADE["run_of"]
_twins = MADE["twins"]
_row = MADE["row_of"]
_say = MADE["say"]


def _noisy(
    cause: str, noise: Noise | None = None, *, jax: float = 2.9, **plan: object
) -> tuple[str, ...]:
    """What is said of a twin that is far off, with half the rounds disturbed by a cause.

    `jax` takes so many milliseconds a step, numpy 3.
    """
    cells = [
        structs.replace(
            cell, blocks=tuple(structs.replace(block, noise=noise) for block in cell.blocks)
        )
        for cell in (*_twins(swing=(0.7, 1.6, 1.0)), _cell(_row("jax"), jax))
    ]
    run = _run(*cells, **plan)
    turns = [
        structs.replace(turn, causes=(cause,) if cause and turn.round % 2 else ())
        for turn in run.rounds
    ]
    return _say(structs.replace(run, rounds=tuple(turns)))


def test_a_machine_that_is_too_noisy_is_told_with_its_numbers() -> None:
    noise = Noise(run_delay_ns=90_000_000, busy_ns=150_000_000, pressure_ns=200_000_000)
    lines = _noisy("foreign CPU", noise)
    assert lines[0] == "This machine is too noisy to rank these backends right now."
    assert lines[1].startswith("  two copies of the same backend (numpy, numpy') differed by ")
    assert lines[1].endswith(" %)")
    # Blocks of 0.2 s and more, with the same delay and use.
    assert lines[2] == (
        "  run-queue delay 21 % of CPU time in the worst twentieth of blocks; "
        "18 of 36 rounds were disturbed"
    )
    assert lines[3] == (
        "  likely cause: other processes used 0.2 of your 2 CPUs "
        "(some task waited for a CPU in 65 % of the time)"
    )
    assert lines[4].startswith(
        "What helps: close other work · --threads 1 · --rigorous · run again later. "
        "Differences above about "
    )
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("cause", "noise", "said", "helps"),
    [
        (
            "steal",
            Noise(steal_ns=60_000_000),
            "the hypervisor gave 0.2 of your 2 CPUs to other machines",
            "a machine that is not shared",
        ),
        ("quota", None, "the CPU quota of the control group was used up", "a higher CPU limit"),
        (
            "GPU throttling",
            None,
            "the GPU slowed itself down, for heat or power",
            "let the GPU cool down",
        ),
        (
            "canary",
            None,
            "the CPU itself changed its speed: its clock, its heat or its neighbours",
            "close other work",
        ),
        (
            "run-queue delay",
            Noise(run_delay_ns=10_000_000),
            "more threads were ready to run than there were CPUs",
            "close other work",
        ),
        ("", None, "unknown; no counter of this machine shows one", "close other work"),
    ],
)
def test_every_cause_has_its_words_and_its_remedy(
    cause: str, noise: Noise | None, said: str, helps: str
) -> None:
    lines = _noisy(cause, noise)
    assert lines[3] == f"  likely cause: {said}"
    assert lines[4].startswith(f"What helps: {helps} · ")


def test_an_interval_as_wide_as_a_loaded_machine_makes_it_is_told_in_plain_numbers() -> None:
    run = _run(*_twins(swing=(0.2, 40.0, 1.0)), _cell(_row("jax"), 2.9))
    copies = _say(run)[1]
    told = re.fullmatch(r".* \(95 % CI -(\S+) % \.\. \+(\S+) %\)", copies)
    assert told, copies
    low, high = told.groups()
    assert not {"e", "E"} & {*low, *high}, copies
    assert float(low) < 100 < float(high.replace(",", ""))


def test_what_is_already_done_is_not_recommended() -> None:
    last = _noisy("quota", None, cpus=(0,), preset="rigorous")[4]
    assert last.startswith("What helps: a higher CPU limit · run again later. ")


def test_no_line_of_a_noisy_run_says_faster_by_percent_or_significant() -> None:
    text = " ".join(_noisy("steal", None))
    assert "significant" not in text
    assert "% faster" not in text
    assert "% slower" not in text


def test_what_a_noisy_machine_can_show_is_shown_first() -> None:
    fastest, noisy, *grounds = _noisy("canary", jax=1.0)
    assert fastest == "fastest: jax 1.00 ms/step."
    assert noisy.startswith("This machine is noisy right now: only differences above about ")
    assert noisy.endswith(" % are ranked.")
    assert grounds[0].startswith("  two copies of the same backend (numpy, numpy') differed by ")
    assert grounds[1] == "  18 of 36 rounds were disturbed"
    assert grounds[2].startswith("  likely cause: the CPU itself changed its speed")
    assert grounds[3].endswith("run again later.")
    assert len(grounds) == 4


def test_nothing_would_show_while_others_use_the_cpus() -> None:
    lines = _noisy("foreign CPU", Noise(busy_ns=400_000_000), jax=1.0)
    assert lines[0].startswith("This machine is too noisy to rank")
    assert not any("would still show" in line for line in lines)


def test_an_order_that_was_found_beside_other_work_is_doubted() -> None:
    run = _run(*_twins(), _cell(_row("jax"), 1.0))
    cells = [
        structs.replace(
            cell,
            blocks=tuple(structs.replace(b, noise=Noise(busy_ns=400_000_000)) for b in cell.blocks),
        )
        for cell in run.cells
    ]
    turns = [structs.replace(turn, causes=("foreign CPU",)) for turn in run.rounds]
    (doubt,) = [
        line
        for line in _say(structs.replace(run, cells=tuple(cells), rounds=tuple(turns)))
        if line.startswith("most rounds were disturbed (other processes used ")
    ]
    assert doubt.endswith("): undisturbed, the order may be another.")
    assert not any("disturbed" in line for line in _say(run))


def test_the_fastest_row_of_a_noisy_machine_may_be_another() -> None:
    cells = [*_twins(swing=(0.7, 1.6, 1.0)), _cell(_row("jax"), 1.0), _cell(_row("torch"), 1.05)]
    fastest = _say(_run(*cells))[0]
    assert fastest == "fastest: jax 1.00 ms/step; not to be told from it here: torch."
