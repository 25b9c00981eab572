"""The page as readers see it: drawn by a browser, at two widths, in light, in dark and on paper."""

from __future__ import annotations

import base64
import runpy
import struct
from pathlib import Path

import pytest
from msgspec import structs

pytest.importorskip("vl_convert", reason="vl-convert-python is not installed: envdoctor[report]")

from envdoctor.model.cell import Metric, Progress
from envdoctor.report.html import page
from envdoctor.report.table import members, tables

made = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))["made_run"]
SCRIPT = "a </script></title><script>document.title='taken'</script>"
NINE_ROWS = {f"backend {number}": number * 1e-4 for number in range(2, 11)}
RIGHT_TO_LEFT = "\u05d0\u05d1 \u202edlrow"


@pytest.fixture(scope="session")
def real_page(real_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "real.html"
    path.write_text(page([real_run]), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory):
    """Two runs whose rows, workload and facts were named by somebody who means no good."""
    steps = {"numpy": 4e-4, f"torch {SCRIPT}": 1e-3, f"jax {RIGHT_TO_LEFT}": 2e-4}
    runs = [
        structs.replace(made(steps, seed=seed, launches=1, rounds=8), id=f"<b>{seed}</b>")
        for seed in (1, 2)
    ]
    path = tmp_path_factory.mktemp("page") / "hostile.html"
    path.write_text(page(runs), encoding="utf-8")
    return path


def taught(run):
    """The run with forty points of a training in each row, ten of them with a result."""
    points = tuple(
        Progress(
            step=11 * turn,
            training_seconds=11 * turn * 1e-3,
            loss=2.3 / turn + 0.012345678901234 * (turn % 3),
            test_value=None if turn % 4 else 1 - 0.9 / turn,
            test_loss=None if turn % 4 else 2.4 / turn,
        )
        for turn in range(1, 41)
    )
    metrics = tuple(Metric(name=name, value=0.9) for name in ("precision", "recall", "f1"))
    cells = [
        cell
        if cell.row.twin
        else structs.replace(
            cell, history=points, quality=structs.replace(cell.quality, metrics=metrics)
        )
        for cell in run.cells
    ]
    return structs.replace(run, cells=tuple(cells))


@pytest.fixture(scope="session")
def large_page(tmp_path_factory):
    """Nine rows on three workloads, each with all that a row can have."""
    run = taught(made(NINE_ROWS, workloads=("one", "two", "three"), twin="backend 4"))
    path = tmp_path_factory.mktemp("page") / "large.html"
    path.write_text(page([run]), encoding="utf-8")
    return path


@pytest.fixture
def visit(browser):
    """Opens a file; at the end, nothing may have been asked of the network or complained of."""
    contexts, asked, said = [], [], []

    def visit(path, width=1440, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(path.as_uri())
        return tab

    yield visit
    for context in contexts:
        context.close()
    assert all(url.startswith("file://") for url in asked)
    assert said == []


def marks(tab, chart, layer):
    """How many marks of a layer each drawing of a chart has."""
    figures = tab.locator(f"figure[data-chart={chart}]").all()
    inner = f".{layer}_marks > *"
    return [figure.locator(inner).count() for figure in figures]


def test_every_chart_is_there_with_its_marks(visit, real_page, real_run):
    tab = visit(real_page)
    found = tables(real_run)
    rows = [len(table.lines) for table in found]
    assert rows[0] >= 4
    assert marks(tab, "throughput", "bars") == rows
    assert marks(tab, "throughput", "intervals") == rows
    assert marks(tab, "start", "parts") == [4 * count for count in rows]
    assert marks(tab, "memory", "parts") == [2 * count for count in rows]
    assert marks(tab, "peak", "shares") == rows
    assert marks(tab, "quality", "values") == rows
    assert marks(tab, "quality", "gate") == [1] * len(found)
    tests = [sum(_tests(line.cell) for line in table.lines) for table in found]
    assert min(tests) > 0
    assert marks(tab, "progress", "values") == tests
    assert marks(tab, "progress", "lines") == rows
    assert marks(tab, "progress", "gate") == [1] * len(found)
    proven = [sum(each.certificate is not None for each in members(real_run, t)) for t in found]
    assert marks(tab, "parity", "cells") == [4 * count for count in proven]
    assert marks(tab, "break-even", "lines") == rows
    losses = [sum(len(line.cell.history) for line in table.lines) for table in found]
    assert min(losses) > 0
    assert marks(tab, "losses", "losses") == losses
    assert marks(tab, "losses", "lines") == rows
    kept = [
        sum(turn.kept for turn in real_run.rounds if turn.workload == table.workload.name)
        for table in found
    ]
    strips = [1 + (len(table.lines) - 1) * (table.ranking.leader is not None) for table in found]
    dots = [count * strip for count, strip in zip(kept, strips, strict=True)]
    assert marks(tab, "rounds", "rounds") == dots


def _tests(cell):
    return sum(point.test_value is not None for point in cell.history)


def test_a_run_without_histories_has_the_first_losses_and_says_so(visit, real_run, tmp_path):
    cells = tuple(structs.replace(cell, history=()) for cell in real_run.cells)
    path = tmp_path / "old.html"
    path.write_text(page([structs.replace(real_run, cells=cells)]), encoding="utf-8")
    tab = visit(path)
    found = tables(real_run)
    losses = [sum(len(line.cell.first_losses) for line in table.lines) for table in found]
    assert marks(tab, "losses", "losses") == losses
    assert marks(tab, "progress", "values") == [0] * len(found)
    said = tab.locator("figure[data-chart=progress] .absent").first.inner_text()
    assert said == "The run holds no results from during the training."


def test_nine_rows_on_three_workloads_have_all_their_curves(visit, large_page):
    tab = visit(large_page, 390)
    assert marks(tab, "losses", "losses") == [9 * 40] * 3
    assert marks(tab, "progress", "values") == [9 * 10] * 3
    assert marks(tab, "progress", "lines") == [9] * 3
    assert marks(tab, "rounds", "rounds") == [9 * 36] * 3  # against the fastest, and the twin
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tip = tab.locator("figure[data-chart=progress] .values_marks title").first.text_content()
    assert tip.endswith(" % after 44.0 ms, 44 steps")


def test_the_further_measures_are_a_table_of_all_rows(visit, large_page):
    tab = visit(large_page)
    found = tab.locator("[aria-label='Further measures of two']")
    assert found.locator("tbody tr").count() == 9
    assert found.locator("th").all_inner_texts() == ["backend", "precision", "recall", "F1"]


def test_the_table_has_all_rows_and_the_verdict_is_first(visit, real_page, real_run):
    tab = visit(real_page)
    first = tables(real_run)[0]
    table = tab.get_by_role("region", name=f"Results of {first.workload.name}")
    assert table.locator("tbody tr").count() == len(first.lines)
    assert tab.locator("#run-1-1 .verdict").inner_text() == first.remarks[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_window(visit, hostile_page, real_page, width, scheme):
    for path in (real_page, hostile_page):
        tab = visit(path, width, scheme)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        small = tab.evaluate(
            "[...document.querySelectorAll('figure svg')].map(e => e.getBoundingClientRect()"
            ".width / e.viewBox.baseVal.width)"
        )
        assert min(small) > 0.72  # of type of 12 pixels


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_of_charts_follow_the_scheme(visit, real_page, scheme):
    tab = visit(real_page, scheme=scheme)
    read = "e => { const s = getComputedStyle(e); return [s.fill, s.backgroundColor] }"
    ink = tab.locator("figure .role-axis-label text").first.evaluate(read)[0]
    ground = tab.locator("body").evaluate(read)[1]
    assert contrast(ink, ground) > 7
    bars = tab.locator("figure[data-chart=throughput] .bars_marks > *").evaluate_all(
        "all => all.map(e => getComputedStyle(e).fill)"
    )
    assert all(contrast(bar, ground) >= 3 for bar in bars)


def test_on_paper_it_is_light_and_whole(visit, real_page):
    tab = visit(real_page, scheme="dark")
    tab.emulate_media(media="print")
    ground = tab.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert not tab.locator("nav").is_visible()


def test_names_of_strangers_are_shown_and_do_nothing(visit, hostile_page):
    tab = visit(hostile_page)
    assert tab.title() == "envdoctor report"
    assert tab.locator("script").count() == 0
    assert tab.locator("b").count() == 0
    shown = tab.locator("body").inner_text()
    assert SCRIPT in shown
    assert "\u202e" not in shown
    assert "<U+202E>" in shown


def test_runs_stand_side_by_side(visit, hostile_page):
    tab = visit(hostile_page)
    assert marks(tab, "speeds", "bars") == [6]
    assert tab.locator("#side-by-side table tbody tr").count() == 3


def test_it_is_small_enough_to_send(real_page, hostile_page, large_page):
    for path in (real_page, hostile_page, large_page):
        assert path.stat().st_size < 2_000_000


def contrast(one, other):
    """The ratio of luminances as WCAG 2.2 defines it."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour):
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_readme_shows_the_top_of_the_page(browser, real_run):
    script = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "readme.py"))
    data = script["picture"](real_run, browser)
    width, height = struct.unpack(">II", data[16:24])
    assert width == script["WIDTH_PIXELS"]
    assert 700 < height < 2000  # down to the first charts, and not all of the page
    image = browser.new_page()
    loaded = image.evaluate(
        """async source => {
            const image = new Image();
            image.src = source;
            await image.decode();
            return image.naturalHeight;
        }""",
        f"data:image/png;base64,{base64.b64encode(data).decode()}",
    )
    image.close()
    assert loaded == height  # the text in it has not damaged it
    assert real_run.id.encode() in data
