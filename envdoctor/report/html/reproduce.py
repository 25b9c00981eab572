"""How to do a run again: what to install, and the command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envdoctor.report.html.elements import element
from envdoctor.statistics.ranking import precisions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run

PRESETS = {"quick": "--quick", "rigorous": "--rigorous"}
"""The options of the presets that are not the default."""


def section(run: Run) -> Element:
    """The commands, and by what the inputs can be told to be the same."""
    own = [record.name for record in run.workloads if record.size == "custom"]
    custom = (
        f"{', '.join(own)} came from a file of its author: give its path in place of the name."
        if own
        else None
    )
    hashes = [
        element("tr", *(element("td", text, class_="words") for text in texts))
        for record in run.workloads
        for texts in [
            (record.name, record.data_set, record.workload_sha256[:12], record.data_sha256[:12],
             record.weights_sha256[:12], record.batches_sha256[:12])
        ]
    ]  # fmt: skip
    headings = ("workload", "data set", "description", "data", "weights", "batches")
    head = element("tr", *(element("th", text, class_="words") for text in headings))
    table = element("table", element("thead", head), element("tbody", *hashes))
    return element(
        "section",
        element("h2", "Do it again"),
        element("pre", element("code", "\n".join(commands(run)))),
        element("p", custom) if custom else None,
        element(
            "p",
            "The inputs are the same if these hashes (SHA-256, first 12 digits) are; weights and "
            "batches follow from the seed.",
        ),
        element("div", table, class_="scroll"),
    )


def commands(run: Run) -> Iterator[str]:
    """The lines of a shell, first what installs the same versions."""
    wanted = sorted(
        {
            f"{name}=={version.partition('+')[0]}"
            for cell in run.cells
            for name, version in cell.versions.items()
            if name != "python" and version
        }
    )
    yield shlex.join(["python", "-m", "pip", "install", f"envdoctor=={run.envdoctor_version}"])
    if wanted:
        yield shlex.join(["python", "-m", "pip", "install", *wanted])
    yield shlex.join(["envdoctor", "bench", *_arguments(run)])


def _arguments(run: Run) -> Iterator[str]:
    plan = run.plan
    yield from plan.workloads
    for backend in dict.fromkeys(row.backend for row in plan.rows):
        yield from ("--backend", backend)
    # Always: the record does not say which other modes a backend had to offer.
    for mode in dict.fromkeys(row.mode for row in plan.rows):
        yield from ("--mode", mode)
    for device in dict.fromkeys(row.device for row in plan.rows if row.device != "cpu"):
        yield from ("--device", device)
    if precisions(run) != ("fp32",):
        for precision in precisions(run):
            yield from ("--precision", precision)
    yield from ("--threads", str(plan.threads), "--seed", str(plan.seed))
    if plan.preset in PRESETS:
        yield PRESETS[plan.preset]
    if plan.folds is not None:
        yield from ("--folds", str(plan.folds))
