"""The section on the machine and on what was installed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.report import numbers
from envdoctor.report.html.elements import element, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run


def section(run: Run) -> Element:
    """The facts of the record, and who could not take part."""
    return element(
        "section",
        element("h2", "Environment"),
        _pairs(_machine(run)),
        element("h4", "Software"),
        _pairs(_software(run)),
        *_absent(run),
    )


def machine(run: Run) -> str:
    """The machine in a line."""
    cpu = run.facts.cpu
    threads = f"{run.plan.threads} thread{'s' * (run.plan.threads != 1)}"
    return ", ".join([cpu.model if cpu else "unknown processor", threads, *run.facts.gpus])


def _pairs(pairs: Iterable[tuple[str, str]]) -> Element:
    parts = [element(tag, text) for pair in pairs for tag, text in zip(("dt", "dd"), pair)]  # noqa: B905
    return element("dl", *parts)


def _machine(run: Run) -> Iterator[tuple[str, str]]:
    facts = run.facts
    if cpu := facts.cpu:
        quota = "" if cpu.quota is None else f", a quota of {cpu.quota:g}"
        allowed = f"{len(cpu.allowed)} of {cpu.logical} logical CPUs allowed{quota}"
        yield "processor", f"{cpu.model} ({allowed})"
    used = ", ".join(map(str, run.plan.cpus))
    yield "CPUs of the run", used
    if memory := facts.memory:
        limit = "" if memory.limit_bytes is None else f", limit {numbers.size(memory.limit_bytes)}"
        yield "memory", f"{numbers.size(memory.total_bytes)}{limit}"
    for gpu in facts.gpus:
        yield "GPU", gpu
    if system := facts.system:
        yield "system", f"{system.name} {system.release}, {system.architecture}"
        yield "Python of envdoctor", system.python
    for note in facts.notes:
        yield "not looked at", note


def _software(run: Run) -> Iterator[tuple[str, str]]:
    """Versions and variables of each row, once where all workloads agree."""
    seen = set()
    for cell in run.cells:
        versions = [f"{name} {version}" for name, version in cell.versions.items()]
        variables = [f"{name}={value}" for name, value in cell.environment.items()]
        interpreter = [f"by {cell.row.interpreter}"] if cell.row.interpreter else []
        text = " · ".join([*interpreter, *versions, *variables])
        if text and not cell.row.twin and (cell.row, text) not in seen:
            seen.add((cell.row, text))
            yield cell.row.title, text


def _absent(run: Run) -> Iterator[Element]:
    """The backends and plugins that could not take part."""
    items = [
        element(
            "li",
            element("strong", each.backend),
            f": {each.reason} ",
            element("code", each.remedy) if each.remedy else None,
        )
        for each in run.unavailable
    ]
    items += texts("li", (f"plugin {each.plugin}: {each.reason}" for each in run.broken_plugins))
    if items:
        yield element("h4", "Not compared")
        yield element("ul", *items, class_="remarks")
