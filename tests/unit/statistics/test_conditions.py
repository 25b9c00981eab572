from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.errors import InputError
from envdoctor.model.cell import Row
from envdoctor.statistics.conditions import Condition, Name, check_names, parse

TORCH, JAX, A, B = Name("torch"), Name("jax"), Name("A"), Name("B")
GOOD = {
    "torch > 1.10x jax": (TORCH, ">", 1.1, JAX, None, ""),
    "torch<.9x jax": (TORCH, "<", 0.9, JAX, None, ""),
    "torch compile > 2x jax jit on cnn-tiny": (
        Name("torch", "compile"),
        ">",
        2.0,
        Name("jax", "jit"),
        None,
        "cnn-tiny",
    ),
    "B > 1.05x A": (B, ">", 1.05, A, None, ""),
    "torch: B > 1.05x A": (B, ">", 1.05, A, TORCH, ""),
    "torch compile :B>1.05x A on mlp-tiny": (
        B,
        ">",
        1.05,
        A,
        Name("torch", "compile"),
        "mlp-tiny",
    ),
    "  torch   >  1x\tjax  ": (TORCH, ">", 1.0, JAX, None, ""),
}


@pytest.mark.parametrize("text", GOOD)
def test_a_condition_is_read(text: str) -> None:
    assert parse(text) == Condition(text, *GOOD[text])


def test_conditions_know_whether_they_are_about_runs() -> None:
    assert parse("torch: B > 1.05x A").between_runs
    assert not parse("torch > 1.05x jax").between_runs
    assert parse("torch: B > 1.05x A").rows == (TORCH,)
    assert parse("B > 1.05x A").rows == ()
    assert parse("torch > 1.05x jax").rows == (TORCH, JAX)


BAD = {
    "": (1, "a backend is wanted, and it ends"),
    "torch": (6, "`>` or `<` is wanted, and it ends"),
    "torch >": (8, "a factor such as `1.10x` is wanted, and it ends"),
    "torch > jax": (9, "a factor such as `1.10x` is wanted, and there is `jax`"),
    "torch > 1.10 x jax": (9, "there is `1.10`"),
    "torch > 0x jax": (9, "a factor"),
    "torch > -1x jax": (9, "a factor"),
    "torch > 1e3x jax": (9, "a factor"),
    "torch > \u0661x jax": (9, "a factor"),
    "torch >= 1.1x jax": (8, "a factor such as `1.10x` is wanted, and there is `=`"),
    "> 1.1x jax": (1, "a backend is wanted, and there is `>`"),
    "torch > 1.1x": (13, "a backend is wanted, and it ends"),
    "torch a b > 1.1x jax": (9, "`>` or `<` is wanted, and there is `b`"),
    "torch > 1.1x jax jit mlp-tiny": (22, "`on` and a workload, or the end"),
    "torch > 1.1x jax on": (20, "a workload is wanted, and it ends"),
    "torch > 1.1x jax on mlp-tiny cnn-tiny": (30, "the end is wanted, and there is `cnn-tiny`"),
    "torch: jax: B > 1x A": (11, "`>` or `<` is wanted, and there is `:`"),
    ": B > 1x A": (1, "a backend is wanted, and there is `:`"),
    "B x > 1x A": (3, "nothing more after the run B"),
}


@pytest.mark.parametrize("text", BAD)
def test_a_mistake_is_told_with_its_place_and_an_example(text: str) -> None:
    place, said = BAD[text]
    with pytest.raises(InputError) as caught:
        parse(text)
    assert f"at character {place}: " in caught.value.sentence
    assert said in caught.value.sentence
    assert "torch > 1.10x jax" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("torch > 1x torch", "compares a side with itself"),
        ("B > 1x B", "compares a side with itself"),
        ("B > 1x torch", "compares a run with a row"),
        ("torch > 1x A", "compares a run with a row"),
        ("torch: numpy > 1x jax", "names a row before the colon"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(text)


@given(st.text(alphabet="AB torchnx:<>.19on-\n", max_size=30))
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    with contextlib.suppress(InputError):
        condition = parse(text)
        assert condition.factor > 0
        assert condition.left != condition.right


def test_a_row_without_a_mode_stands_for_each_of_its_modes() -> None:
    eager, compiled = (Row(backend="torch", mode=mode) for mode in ("eager", "compile"))
    assert TORCH.fits(eager)
    assert TORCH.fits(compiled)
    assert not Name("torch", "compile").fits(eager)
    assert not JAX.fits(eager)


def test_it_holds_only_where_the_whole_interval_lies_beyond() -> None:
    above, below = parse("torch > 1.1x jax"), parse("torch < 0.9x jax")
    assert above.holds(1.11, 1.2)
    assert not above.holds(1.09, 1.5)
    assert not above.holds(0.5, 0.6)
    assert below.holds(0.7, 0.89)
    assert not below.holds(0.5, 0.91)


ROWS = [Row(backend="torch", mode="eager"), Row(backend="jax", mode="jit")]


def test_names_that_are_there_are_accepted() -> None:
    check_names(parse("torch > 1x jax jit on mlp-tiny"), ROWS, ["mlp-tiny"])
    check_names(parse("torch > 1x mxnet"), ROWS, ["mlp-tiny"], ["mxnet"])


@pytest.mark.parametrize(
    ("text", "said", "hinted"),
    [
        ("torch egaer > 1x jax", "no row called `torch egaer`", "Did you mean `torch eager`?"),
        ("mxnet > 1x jax", "no row called `mxnet`", "Known: torch eager, jax jit."),
        ("torch > 1x jax on mlp-tony", "no workload called `mlp-tony`", "`mlp-tiny`"),
        ("mxnet: B > 1x A", "no row called `mxnet`", "Known: "),
    ],
)
def test_names_that_are_not_there_are_refused(text: str, said: str, hinted: str) -> None:
    with pytest.raises(InputError) as caught:
        check_names(parse(text), ROWS, ["mlp-tiny"])
    assert said in caught.value.sentence
    assert hinted in caught.value.hint
