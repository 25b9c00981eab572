"""The plan of the smoke test, as data: which commands, in which order, with how much time.

What is worth most comes first, and what takes long last. A step may use its own share of the time
and all that the steps before it have left; one that would not have its least is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICE = "cuda"
PRECISIONS = ("fp32", "tf32", "bf16")
MODES = {"torch": "eager", "jax": "jit"}
"""What a step needs no minute to compile; `torch.compile` has a step of its own."""
WHOLE_MINUTES = 8.0
"""What the seconds of the steps were chosen for."""
MEASURING_SHARE = 0.6
"""Of a step's time, after which a bench begins no more rounds; the rest is for what it began."""


@dataclass(frozen=True)
class Step:
    """One command of envdoctor, in a process of its own."""

    name: str
    """Of its files."""
    title: str
    """What it is to show."""
    kind: str
    """Which of the readers understands its result: `check`, `parity` or `bench`."""
    arguments: tuple[str, ...]
    """For `envdoctor`; `{result}` is the file to write, `{seconds}` when to stop measuring."""
    share_seconds: float
    """Of a round of eight minutes."""
    least_seconds: float
    """With less it is not begun."""


def steps(backends: Sequence[str]) -> tuple[Step, ...]:
    """The steps for the frameworks that are there, one of torch and jax at least."""
    rows = [word for name in backends for word in ("--backend", name)]
    modes = [word for name in backends for word in ("--mode", MODES[name])]
    first = backends[0]
    one_row = ["--backend", first, "--mode", MODES[first]]
    found = [
        Step(
            "check",
            "every framework on every device",
            "check",
            ("check", "--deep", "--format", "json", "--output", "{result}"),
            share_seconds=40.0,
            least_seconds=10.0,
        ),
        Step(
            "parity",
            "the parity gate in strict fp32 on the GPU",
            "parity",
            (
                *("parity", "mlp-tiny", "cnn-tiny", "transformer-tiny", "--device", DEVICE),
                *("--quiet", "--format", "json", *rows, *modes),
            ),
            share_seconds=70.0,
            least_seconds=20.0,
        ),
        _bench("mlp-small", [*rows, *modes], 75.0, 25.0),
        _bench("cnn-small", [*rows, *modes], 75.0, 25.0),
        _bench("transformer-small", [*rows, *modes], 95.0, 40.0),
        _bench("mlp-base", [*rows, *modes], 75.0, 30.0),
        _bench("cnn-base", [*rows, *modes], 40.0, 40.0),
        # One row of a workload that was proven above: idling and three repeats of ten seconds.
        _bench("mlp-small", [*one_row, "--energy"], 0.0, 75.0, "energy", ("fp32",)),
    ]
    if "torch" in backends:
        compiled = ["--backend", "torch", "--mode", "compile"]
        found.append(_bench("mlp-small", compiled, 0.0, 60.0, "compile"))
    # The reference takes a step of 7 TFLOP some thirty times, in float64 and on the CPU.
    found.append(_bench("transformer-base", [*rows, *modes], 0.0, 900.0))
    return tuple(found)


def limits(plan: Sequence[Step], index: int, elapsed_seconds: float, whole_seconds: float) -> float:
    """How long a step may take: to the end of its share, or 0 if that is less than its least.

    Args:
        plan: all steps.
        index: of the step in the plan.
        elapsed_seconds: since the first step began.
        whole_seconds: for all steps together.
    """
    shares = sum(step.share_seconds for step in plan)
    until = sum(step.share_seconds for step in plan[: index + 1]) / shares * whole_seconds
    left = until - elapsed_seconds
    return left if left >= plan[index].least_seconds else 0.0


def arguments(step: Step, result: str, seconds: float) -> list[str]:
    """The arguments of a step that may take so long."""
    measuring = f"{max(1.0, MEASURING_SHARE * seconds):.0f}"
    values = {"{result}": result, "{seconds}": measuring}
    return [values.get(word, word) for word in step.arguments]


def _bench(
    workload: str,
    rows: Sequence[str],
    share_seconds: float,
    least_seconds: float,
    suffix: str = "",
    precisions: Sequence[str] = PRECISIONS,
) -> Step:
    wanted = [word for each in precisions for word in ("--precision", each)]
    return Step(
        f"{workload}-{suffix}" if suffix else workload,
        f"{workload} in {', '.join(precisions)}" + (f", {suffix}" if suffix else ""),
        "bench",
        (
            *("bench", workload, "--quick", "--quiet", "--device", DEVICE, *rows, *wanted),
            *("--time-limit", "{seconds}", "--save", "{result}"),
        ),
        share_seconds,
        least_seconds,
    )
