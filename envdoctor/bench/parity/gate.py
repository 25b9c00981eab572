"""The gate itself: from evidence to a certificate, or to a reason and a cause."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

from envdoctor.bench.parity.compare import G32, TIERS, Comparison, as_near_as, compare
from envdoctor.bench.parity.diagnosis import Side, explain, find_cause, first_differing_layer
from envdoctor.bench.parity.evidence import Evidence, Task, collect
from envdoctor.bench.parity.optimizer_probe import ADAMW, SGD, SPECIFIED, Verdict, probe
from envdoctor.model.cell import Certificate
from envdoctor.model.outcome import Outcome
from envdoctor.target.channel import WorkerEnded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.bench.parity.compare import Tier
    from envdoctor.child.setting import Setting


@dataclass(frozen=True)
class Optimizers:
    """What the probe found for each optimiser."""

    adamw: Verdict
    sgd: Verdict

    def describe(self) -> str:
        """`as specified`, or which optimiser has which other form."""
        wrong = [
            f"{name}: {verdict.form}"
            for name, verdict in (("AdamW", self.adamw), ("SGD", self.sgd))
            if not verdict.conforms
        ]
        return "; ".join(wrong) or SPECIFIED


def probe_optimizers(subject: Side) -> Optimizers:
    """Probe both optimisers of a subject."""
    return Optimizers(
        adamw=probe(subject.subject, subject.setting, ADAMW),
        sgd=probe(subject.subject, subject.setting, SGD),
    )


def certify(
    suspect: Side, oracle: Side, task: Task, expected: Evidence, optimizers: Optimizers
) -> Certificate:
    """Let a subject do the task, compare with the oracle's evidence, and explain a difference.

    Args:
        suspect: what is to be certified.
        oracle: the reference in float64; asked only if the suspect fails.
        task: the gate's work on a workload.
        expected: the oracle's evidence for it.
        optimizers: what the probe found for the suspect.

    Raises:
        WorkerEnded: a worker died or failed; there is no certificate then, and no verdict.
    """
    tier = TIERS[suspect.setting.precision]
    found = collect(suspect.subject, task, suspect.setting)
    comparison = compare(found, expected, tier)
    reason, cause = "", ""
    if not comparison.meets(tier):
        layer = ""
        if isfinite(comparison.output_error) and comparison.output_error > tier.output:
            layer = _first_layer(suspect, oracle, task, tier)
        reason = explain(comparison, tier, layer)
        cause = find_cause(found, oracle, task, tier)
    elif optimizers.describe() != SPECIFIED:
        reason, cause = "the optimiser has another form.", optimizers.describe()
    return _certificate(comparison, suspect.setting, optimizers, (reason, cause))


def _first_layer(suspect: Side, oracle: Side, task: Task, tier: Tier) -> str:
    try:
        return first_differing_layer(suspect, oracle, task, tier)
    except WorkerEnded as ended:
        if ended.outcome.status != "unsupported":
            raise
        return ""  # a model that is only to be had whole has no beginnings to compare


def certify_timed(found: Evidence, oracle: Side, task: Task) -> Certificate:
    """Judge what the timed program shows of itself by strict float32, or by the reference's own.

    Args:
        found: its outputs and gradients at the weights of the task; no training run.
        oracle: the reference in float64.
        task: the same work, without steps.
    """
    exact = collect(oracle.subject, task, oracle.setting)
    comparison = compare(found, exact, G32)
    reason = cause = ""
    if not comparison.meets(G32):
        single = replace(oracle.setting, precision="fp32")
        reference = compare(collect(oracle.subject, task, single), exact, G32)
        if not as_near_as(comparison, reference, G32):
            reason = f"as it is timed: {explain(comparison, G32, '')}"
            cause = find_cause(found, oracle, task, G32)
    return Certificate(
        same_work=not reason,
        tier="G32",
        output_error=finite(comparison.output_error),
        gradient_error=finite(comparison.worst_gradient[1]),
        gradient_name=comparison.worst_gradient[0],
        loss_error=finite(comparison.loss_error),
        reason=reason,
        cause=cause,
    )


def _certificate(
    comparison: Comparison,
    setting: Setting,
    optimizers: Optimizers,
    why: tuple[str, str],
) -> Certificate:
    name, gradient_error = comparison.worst_gradient
    return Certificate(
        same_work=not why[0],
        tier="G64" if setting.precision == "fp64" else "G32",
        output_error=finite(comparison.output_error),
        gradient_error=finite(gradient_error),
        gradient_name=name,
        loss_error=finite(comparison.loss_error),
        optimizer=optimizers.describe(),
        reason=why[0],
        cause=why[1],
    )


def refuse(certificate: Certificate) -> Outcome:
    """The outcome of a row that does other work: its speed would mean nothing."""
    cause = f"Likely cause: {certificate.cause}." if certificate.cause else ""
    return Outcome(status="different", reason=certificate.reason, hint=cause)


def finite(value: float) -> float | None:
    """A number, or None where there is none: a record holds no infinity."""
    return value if isfinite(value) else None


def gate_precision(precisions: Sequence[str]) -> str:
    """The precision in which a backend is certified: float64 where it can."""
    return "fp64" if "fp64" in precisions else "fp32"
