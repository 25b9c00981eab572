"""The steps of a probe, the same for every framework: each is announced, tried and judged.

A framework brings an object with the methods of `Exercises`; everything goes into it and comes out
of it as nested lists, so that neither NumPy nor the framework's own comparisons are trusted.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, Dict, List, Optional, Protocol, Tuple

from envdoctor.child import references
from envdoctor.child.references import Matrix, Problems

Report = Callable[[Dict[str, Any]], None]

EXACT = 1e-6
"""For integers: float32 holds them, and the sums of some algorithms for convolution round."""
ROUNDED = 1e-5
"""For an attention on the CPU, whose weights are fractions: a hundred times what was measured."""
ROUNDED_TO_FEW_BITS = 5e-3
"""For the same on other devices, which may round the weights to TF32 or bfloat16, by up to 2**-9,
before the product with the values."""
ALLOCATED_NUMBERS = 1 << 20
"""4 MiB of float32."""
LONGEST_MESSAGE = 2000


class Exercises(Protocol):
    """What a framework must be able to do; making one imports the framework."""

    def details(self) -> Dict[str, str]:
        """What the framework says of itself without a look at any device: `version`, `cuda`,
        `architectures`, `threads`.
        """
        ...

    def devices(self) -> List[str]:
        """Every device that it could compute on, `cpu` first."""
        ...

    def why_no_gpu(self) -> str:
        """Why no GPU is among the devices, in the framework's words; empty if it does not say."""
        ...

    def use(self, device: str) -> None:
        """Compute on this device from now on."""
        ...

    def allocate(self, numbers: int) -> float:
        """The sum of this many ones that lie on the device."""
        ...

    def matmul(self, left: Matrix, right: Matrix) -> Any:
        """The matrix product in float32."""
        ...

    def convolution(self, image: Matrix, kernel: Matrix) -> Any:
        """A convolution of one channel without padding."""
        ...

    def attention(self, query: Matrix, key: Matrix, value: Matrix) -> Any:
        """One head of scaled dot-product attention."""
        ...

    def gradient(self, inputs: Matrix, weights: Matrix, targets: Matrix) -> Any:
        """The gradient of half the sum of squared differences of a linear layer."""
        ...


class Steps:
    """Tries one thing after another; what fails is reported and does not stop the next."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def make(self, name: str, attempt: Callable[[], Any], **facts: Callable[[Any], Any]) -> Any:
        """What an attempt gives, or None if it fails; with facts that are derived from it."""
        self._report({"begins": name})
        start = time.perf_counter()
        try:
            made = attempt()
            found = {key: derive(made) for key, derive in facts.items()}
        except BaseException as error:  # noqa: BLE001  a framework may raise SystemExit
            self._report(_failure(name, error))
            return None
        seconds = time.perf_counter() - start
        self._report({"name": name, "passed": True, "seconds": seconds, **found})
        return made

    def compare(self, name: str, attempt: Callable[[], Any], known: Matrix, within: float) -> None:
        """Whether an attempt gives the known numbers, within a relative difference."""
        self._report({"begins": name})
        start = time.perf_counter()
        try:
            error = references.largest_error(attempt(), known)
        except BaseException as problem:  # noqa: BLE001
            self._report(_failure(name, problem))
            return
        seconds = time.perf_counter() - start
        passed, message = error <= within, ""
        if not passed:
            message = f"{name} differs from the known numbers by {error:.3g}, relative; "
            message += f"{within:g} is what rounding explains"
        # JSON has no infinity.
        error = min(error, sys.float_info.max)
        step = {"name": name, "passed": passed, "seconds": seconds, "error": error}
        self._report({**step, "message": message})


def exercise(make: Callable[[], Exercises], report: Report, device: Optional[str]) -> None:
    """Import a framework and list its devices; or, with a device, exercise that one.

    Where the CPU is the only device it is exercised at once: importing again takes longer.

    Args:
        make: imports the framework and gives its exercises.
        report: takes each report, as `envdoctor.child.probe` describes it.
        device: one of those that it lists; None to list them.
    """
    steps = Steps(report)
    subject = steps.make("import", make, details=_details)
    if subject is None:
        return
    if device is None:
        found = steps.make(
            "devices", subject.devices, devices=list, details=lambda found: _outlook(subject, found)
        )
        if found != ["cpu"]:
            return
        device = "cpu"
    if steps.make("use", lambda: subject.use(device) or True) is None:
        return
    rounded = ROUNDED if device == "cpu" else ROUNDED_TO_FEW_BITS
    for name, attempt, known in _comparisons(subject, Problems()):
        steps.compare(name, attempt, known, rounded if name == "attention" else EXACT)


def _comparisons(
    subject: Exercises, given: Problems
) -> List[Tuple[str, Callable[[], Any], Matrix]]:
    """Each step with what to try and the right answer."""
    matrices = (given.left, given.right)
    images = (given.image, given.kernel)
    sequences = (given.query, given.key, given.value)
    layer = (given.inputs, given.weights, given.targets)
    total = [[float(ALLOCATED_NUMBERS)]]
    return [
        ("allocate", lambda: subject.allocate(ALLOCATED_NUMBERS), total),
        ("matmul", lambda: subject.matmul(*matrices), references.product(*matrices)),
        ("convolution", lambda: subject.convolution(*images), references.convolution(*images)),
        ("attention", lambda: subject.attention(*sequences), references.attention(*sequences)),
        ("gradient", lambda: subject.gradient(*layer), references.gradient(*layer)),
    ]


def _outlook(subject: Exercises, devices: List[str]) -> Dict[str, str]:
    """The devices in words, and why there is nothing but the CPU."""
    why = subject.why_no_gpu() if devices == ["cpu"] else ""
    return {"devices": " ".join(devices), "no_gpu": why[:LONGEST_MESSAGE]}


def _details(subject: Exercises) -> Dict[str, str]:
    return {key: str(text) for key, text in subject.details().items()}


def _failure(name: str, error: BaseException) -> Dict[str, Any]:
    try:
        words = str(error)
    except Exception:  # noqa: BLE001  even that is the framework's code
        words = "it does not say what"
    message = f"{type(error).__name__}: {words}"[:LONGEST_MESSAGE]
    return {"name": name, "passed": False, "message": message}
