from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from envdoctor.api import DataSet, WorkloadFile
from envdoctor.child.job import Optimizer
from envdoctor.errors import InputError
from envdoctor.workload.prepare import (
    Prepared,
    find_file,
    hash_arrays,
    hash_workload,
    prepare,
    split_batch,
)

Prepare = Callable[..., Prepared]


@pytest.fixture
def prepare_text(tmp_path: Path, data_sets: Mapping[str, DataSet]) -> Prepare:
    def run(text: str, seed: int = 0, batch: int | None = None) -> Prepared:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return prepare(path, data_sets, seed, batch)

    return run


CLASSES = 'loss = "cross_entropy"'
QUALITY = 'metric = "accuracy"\nat_least = 0.5'
SET = 'set = "squares"\nview = "vector"'

MISFITS = {
    "unknown data set": (
        'set = "squares"',
        'set = "square"',
        "there is no data set called `square`",
        "Did you mean `squares`?",
    ),
    "data set like nothing": ('set = "squares"', 'set = "zzz"', "`zzz`", "squares, line, poem"),
    "missing data file": ('set = "squares"', 'set = "no.csv"', "no.csv cannot be read", "relative"),
    "impossible file name": ('set = "squares"', 'set = "a\\u0000.csv"', "mine.toml: ", ""),
    "view it does not have": ('"vector"', '"tokens"', "has no view `tokens`", "image"),
    "steps without tokens": ('"vector"', '"vector"\nsteps = 4', "`steps` in [data]", ""),
    "target without a table": ('"vector"', '"vector"\ntarget = "a"', "`target` in [data]", ""),
    "batch beyond the samples": ("batch = 8", "batch = 33", "more than the 32 training", "smaller"),
    "plan beyond any patience": ("epochs = 2", "epochs = 1000000000000", "mine.toml: ", ""),
    "wrong width of the outputs": ("units = 10", "units = 9", "needs a vector of 10", "10 outputs"),
    "outputs for each step": ('"vector"', '"rows"', "yields a sequence of 8 steps of 10", ""),
    "regression of classes": (
        CLASSES,
        'loss = "mean_squared_error"',
        "does not fit targets that are classes",
        "`cross_entropy` is for classes",
    ),
    "error of classes": (
        QUALITY,
        'metric = "mean_absolute_error"\nat_most = 3',
        "the metric mean_absolute_error does not fit",
        "`accuracy` is for classes",
    ),
    "classes of numbers": (
        SET,
        'set = "line"\nview = "vector"',
        "targets that are numbers",
        "mean",
    ),
    "symbols without an embedding": (
        SET,
        'set = "poem"\nview = "tokens"\nsteps = 5',
        "needs numbers, but gets 5 symbols",
        "embedding",
    ),
    "text without a length": (SET, 'set = "poem"\nview = "tokens"', "[data] needs `steps`", ""),
    "impossible shape": (
        'kind = "dense"',
        'kind = "lstm"\nunits = 3\n[[layers]]\nkind = "dense"',
        "layer 1 (lstm) needs a sequence of vectors, but gets a vector of 64",
        "rows",
    ),
    "two layers of one name": (
        'kind = "dense"',
        'kind = "flatten"\nname = "dense_1"\n[[layers]]\nkind = "dense"',
        "two layers are called `dense_1`",
        "another name",
    ),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_is_one_sentence_with_a_hint(
    misfit: str, spoil: Callable[[str, str], str], prepare_text: Prepare
) -> None:
    old, new, said, hinted = MISFITS[misfit]
    with pytest.raises(InputError) as caught:
        prepare_text(spoil(old, new))
    assert caught.value.sentence.startswith("mine.toml: ")
    assert said in caught.value.sentence
    assert hinted in caught.value.hint


def test_a_workload_is_resolved_against_its_data(valid: str, prepare_text: Prepare) -> None:
    prepared = prepare_text(valid)
    workload = prepared.workload
    assert (workload.name, workload.input_shape, workload.symbols) == ("mine", (64,), None)
    assert prepared.steps == 2 * (32 // 8)
    assert prepared.batches().shape == (8, 8)
    assert set(prepared.weights()) == {"dense_1.kernel", "dense_1.bias"}
    assert prepared.optimizer == Optimizer("sgd", 0.1, momentum=0.0)
    assert prepared.tokens is None


def test_adamw_keeps_all_of_its_constants(
    spoil: Callable[[str, str], str], prepare_text: Prepare
) -> None:
    text = spoil(
        'optimizer = { kind = "sgd", learning_rate = 0.1 }',
        'optimizer = { kind = "adamw", learning_rate = 0.1, beta1 = 0.8, beta2 = 0.9, '
        "epsilon = 1e-6, weight_decay = 0.2 }",
    )
    assert prepare_text(text).optimizer == Optimizer(
        "adamw", 0.1, beta1=0.8, beta2=0.9, epsilon=1e-6, weight_decay=0.2
    )


def test_a_plan_in_steps_is_taken_as_it_is(
    spoil: Callable[[str, str], str], prepare_text: Prepare
) -> None:
    assert prepare_text(spoil("epochs = 2", "steps = 13")).steps == 13


def test_a_file_of_ones_own_with_a_table_of_ones_own(
    tmp_path: Path, spoil: Callable[[str, str], str], prepare_text: Prepare
) -> None:
    generator = np.random.default_rng(1)
    rows = [f"{a:.4f},{b:.4f},{a - 2 * b:.4f}" for a, b in generator.normal(size=(40, 2))]
    (tmp_path / "houses.csv").write_text("rooms,age,price\n" + "\n".join(rows))
    text = spoil(SET, 'set = "houses.csv"\nview = "vector"\ntarget = "price"')
    text = text.replace(CLASSES, 'loss = "mean_squared_error"').replace("units = 10", "units = 1")
    text = text.replace(QUALITY, 'metric = "mean_absolute_error"\nat_most = 0.5')
    prepared = prepare_text(text)
    assert prepared.workload.input_shape == (2,)
    assert prepared.network.output_shape == (1,)
    assert prepared.samples.test_targets.shape == (8, 1)


def test_text_counts_its_tokens(spoil: Callable[[str, str], str], prepare_text: Prepare) -> None:
    symbols = len(set("the quick brown fox jumps over the lazy dog. "))
    text = spoil(SET, 'set = "poem"\nview = "tokens"\nsteps = 5').replace(
        'kind = "dense"', 'kind = "embedding"\nwidth = 4\n[[layers]]\nkind = "dense"'
    )
    prepared = prepare_text(text.replace("units = 10", f"units = {symbols}"))
    assert prepared.tokens == 5
    assert prepared.workload.symbols == symbols


FILES = [WorkloadFile(name=name, path=Path(f"/somewhere/{name}.toml")) for name in ("one", "two")]


def test_a_workload_is_found_by_name_or_path() -> None:
    assert find_file("two", FILES) == Path("/somewhere/two.toml")
    assert find_file("./two.toml", FILES) == Path("two.toml")
    assert find_file("mine.toml", FILES) == Path("mine.toml")
    assert find_file("folder/mine", FILES) == Path("folder/mine")


@pytest.mark.parametrize(
    ("name", "hint"), [("tow", "Did you mean `two`?"), ("zzz", "Known: one, two.")]
)
def test_an_unknown_name_is_told_with_what_may_have_been_meant(name: str, hint: str) -> None:
    with pytest.raises(InputError, match=rf"there is no workload called `{name}`\.") as caught:
        find_file(name, FILES)
    assert caught.value.hint == hint


def test_equal_arrays_have_one_hash_and_others_another() -> None:
    plain = {"a": np.arange(6.0).reshape(2, 3), "b": np.zeros(2)}
    turned = {"b": np.zeros(2), "a": np.asfortranarray(plain["a"])}
    assert hash_arrays(plain) == hash_arrays(turned)
    others = [
        {"a": plain["a"].reshape(3, 2), "b": plain["b"]},
        {"a": plain["a"].astype(np.float32), "b": plain["b"]},
        {"a": plain["a"], "c": plain["b"]},
        {"a": plain["a"] + 1e-16 + np.spacing(plain["a"]), "b": plain["b"]},
    ]
    assert len({hash_arrays(arrays) for arrays in [plain, *others]}) == 5


def test_files_that_mean_the_same_have_one_hash(
    valid: str, spoil: Callable[[str, str], str], prepare_text: Prepare
) -> None:
    one = prepare_text(valid)
    same = prepare_text("# a comment\n" + spoil("units = 10", "bias = true\nunits = 10"))
    other = prepare_text(spoil("0.1 }", "0.2 }"))
    hashes = [hash_workload(each.workload, each.optimizer) for each in (one, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    ("name", "workload", "batch"),
    [
        ("mlp-tiny", "mlp-tiny", None),
        ("mlp-tiny@256", "mlp-tiny", 256),
        ("./mine.toml@8", "./mine.toml", 8),
        # The sign belongs to a folder or a file here.
        ("/home/me@work/mine.toml", "/home/me@work/mine.toml", None),
        ("mine@work.toml", "mine@work.toml", None),
        ("/home/me@work/mine.toml@8", "/home/me@work/mine.toml", 8),
    ],
)
def test_a_batch_may_follow_a_name(name: str, workload: str, batch: int | None) -> None:
    assert split_batch(name) == (workload, batch)


@pytest.mark.parametrize("batch", ["", "0", "-1", "many", "1e3", "\u0663"])
def test_a_batch_that_is_no_number_is_refused(batch: str) -> None:
    with pytest.raises(InputError, match="a number of samples is wanted after `@`") as caught:
        split_batch(f"mlp-tiny@{batch}")
    assert caught.value.hint == "Such as mlp-tiny@256."


def test_another_batch_makes_another_workload(valid: str, prepare_text: Prepare) -> None:
    own, larger = prepare_text(valid), prepare_text(valid, batch=16)
    assert (own.name, larger.name) == ("mine", "mine@16")
    assert larger.workload.batch == 16
    assert (own.steps, larger.steps) == (2 * (32 // 8), 2 * (32 // 16))
    assert larger.batches().shape == (4, 16)
    # The same model from the same weights; but what it reaches after half the steps is open.
    assert hash_arrays(own.weights()) == hash_arrays(larger.weights())
    assert own.description.quality is not None
    assert larger.description.quality is None
    hashes = {hash_workload(each.workload, each.optimizer) for each in (own, larger)}
    assert len(hashes) == 2


def test_the_batch_that_it_has_anyway_changes_nothing(valid: str, prepare_text: Prepare) -> None:
    assert prepare_text(valid, batch=8).description == prepare_text(valid).description


def test_a_batch_that_no_data_fill_is_refused(valid: str, prepare_text: Prepare) -> None:
    with pytest.raises(InputError, match="a batch of 33 is more than the 32 training samples"):
        prepare_text(valid, batch=33)
