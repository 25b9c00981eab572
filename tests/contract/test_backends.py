"""Every shipped backend, in each of its modes, through the kit that strangers run on theirs."""

from __future__ import annotations

import pytest

from envdoctor.bench.plan import Wishes, choose_rows
from envdoctor.plugins import load_plugins
from envdoctor.testing import conformance_cases

ROWS = choose_rows(load_plugins(strangers=False), Wishes()).rows
CASES = conformance_cases(*dict.fromkeys(row.backend.name for row in ROWS))
WHOLE = {
    "numpy",
    "torch eager",
    "torch compile",
    "tensorflow graph",
    "tensorflow xla",
    "jax jit",
}
"""The rows that have every layer."""
BESIDE_THE_POINT = {"numpy parity-fp64", "numpy steady", "torch eager steady"}
"""The only cases of these rows that show nothing: a skip proves nothing."""


def test_the_whole_rows_are_here():
    # Without this the file could pass by testing nothing.
    assert {case.row for case in CASES} >= WHOLE


@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_row_keeps_what_every_backend_must(case):
    verdict = case.judge()
    assert verdict.status != "failed", verdict.detail
    if case.row in WHOLE:
        shown = verdict.status == "passed" and "it refuses" not in verdict.detail
        assert shown or str(case) in BESIDE_THE_POINT, verdict.detail
    elif verdict.status == "not applicable":
        pytest.skip(verdict.detail)
