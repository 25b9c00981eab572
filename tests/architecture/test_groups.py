"""What the tests themselves rely on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="all tests run in one process")
def test_the_tests_of_a_file_stay_in_one_process(request: pytest.FixtureRequest) -> None:
    # With a pytest that is too new the groups are scattered without a word, and what the tests of
    # a file share is made in both processes.
    here = Path(__file__).relative_to(request.config.rootpath)
    assert request.node.nodeid.endswith(f"@{here}")
