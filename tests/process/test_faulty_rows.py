"""Whatever one row does to itself, the run goes on and says what it was."""

from __future__ import annotations

import pytest

ENDINGS = {
    "raises": ("failed", "RuntimeError: the kernel refused"),
    "runs-out": ("out_of_memory", "MemoryError: could not allocate 3 TiB"),
    "unsupported": ("unsupported", "no kernel for this"),
    "segfaults": ("crashed", "SIGSEGV (segmentation fault) during `steps`"),
    "reads-null": ("crashed", "SIGSEGV (segmentation fault) during `steps`"),
    "is-killed": ("out_of_memory", "SIGKILL (killed) during `steps`, most likely because memory"),
    "leaves-child": ("crashed", "SIGSEGV (segmentation fault) during `steps`"),
    "exits": ("crashed", "ended by itself with exit code 0 during `build`"),
    "exits-politely": ("failed", "SystemExit: 3"),
    "crashes-late": ("crashed", "SIGABRT (aborted) during `block`"),
    "nan-when-timed": ("failed", "the loss is not a number"),
}
QUICK = (*ENDINGS, "healthy", "chatters", "nan", "wrong-gradient")


@pytest.fixture(scope="module")
def run(engine, module_mark):
    return engine(
        "faulty",
        "dies-on-import",
        mark=module_mark,
        backends=("numpy", "faulty", "dies-on-import"),
        modes=("numpy", "plain", *QUICK),
    )


@pytest.fixture(scope="module")
def by_title(run, cells):
    return cells(run)


def test_the_run_ends_and_has_a_cell_for_each_row(run, by_title):
    assert run.state == "finished"
    expected = {"numpy", "dies-on-import plain", *(f"faulty {mode}" for mode in QUICK)}
    assert set(by_title) == expected
    assert len(run.cells) == len(expected)


@pytest.mark.parametrize("title", ["numpy", "faulty healthy", "faulty chatters"])
def test_the_rows_beside_are_proven_and_measured(run, by_title, title):
    cell = by_title[title]
    assert cell.outcome.status == "ok"
    assert cell.certificate.same_work
    assert len([turn for turn in run.rounds if turn.kept]) == 2
    assert len(cell.blocks) >= 2
    assert cell.quality.value > 0.3


@pytest.mark.parametrize("mode", ENDINGS)
def test_an_ending_is_named_in_one_sentence(by_title, mode):
    status, words = ENDINGS[mode]
    outcome = by_title[f"faulty {mode}"].outcome
    assert outcome.status == status
    assert words in outcome.reason
    assert "\n" not in outcome.reason


@pytest.mark.parametrize("mode", ENDINGS)
def test_a_row_that_ended_has_no_speed(by_title, mode):
    assert by_title[f"faulty {mode}"].blocks == ()


def test_a_framework_that_dies_on_import_is_a_crash_while_loading(by_title):
    outcome = by_title["dies-on-import plain"].outcome
    assert outcome.status == "crashed"
    assert "SIGILL (illegal instruction) during `load`" in outcome.reason


@pytest.mark.parametrize("mode", ["segfaults", "reads-null", "leaves-child"])
def test_a_crash_keeps_the_stack_that_faulthandler_wrote(by_title, mode):
    details = by_title[f"faulty {mode}"].outcome.details
    assert "Fatal Python error: Segmentation fault" in details
    assert "envdoctor_faulty/trainer.py" in details


def test_a_failure_keeps_its_whole_traceback(by_title):
    details = by_title["faulty raises"].outcome.details
    assert details.startswith("Traceback")
    assert "and then said more" in details


def test_a_crash_after_the_first_steps_keeps_what_was_measured(by_title):
    cell = by_title["faulty crashes-late"]
    assert cell.certificate.same_work
    assert len(cell.launches[0].warmup_ns) == 20
    assert cell.blocks == ()


def test_a_loss_that_is_no_number_is_not_the_same_work(by_title):
    cell = by_title["faulty nan"]
    assert not cell.certificate.same_work
    assert cell.certificate.loss_error is None
    assert "loss" in cell.certificate.reason
    assert cell.blocks == ()


def test_a_gradient_a_millionth_too_long_is_seen_and_named(by_title):
    cell = by_title["faulty wrong-gradient"]
    assert not cell.certificate.same_work
    assert cell.certificate.gradient_name == "dense_1.bias"
    assert cell.certificate.gradient_error == pytest.approx(1e-6, rel=1e-3)
    assert cell.blocks == ()


def test_no_process_is_left(run, module_mark):
    assert module_mark.survivors() == []


@pytest.mark.parametrize("stranger", ["lost-trainer", "bad-environment"])
def test_a_backend_that_cannot_be_started_is_a_row_and_no_end(engine, cells, mark, stranger):
    run = engine(stranger, mark=mark, backends=("numpy", stranger))
    by_title = cells(run)
    assert by_title["numpy"].outcome.status == "ok"
    assert by_title[f"{stranger} plain"].outcome.status == "failed"
    assert by_title[f"{stranger} plain"].outcome.reason


def test_what_hangs_ends_at_the_limit_with_all_its_children(engine, cells, mark):
    run = engine(
        "faulty", mark=mark, seconds=20, backends=("faulty",), modes=("hangs", "hangs-deaf")
    )
    outcomes = [cell.outcome for cell in run.cells]
    assert [outcome.status for outcome in outcomes] == ["timed_out"] * 2
    for outcome in outcomes:
        assert "no answer to `steps` within 20 s" in outcome.reason
        assert "--worker-timeout" in outcome.hint
    assert mark.survivors() == []
