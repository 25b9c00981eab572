"""Writes what the README shows of a run: its tables, and a picture of its page.

    python benchmarks/readme.py RUN     take this run file from now on
    python benchmarks/readme.py         make everything again from the run that is kept

The run is kept, compressed, beside this script; a test holds the README to it. The picture is the
top of the page of `envdoctor report`, light, as Chromium draws it: the verdict, the table and the
first charts of the first workload. It takes envdoctor[report], Playwright, and a Chromium: the
machine's own or Playwright's.
"""

from __future__ import annotations

import gzip
import re
import shutil
import sys
import tempfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.errors import InputError
from envdoctor.model import codec
from envdoctor.report import markdown
from envdoctor.report.table import tables

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from envdoctor.model.run import Run
    from envdoctor.report.table import Table

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
KEPT = Path(__file__).with_name("readme_run.json.gz")
PICTURE = ROOT / "docs" / "picture-of-the-page.png"

MARKED = re.compile(r"(?<=<!-- table:begin -->\n).*?(?=<!-- table:end -->)", re.DOTALL)
COMMANDS = {
    "quick": "`make bench` (`envdoctor bench --quick`)",
    "default": "`envdoctor bench`",
    "rigorous": "`envdoctor bench --rigorous`",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH_PIXELS = 1280
MARGIN_PIXELS = 24
MOST_PICTURE_BYTES = 350_000
ONLY_FIRST_CHARTS = """() => {
    const charts = [...document.querySelectorAll(".charts")[0].children];
    const top = charts[0].getBoundingClientRect().top;
    const first = charts.filter(each => each.getBoundingClientRect().top === top);
    charts.filter(each => !first.includes(each)).forEach(each => each.remove());
    return Math.max(...first.map(each => each.getBoundingClientRect().bottom)) + window.scrollY;
}"""
"""Leaves of the charts those that begin each column, so that none is cut off; says where they end.
"""
RUN_KEY = "run"
"""The word in the picture under which the id of its run stands."""
_SIGNATURE_AND_HEADER_BYTES = 33
"""Of every PNG file: 8, and 25 of the chunk that says how large the picture is."""


def main(arguments: list[str]) -> None:
    """Take a run file, if one is given; then write the tables and the picture."""
    if arguments:
        run = codec.read(Path(arguments[0]))
        KEPT.write_bytes(gzip.compress(codec.encode(run), mtime=0))
    run = kept_run()
    text = README.read_text(encoding="utf-8")
    README.write_text(MARKED.sub(lambda _: block(run), text), encoding="utf-8")
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        PICTURE.write_bytes(picture(run, browser))
        browser.close()


def kept_run() -> Run:
    """The run that the README shows."""
    return codec.decode(gzip.decompress(KEPT.read_bytes()), str(KEPT))


def block(run: Run) -> str:
    """All that stands between the markers."""
    found = tables(run)
    parts = [_origin(run, found), *map(_table, found), _picture_link(run)]
    return "\n\n".join(parts) + "\n"


def _origin(run: Run, found: tuple[Table, ...]) -> str:
    """What was run, where and when, and what the noise of that machine allows to say."""
    cpu, memory, system = run.facts.cpu, run.facts.memory, run.facts.system
    parts = [
        COMMANDS.get(run.plan.preset, "`envdoctor bench`"),
        _day(run.started_at),
        f"{cpu.model}, {run.plan.threads} CPUs" if cpu else "",
        f"{memory.total_bytes / 1e9:.0f} GB" if memory else "",
        f"{system.name} {system.architecture}, Python {system.python}" if system else "",
    ]
    where = ", ".join(part for part in parts if part)
    link = KEPT.relative_to(ROOT).as_posix()
    return f"{where} ([raw data]({link})). {_noise(found)}".rstrip()


def _day(moment: str) -> str:
    day = datetime.fromisoformat(moment)
    return f"{day.day} {day:%B %Y}"


def _noise(found: tuple[Table, ...]) -> str:
    """Which workloads have no ranks, and why their columns are empty."""
    unranked = [table for table in found if table.lines and not table.ranking.rankable]
    if not unranked:
        return ""
    names = " and ".join(table.workload.name for table in unranked)
    on = "" if len(unranked) == len(found) else f"On {names}: "
    reasons = " ".join(dict.fromkeys(table.ranking.reason for table in unranked))
    empty = "the columns *vs fastest* and *verdict* stay empty"
    return f"{on}{markdown.plain(reasons)} So {empty}{' there' if on else ''}."


def _table(table: Table) -> str:
    """A table under its heading; rows without a speed with their reasons below."""
    heading = " · ".join(part for part in (table.heading, table.effort) if part)
    notes = "".join(
        f"\n- {markdown.plain(note.title)}: {markdown.plain(note.reason)}\n" for note in table.notes
    )
    return f"**{markdown.plain(heading)}**\n\n{markdown.grid(table)}{notes}".rstrip()


def _picture_link(run: Run) -> str:
    """The picture, with what a reader without it misses."""
    name = run.plan.workloads[0]
    alt = (
        f"Top of the HTML page of this run: the verdict in words, the table of {name}, "
        "and its first charts, throughput with intervals before all"
    )
    link = PICTURE.relative_to(ROOT).as_posix()
    return f"The same run as a page, by `envdoctor report`:\n\n![{alt}]({link})"


def picture(run: Run, browser: Browser) -> bytes:
    """The top of the page of a run, down to its first charts, as PNG.

    Raises:
        InputError: the picture is too large for a README.
    """
    from envdoctor.report.html import page

    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "page.html"
        file.write_text(page([run]), encoding="utf-8")
        tab = browser.new_page(
            viewport={"width": WIDTH_PIXELS, "height": WIDTH_PIXELS}, color_scheme="light"
        )
        tab.goto(file.as_uri())
        bottom = tab.evaluate(ONLY_FIRST_CHARTS) + MARGIN_PIXELS
        data: bytes = tab.screenshot(
            full_page=True,
            clip={"x": 0, "y": 0, "width": WIDTH_PIXELS, "height": round(bottom)},
        )
        tab.close()
    data = _with_run(data, run.id)
    if len(data) > MOST_PICTURE_BYTES:
        raise InputError(f"the picture has {len(data):,} bytes, more than {MOST_PICTURE_BYTES:,}.")
    return data


def _with_run(png: bytes, run: str) -> bytes:
    """The picture with the id of its run in it, so that it can be told from that of another."""
    body = b"tEXt" + RUN_KEY.encode() + b"\0" + run.encode("latin-1")
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    place = _SIGNATURE_AND_HEADER_BYTES
    return png[:place] + chunk + png[place:]


if __name__ == "__main__":
    main(sys.argv[1:])
