"""How much of the machine's practical peak a row uses, and when that cannot be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envdoctor.model.run import Ceiling, WorkloadRecord

TOLERANCE = 1.10
"""A row is refused above this share of the ceiling.

The ceiling is a measurement too: the search for its size may stop 3 % short of the best one, and
the clock and the neighbours of a machine change by some percent between that measurement and the
row's blocks. What the limit is there for is not a matter of percents: a step that was not waited
for, that skipped work or ran in a reduced precision is off by a factor.
"""


def utilisation(record: WorkloadRecord, step_seconds: float, ceiling: Ceiling) -> float:
    """The workload's operations per second over those of the fastest product: 1 is the peak.

    The operations are the workload's own count, the same for all rows: matrix products and
    convolutions, forward and backward, 2 per multiply-add. This is "of practical GEMM peak", not
    the MFU of Chowdhery et al. 2022 (arXiv 2204.02311, appendix B), which divides by the number
    of a data sheet. Only for rows on the ceiling's device, in its precision.

    Args:
        record: the workload; its batch and its training operations per sample count.
        step_seconds: of one training step; positive.
        ceiling: what the machine reached in the same run.
    """
    return record.training_flops * record.batch / step_seconds / ceiling.flops_per_second


def refusal(record: WorkloadRecord, step_seconds: float, ceiling: Ceiling) -> str:
    """Why a step time cannot be true, in a sentence; empty if it can.

    A convolution may honestly need fewer multiplications than are counted, by up to 2.25 times in
    Winograd's F(2x2, 3x3) and 4 times in F(4x4, 3x3) (Lavin and Gray 2015, arXiv 1509.09308). It
    would have to run near the peak of matrix products to be refused for it.
    """
    share = utilisation(record, step_seconds, ceiling)
    if share <= TOLERANCE:
        return ""
    return (
        f"its steps would take {share:.0%} of the practical GEMM peak, "
        f"{ceiling.flops_per_second / 1e9:.4g} GFLOP/s by {ceiling.backend}: "
        "wrong precision, skipped work or a wait that does not wait"
    )
