"""A mode that is proven through another one is held to float32 itself, as it is timed."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def by_title(engine, cells, module_mark):
    modes = ("plain", "honest", "false")
    return cells(engine("two-faced", mark=module_mark, backends=("two-faced",), modes=modes))


def test_the_mode_that_proves_is_proven_in_float64(by_title):
    certificate = by_title["two-faced plain"].certificate
    assert (certificate.tier, certificate.exact_through) == ("G64", "")
    assert certificate.gradient_error < 1e-12


def test_a_mode_proven_through_it_shows_its_own_errors(by_title):
    cell = by_title["two-faced honest"]
    assert cell.outcome.status == "ok"
    assert (cell.certificate.tier, cell.certificate.exact_through) == ("G32", "plain")
    assert 1e-9 < cell.certificate.gradient_error < 1e-4
    assert cell.certificate.optimizer == "as specified"
    assert cell.certificate.timed_loss_error < 1e-4
    assert cell.blocks


def test_a_timed_program_that_differs_from_what_was_proven_gets_no_speed(by_title):
    cell = by_title["two-faced false"]
    assert cell.outcome.status == "different"
    assert cell.outcome.reason.startswith("as it is timed: ")
    assert cell.certificate.gradient_error == pytest.approx(0.01, rel=0.01)
    assert not cell.blocks
