"""The list of requirements, in the order in which they cost: files first, then one worker's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from envdoctor.testing import (
    clock,
    files,
    proofs,
    record,
    refusals,
    resources,
    rounding,
    training,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.testing.subject import Subject


@dataclass(frozen=True)
class Requirement:
    """Something that every backend keeps."""

    name: str
    summary: str
    run: Callable[[Subject], str]
    """Returns what was shown, in a few words.

    Raises NotConforming or NotApplicable; WorkerEnded counts as one of them, by its outcome.
    """


REQUIREMENTS = (
    Requirement("record", "the record is complete and means what it says", record.is_complete),
    Requirement("variables", "the variables of the worker can be set", record.variables_are_valid),
    Requirement("light", "plugin.py imports no framework", files.plugin_is_light),
    Requirement("syntax", "child files are Python 3.9", files.syntax_is_old),
    Requirement(
        "parity-fp64",
        "every family does the same work as the reference, in float64",
        partial(proofs.is_certified, precision="fp64"),
    ),
    Requirement(
        "parity-fp32",
        "every family does the same work as the reference, in strict float32",
        partial(proofs.is_certified, precision="fp32"),
    ),
    Requirement(
        "rounding",
        "every reduced precision is off by what its rounding explains",
        rounding.explains_everything,
    ),
    Requirement("mutants", "deliberate faults show", proofs.faults_show),
    Requirement("weights", "weights come out as they went in", training.weights_are_kept),
    Requirement(
        "differentiate", "differentiating changes nothing", training.differentiating_is_pure
    ),
    Requirement("precision", "results have the asked precision", training.precision_is_kept),
    Requirement("training", "training follows the reference, falls, repeats", training.repeats),
    Requirement("outputs", "outputs cover every sample once", training.outputs_cover_all),
    Requirement("steady", "a warm step compiles nothing", clock.is_steady),
    Requirement("sync", "`wait` waits, twice the steps take twice the time", clock.sees_the_work),
    Requirement("refusals", "what it cannot do is Unsupported", refusals.are_told),
    Requirement("memory", "the peak grows with the model", resources.memory_moves),
    Requirement("threads", "it keeps to its threads", resources.threads_are_kept),
    Requirement("ending", "it ends when told and leaves nothing behind", resources.ends_cleanly),
)
