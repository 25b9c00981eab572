"""The same-work matrix in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from envdoctor.report import numbers
from envdoctor.report.grid import Column, draw
from envdoctor.report.table import STATUS_WORDS

if TYPE_CHECKING:
    from rich.console import Console

    from envdoctor.model.cell import Certificate
    from envdoctor.model.parity import Entry, Matrix


def show_matrix(matrix: Matrix, console: Console) -> None:
    """A table for each workload, a sentence for each difference."""
    for reference in matrix.references:
        entries = [entry for entry in matrix.entries if entry.workload == reference.workload]
        console.print(draw(_columns(entries), console.width, reference.workload))
        error = numbers.error(reference.finite_difference_error)
        console.print(Text(f"  reference: float64 gradients within {error} of finite differences."))
        for entry in entries:
            _explain(entry, console)
        console.print()
    for absent in matrix.unavailable:
        console.print(Text.assemble((absent.backend, "bold"), f": {absent.reason}"))
        console.print(Text(f"    {absent.remedy}", style="cyan"), soft_wrap=True)
    for broken in matrix.broken_plugins:
        console.print(Text(f"plugin left out: {broken.plugin}: {broken.reason}"))


def _columns(entries: list[Entry]) -> list[Column]:
    found = [entry.certificate for entry in entries]
    same = [_verdict(entry) for entry in entries]
    return [
        Column("backend", [entry.row.title for entry in entries], left=True),
        Column("precision", [entry.row.precision for entry in entries], left=True),
        Column("outputs", [_errors(c)[0] for c in found], rank=2),
        Column("gradients", [_errors(c)[1] for c in found]),
        Column("trajectory", [_errors(c)[2] for c in found], rank=3),
        Column("optimiser", [_form(c) for c in found], rank=1, left=True),
        Column(
            "same work",
            same,
            left=True,
            style="green",
            marked=frozenset(i for i, verdict in enumerate(same) if verdict != "yes"),
        ),
    ]


def _errors(certificate: Certificate | None) -> tuple[str, str, str]:
    """Of outputs, gradients and trajectory; empty without a certificate."""
    if certificate is None:
        return "", "", ""
    found = certificate.output_error, certificate.gradient_error, certificate.loss_error
    output, gradient, loss = ("none" if e is None else numbers.error(e) for e in found)
    return output, gradient, loss


def _form(certificate: Certificate | None) -> str:
    if certificate is None:
        return ""
    return "as specified" if certificate.optimizer == "as specified" else "another form"


def _verdict(entry: Entry) -> str:
    if entry.certificate is None:
        return STATUS_WORDS.get(entry.outcome.status, entry.outcome.status)
    return "yes" if entry.certificate.same_work else "NO"


def _explain(entry: Entry, console: Console) -> None:
    title = f"{entry.row.title} in {entry.row.precision}"
    if entry.certificate is None:
        console.print(Text(f"  {title}: {entry.outcome.reason}"))
    elif not entry.certificate.same_work:
        console.print(Text(f"  {title}: {entry.certificate.reason}"))
        cause = entry.certificate.cause
        known = f"likely cause: {cause}." if cause else "no known difference reproduces it."
        console.print(Text(f"    {known}", style="bold"))
