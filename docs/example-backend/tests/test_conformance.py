"""Earns the certificate: one test for each requirement."""

from __future__ import annotations

import pytest
from envdoctor.testing import Case, conformance_cases


@pytest.mark.parametrize("case", conformance_cases("mine"), ids=str)
def test_conformance(case: Case) -> None:
    """A broken requirement fails, one that does not apply is skipped."""
    case.run()
