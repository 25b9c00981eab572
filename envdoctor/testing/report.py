"""A plain report: a line for each requirement, and whether the certificate is earned."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.testing.verdict import Verdict

STATUS_WIDTH = len("not applicable")


def line(verdict: Verdict, width: int) -> str:
    """`passed          weights        6 parameters`."""
    name = verdict.requirement.ljust(width)
    return f"  {verdict.status:<{STATUS_WIDTH}}  {name}  {verdict.detail}".rstrip()


def conclusion(verdicts: Sequence[Verdict]) -> str:
    """One sentence about one row."""
    counts = Counter(verdict.status for verdict in verdicts)
    earned = "earns no certificate" if counts["failed"] else "earns the certificate"
    told = [f"{counts[status]} {status}" for status in ("passed", "failed", "not applicable")]
    return f"{verdicts[0].row} {earned}: {', '.join(told)}."
