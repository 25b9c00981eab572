"""The conformance kit: what a backend must keep to earn its certificate, whoever wrote it.

From a shell: `python -m envdoctor.testing NAME`. From pytest:

    @pytest.mark.parametrize("case", conformance_cases("mine"), ids=str)
    def test_conformance(case):
        case.run()

The backends that ship with envdoctor go through the same cases.
"""

from __future__ import annotations

from envdoctor.testing.cases import Case, conformance_cases
from envdoctor.testing.requirements import REQUIREMENTS, Requirement
from envdoctor.testing.verdict import NotApplicable, NotConforming, Verdict

__all__ = [
    "REQUIREMENTS",
    "Case",
    "NotApplicable",
    "NotConforming",
    "Requirement",
    "Verdict",
    "conformance_cases",
]
