"""A real browser without a window, for pages that are files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    """Chromium: that of ENVDOCTOR_TEST_BROWSER, of the machine, or of Playwright itself."""
    driver = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    path = os.environ.get("ENVDOCTOR_TEST_BROWSER") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    with driver.sync_playwright() as playwright:
        try:
            found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except driver.Error as error:
            if os.environ.get("ENVDOCTOR_TEST_BROWSER"):
                raise
            pytest.skip(
                "there is no Chromium: install the system's, or `playwright install chromium`; "
                f"{str(error).splitlines()[0]}"
            )
        yield found
        found.close()


@pytest.fixture(scope="session")
def real_run():
    """A short run of real frameworks on a real, disturbed machine."""
    from envdoctor.model import codec

    return codec.read(HERE / "run.json")
