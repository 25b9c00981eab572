from __future__ import annotations

import pytest
from msgspec import structs

from envdoctor.choose.setup import Installed, Setup
from envdoctor.model.run import Unavailable
from envdoctor.statistics.ranking import TOO_NOISY

TIMES = {"numpy": 1e-4, "torch eager": 1e-3, "torch compile": 9e-4, "jax jit": 2e-4}
WITH_TF = {**TIMES, "tensorflow graph": 5e-4}


@pytest.fixture
def run(made):
    return made["made_run"](WITH_TF, workloads=("mlp-tiny", "cnn-tiny"))


def _by_name(choice):
    return {each.framework: each for each in choice.candidates}


def test_every_number_is_one_of_the_run(ask, run, made):
    choice = ask("windows", run=run)
    assert choice.measurement.run == run.id
    assert choice.measurement.workloads == ("mlp-tiny", "cnn-tiny")
    choice = ask(run=run)
    torch = _by_name(choice)["torch"]
    assert torch.row == "torch compile"
    assert torch.ratio == pytest.approx(9e-4 / 2e-4, rel=0.03)
    assert torch.low < torch.ratio < torch.high
    assert f"{torch.ratio:.2f}" not in choice.headline  # tensorflow is the second, not torch
    assert "tensorflow takes" in choice.headline


def test_what_is_no_framework_is_never_recommended(ask, run):
    numpy = _by_name(ask(run=run))["numpy"]
    assert (numpy.outcome, numpy.rank) == ("ruled out", None)
    assert "automatic differentiation" in numpy.reasons[0].text


def test_a_tie_is_called_one(ask, made):
    run = made["made_run"]({"numpy": 4e-4, "torch eager": 1e-3, "jax jit": 1e-3})
    choice = ask(run=run)
    assert choice.decision == "tie"
    assert set(choice.recommended) == {"torch", "jax"}
    assert "equally fast within 2 %" in choice.headline


def test_what_cannot_be_told_apart_is_not_called_a_tie(ask, made):
    run = made["made_run"](
        {"numpy": 4e-4, "torch eager": 1.02e-3, "jax jit": 1e-3}, rounds=8, launches=1, noise=0.01
    )
    choice = ask(run=run)
    assert choice.decision == "undecided"
    assert "cannot tell it from" in choice.headline
    assert any(
        "more rounds" in each.text or "no budget" in each.text for each in choice.would_change
    )


def test_a_noisy_run_ranks_nothing(ask, made):
    choice = ask(run=made["made_run"](TIMES, twin_factor=1.3))
    assert choice.decision == "too noisy"
    assert choice.recommended == ()
    assert TOO_NOISY in choice.headline
    assert {_by_name(choice)[name].outcome for name in ("torch", "jax")} == {"not ranked"}


ROUGH = {"numpy": 4e-4, "torch eager": 1.01e-3, "jax jit": 1e-3, "tensorflow graph": 9e-3}


@pytest.mark.parametrize("workloads", [("mlp-tiny",), ("mlp-tiny", "cnn-tiny")])
def test_on_a_noisy_machine_what_is_close_is_not_called_equal(ask, made, workloads):
    run = made["made_run"](ROUGH, workloads=workloads, noise=0.15)
    choice = ask(run=run)
    assert choice.decision == "undecided"
    assert set(choice.recommended) == {"torch", "jax"}
    assert _by_name(choice)["tensorflow"].outcome == "behind"
    texts = [each.text for each in choice.would_change]
    assert not any("more rounds" in text or "no budget" in text for text in texts)
    if len(workloads) == 1:
        assert any(text.startswith("on a quieter machine a run may tell") for text in texts)


def test_without_a_run_only_the_facts_speak(ask):
    choice = ask("python=3.14")
    assert (choice.decision, choice.recommended, choice.measurement) == ("not measured", (), None)
    assert "there is no run to go by" in choice.headline
    assert _by_name(choice)["tensorflow"].outcome == "ruled out"
    assert choice.not_measured[0].startswith("Nothing: no run was found.")
    assert choice.would_change == ()


def test_a_gpu_is_not_ranked_by_the_cpu(ask, run):
    choice = ask("gpu", run=run)
    assert choice.decision == "not measured"
    assert "the run has no row on cuda" in choice.headline
    assert choice.here[0].text == "no GPU of NVIDIA was found here"
    torch = _by_name(choice)["torch"]
    assert torch.hindrance == "no build of torch with CUDA is installed"
    assert _by_name(choice)["tinygrad"].hindrance == ""


def test_needs_that_nothing_meets_are_told_with_what_is_unknown(ask, run):
    choice = ask("apple-gpu", "windows", "export-onnx", run=run, frameworks=("tensorflow", "mlx"))
    assert choice.decision == "none fits"
    assert choice.headline == (
        "No framework is known to meet apple-gpu, windows, export-onnx. Nothing is known of mlx."
    )


def test_an_unknown_answer_never_recommends(ask, made):
    run = made["made_run"]({"numpy": 4e-4, "torch eager": 1e-3, "tinygrad jit": 1e-4})
    choice = ask("mobile", run=run)
    assert choice.recommended == ("torch",)
    assert _by_name(choice)["tinygrad"].outcome == "unknown"
    assert "without mobile: tinygrad" in [each.text for each in choice.would_change]


def test_a_limit_counts_only_where_nothing_is_without(ask, run):
    choice = ask("windows", run=run, frameworks=("jax", "tensorflow"))
    assert choice.recommended == ("jax",)
    choice = ask("windows", run=run, frameworks=("jax", "torch"))
    assert choice.recommended == ("torch",)
    assert _by_name(choice)["jax"].outcome == "limited"
    assert "if its limits do for windows: jax" in [each.text for each in choice.would_change]


def _with_memory(run, backend, **fields):
    cells = tuple(
        structs.replace(cell, memory=structs.replace(cell.memory, **fields))
        if cell.row.backend == backend
        else cell
        for cell in run.cells
    )
    return structs.replace(run, cells=cells)


def test_memory_counts_beyond_its_margin_only(ask, run):
    assert ask(run=run, priority="memory").decision == "tie"
    choice = ask(run=_with_memory(run, "torch", footprint_bytes=100_000_000), priority="memory")
    assert choice.recommended == ("torch",)
    assert _by_name(choice)["torch"].value == 110_000_000
    assert "needs 1.91x" in choice.headline
    assert "with --priority speed: jax" in [each.text for each in choice.would_change]


def test_another_priority_is_shown_as_what_would_change_it(ask, run):
    light = _with_memory(run, "torch", footprint_bytes=100_000_000)
    assert "with --priority memory: torch" in [each.text for each in ask(run=light).would_change]


def test_a_late_start_is_weighed_against_few_steps(ask, made):
    run = made["made_run"](TIMES)
    cells = tuple(
        structs.replace(
            cell,
            launches=tuple(
                structs.replace(each, phases=structs.replace(each.phases, import_seconds=9.0))
                for each in cell.launches
            ),
        )
        if cell.row.backend == "jax"
        else cell
        for cell in run.cells
    )
    run = structs.replace(run, cells=cells)
    changes = [each.text for each in ask(run=run).would_change]
    assert any(text.startswith("for fewer than") and text.endswith("torch") for text in changes)
    assert ask(run=run, priority="start-up").recommended == ("torch",)


def test_why_something_was_not_measured_is_told(ask, run):
    absent = Unavailable(backend="keras", reason="keras is not installed.")
    choice = ask(run=structs.replace(run, unavailable=(absent,)))
    assert "keras: keras is not installed." in choice.not_measured
    assert any("it was no part of the run" in line for line in choice.not_measured)
    assert any("other sizes than tiny" in line for line in choice.not_measured)


def test_a_model_of_the_users_own_has_no_size_but_its_own(ask, run):
    own = structs.replace(run.workloads[0], name="speck", size="custom")
    run = structs.replace(
        run, workloads=(own,), plan=structs.replace(run.plan, workloads=("speck",))
    )
    said = "Models of other sizes than that of speck: they may rank otherwise."
    assert said in ask(run=run).not_measured


def test_what_the_doctor_finds_is_a_reason(ask, run):
    setup = Setup(installed={"jax": Installed(problems=("jaxlib is older than jax",))})
    _, reason = _by_name(ask(run=run, setup=setup))["jax"].reasons  # after that of its place
    assert (reason.text, reason.source.kind) == ("jaxlib is older than jax", "machine")


def test_a_reduced_precision_takes_no_part(ask, run):
    """It does less work, so that it takes less memory is no merit of the framework."""
    reduced = tuple(
        structs.replace(
            cell,
            row=structs.replace(cell.row, precision="bf16"),
            memory=structs.replace(cell.memory, footprint_bytes=1),
        )
        for cell in run.cells
        if cell.row.backend == "torch"
    )
    run = structs.replace(run, cells=(*run.cells, *reduced))
    for priority in ("speed", "memory"):
        choice = ask(run=run, priority=priority)
        assert _by_name(choice)["torch"].row in {"torch eager", "torch compile"}
    assert choice.decision == "tie"


def test_a_run_on_one_of_two_workloads_ranks_by_the_fuller_one(ask, made):
    run = made["made_run"](WITH_TF, workloads=("mlp-tiny", "lstm-tiny"))
    cells = tuple(
        cell
        for cell in run.cells
        if (cell.workload, cell.row.backend) != ("lstm-tiny", "tensorflow")
    )
    choice = ask(run=structs.replace(run, cells=cells))
    assert choice.measurement.workloads == ("mlp-tiny",)
    assert choice.recommended == ("jax",)


def test_what_alone_fits_needs_no_measurement(ask, run):
    for grounds in (None, run):
        choice = ask("apple-gpu", run=grounds, frameworks=("mlx", "tensorflow", "numpy"))
        assert (choice.decision, choice.recommended) == ("one", ("mlx",))
        assert choice.headline == "mlx for apple-gpu: nothing else is known to fit."
        assert choice.would_change == ()
