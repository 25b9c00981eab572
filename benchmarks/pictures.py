"""Makes the pictures of the page for the README: python benchmarks/pictures.py RUN [FOLDER].

It needs envdoctor[report], Playwright, and a Chromium: the machine's own or Playwright's.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from envdoctor.model import codec
from envdoctor.report.html import page

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 1200, 1350
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(run: Path, folder: Path) -> None:
    """Write page-light.png and page-dark.png: the top of the page, as the README shows it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        file = Path(scratch) / "page.html"
        file.write_text(page([codec.read(run)]), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
            tab.goto(file.as_uri())
            tab.screenshot(path=folder / f"page-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "pictures")
