from __future__ import annotations

import pytest

from envdoctor.choose.data import facts
from envdoctor.choose.needs import Needs, judge, parse
from envdoctor.errors import InputError

FACTS = facts()


def _answer(framework, *texts):
    judged = judge(FACTS.framework(framework), parse(texts, FACTS), FACTS)
    return {each.need: each.answer for each in judged}


def test_needs_are_read_in_their_order_once():
    assert parse(["windows", "gpu", "windows", "python=3.14"], FACTS) == Needs(
        ("windows", "gpu"), "3.14"
    )
    assert parse(["python=3.14"], FACTS).texts == ("python=3.14",)


@pytest.mark.parametrize("text", ["gpus", "python=4", "python", "python=3", "", "python=3.1415"])
def test_an_unknown_need_is_refused_with_those_that_exist(text):
    with pytest.raises(InputError, match="no need called") as told:
        parse([text], FACTS)
    assert "export-onnx" in told.value.hint


def test_two_pythons_are_refused():
    with pytest.raises(InputError, match="only one version"):
        parse(["python=3.13", "python=3.14"], FACTS)


@pytest.mark.parametrize(
    ("framework", "need", "answer"),
    [
        ("torch", "windows", "yes"),
        ("jax", "windows", "partly"),
        ("mlx", "windows", "unknown"),
        ("flax", "windows", "partly"),  # through jax
        ("keras", "windows", "yes"),  # through torch, the best of three
        ("tensorflow", "apple-gpu", "no"),
        ("flax", "export-onnx", "partly"),
        ("stranger", "gpu", "unknown"),
    ],
)
def test_a_need_is_judged_by_facts(framework, need, answer):
    assert _answer(framework, need) == {need: answer}


def test_two_needs_together_may_be_one_too_many():
    assert _answer("jax", "gpu") == {"gpu": "yes"}
    assert _answer("jax", "gpu", "windows") == {"gpu": "no", "windows": "partly"}
    assert _answer("flax", "gpu", "windows")["gpu"] == "no"
    assert _answer("torch", "gpu", "windows") == {"gpu": "yes", "windows": "yes"}


@pytest.mark.parametrize(
    ("framework", "python", "answer"),
    [
        ("torch", "3.14", "yes"),
        ("tensorflow", "3.14", "no"),
        ("tensorflow", "3.11", "yes"),
        ("torch", "3.99", "unknown"),
        ("paddle", "3.13", "yes"),
        ("paddle", "3.14", "no"),
        ("mindspore", "3.8", "unknown"),
        ("keras", "3.14", "yes"),  # through jax or torch
        ("flax", "3.99", "no"),
    ],
)
def test_python_is_judged_by_the_builds_that_exist(framework, python, answer):
    assert _answer(framework, f"python={python}") == {f"python={python}": answer}


def test_what_is_known_through_another_is_less_sure():
    (judged,) = judge(FACTS.framework("flax"), Needs(("windows",)), FACTS)
    assert judged.reason.text.startswith("through jax: ")
    assert judged.reason.source.confidence == "medium"
