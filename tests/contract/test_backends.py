"""Every shipped backend, in each of its modes, through the kit that strangers run on theirs.

The first four backends are tried on all of it, but for one requirement on two families only. The
others are tried on the smallest family here, and on everything where the marker `long` is asked
for, because each takes minutes.
"""

from __future__ import annotations

import pytest

from envdoctor.bench.plan import Wishes, choose_rows
from envdoctor.plugins import load_plugins
from envdoctor.testing import REQUIREMENTS, conformance_cases

ROWS = choose_rows(load_plugins(strangers=False), Wishes()).rows
HERE = list(dict.fromkeys(row.backend.name for row in ROWS))
WHOLE = {
    "numpy",
    "torch eager",
    "torch compile",
    "tensorflow graph",
    "tensorflow xla",
    "jax jit",
}
"""The rows that have every layer."""
FIRST = ("numpy", "torch", "tensorflow", "jax")
OTHERS = [name for name in HERE if name not in FIRST]
SMALLEST = {"transformers": ("vit-tiny", ("eager",))}
"""Family and modes, where it is not mlp-tiny in all of them: it has no dense networks."""
BRIEFLY = ("record", "variables", "light", "syntax", "parity-fp32", "weights")
BESIDE_THE_POINT = {"numpy parity-fp64", "numpy rounding", "numpy steady", "torch eager steady"}
"""The only cases of these rows that show nothing: a skip proves nothing."""


def briefly(name):
    """What shows in every test run that a backend is whole."""
    family, modes = SMALLEST.get(name, ("mlp-tiny", ()))
    return conformance_cases(name, modes=modes, requirements=BRIEFLY, families=(family,))


ROUNDING = "rounding"
"""The one requirement that compiles every family once more."""
REST = tuple(each.name for each in REQUIREMENTS if each.name != ROUNDING)
CASES = [
    *conformance_cases(*FIRST, requirements=REST),
    # Norms, attention and a recurrence, where sums of few bits have gone wrong.
    *conformance_cases(*FIRST, requirements=(ROUNDING,), families=("lstm-tiny", "vit-tiny")),
    *(case for name in OTHERS for case in briefly(name)),
]
LONG = [
    *conformance_cases(*FIRST, requirements=(ROUNDING,)),
    *(conformance_cases(*OTHERS) if OTHERS else []),
]


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


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", LONG, ids=str)
def test_another_row_keeps_it_on_every_family(case):
    verdict = case.judge()
    assert verdict.status != "failed", verdict.detail
    if verdict.status == "not applicable":
        pytest.skip(verdict.detail)
