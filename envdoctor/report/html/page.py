"""The page: one file with everything in it, that fetches nothing and runs no script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor import __version__
from envdoctor.report.html import environment, folds, method, reproduce, side_by_side, workload
from envdoctor.report.html.elements import document, element
from envdoctor.report.html.theme import style
from envdoctor.report.remarks import summary
from envdoctor.report.table import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from envdoctor.model.run import Run

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""What the browser enforces: no request leaves the page, and no script runs in it."""
SHOWN_LINKS = 2
"""From so many workloads on, the page has a list of them."""


def page(runs: Sequence[Run]) -> str:
    """One or more runs as HTML.

    Raises:
        IncompleteError: the library that draws the charts is not installed.
    """
    title = "envdoctor report" if len(runs) > 1 else f"envdoctor report: {runs[0].id}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style()),
    )
    body = element(
        "body",
        _header(runs),
        side_by_side.section(runs) if len(runs) > 1 else None,
        *(part for i, run in enumerate(runs, start=1) for part in _run(run, i, len(runs))),
        method.section(runs[0]),
        element("footer", f"Made by envdoctor {__version__} from the raw blocks of the run file."),
    )
    return document(element("html", head, body, lang="en"))


def _header(runs: Sequence[Run]) -> Element:
    count = f"{len(runs)} runs" if len(runs) > 1 else "Benchmark report"
    return element(
        "header",
        element("h1", "Which framework is fast here" if len(runs) == 1 else "Runs compared"),
        element("p", f"{count} · {environment.machine(runs[0])}", class_="sub"),
        *(_origin(run) for run in runs),
        _links(runs),
    )


def _origin(run: Run) -> Element:
    state = "" if run.state == "finished" else f" · {run.state}: not all of it was done"
    date = run.started_at[:16].replace("T", " ")
    parts = (f"Run {run.id} of {date} UTC", run.plan.preset, f"envdoctor {run.envdoctor_version}")
    return element("p", f"{' · '.join(parts)}{state}", class_="sub")


def _links(runs: Sequence[Run]) -> Element | None:
    """Where the workloads are, if the page is long."""
    found = [
        (f"#{_name(number, place)}", f"{table.workload.name}{f' ({number})' * (len(runs) > 1)}")
        for number, run in enumerate(runs, start=1)
        for place, table in enumerate(tables(run), start=1)
    ]
    if len(found) < SHOWN_LINKS:
        return None
    items = [element("li", element("a", text, href=target)) for target, text in found]
    return element("nav", element("ul", *items), aria_label="Workloads")


def _name(run: int, place: int) -> str:
    """The identifier of a workload: never the name, which a stranger may have chosen."""
    return f"run-{run}-{place}"


def _run(run: Run, number: int, runs: int) -> Iterator[Element]:
    """The parts of a run: results, environment, and how to do it again."""
    found = tables(run)
    lines = summary(run)
    yield element(
        "section",
        element("h2", side_by_side.label(run, number) if runs > 1 else "Results"),
        element(
            "div", *(element("p", line[:1].upper() + line[1:]) for line in lines), class_="verdict"
        )
        if lines
        else None,
        element("p", "Nothing was measured in this run.") if not found else None,
        *(
            workload.section(run, table, _name(number, place))
            for place, table in enumerate(found, start=1)
        ),
    )
    if (validated := folds.section(run)) is not None:
        yield validated
    yield environment.section(run)
    yield reproduce.section(run)
