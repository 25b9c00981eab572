"""What every check must keep, whoever wrote it."""

from __future__ import annotations

import re

import pytest

from envdoctor.plugins import load_plugins

CHECKS = load_plugins(strangers=False).checks()
IDS = {check.id for check in CHECKS}


@pytest.fixture(params=CHECKS, ids=lambda check: check.id)
def check(request):
    return request.param


def test_there_are_the_checks_of_the_core_and_of_the_plugins():
    assert len(CHECKS) >= 100
    assert {"shm-too-small", "gpu-arch-not-in-wheel", "jax-jaxlib-mismatch"} <= IDS


def test_its_id_can_be_typed(check):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", check.id)


def test_its_summary_is_a_phrase_for_a_list(check):
    assert not check.summary.endswith(".")
    first = check.summary.split()[0]
    # A name keeps its capital.
    assert not re.fullmatch(r"(A|An|The|Two|Several|Some)", first)
    assert len(check.summary) <= 90


def test_its_page_says_what_goes_wrong_how_it_is_seen_and_what_to_do(check):
    for text in (check.page.why, check.page.seen_by, check.page.remedy):
        assert text.strip()


def test_what_it_hides_exists_and_is_another(check):
    assert set(check.hides) <= IDS - {check.id}
