from __future__ import annotations

import gc
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from envdoctor.api import DataSet
from envdoctor.errors import InputError
from envdoctor.model.description import DataSpec
from envdoctor.workload.datasets import read_csv, read_samples
from envdoctor.workload.samples import Samples

Spec = Callable[..., DataSpec]
DataSets = dict[str, DataSet]


@pytest.mark.parametrize(
    ("view", "shape"), [("vector", (64,)), ("image", (8, 8, 1)), ("rows", (8, 8))]
)
def test_every_fifth_image_is_for_the_test(
    view: str,
    shape: tuple[int, ...],
    data_sets: DataSets,
    images: dict[str, np.ndarray],
    spec: Spec,
) -> None:
    samples = read_samples(data_sets["squares"], spec(view), "f")
    expected = (images["images"] / 10.0).reshape(40, *shape)
    assert samples.input_shape == shape
    np.testing.assert_array_equal(samples.test_inputs, expected[::5])
    np.testing.assert_array_equal(samples.test_targets, images["labels"][::5])
    kept = [row for row in range(40) if row % 5]
    np.testing.assert_array_equal(samples.train_inputs, expected[kept])
    np.testing.assert_array_equal(samples.train_targets, images["labels"][kept])
    assert samples.train_targets.dtype == np.int32
    assert (samples.classes, samples.symbols) == (10, None)


def test_a_table_is_standardised_by_its_training_rows(data_sets: DataSets, spec: Spec) -> None:
    samples = read_samples(data_sets["line"], spec("vector"), "f")
    np.testing.assert_allclose(samples.train_inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(samples.train_inputs.std(axis=0), 1)
    assert abs(samples.test_inputs.mean()) > 1e-6
    assert samples.train_targets.shape == (40, 1)
    assert samples.test_targets.shape == (10, 1)
    assert samples.classes is None


def test_a_column_of_one_value_does_no_harm(tmp_path: Path, spec: Spec) -> None:
    features = np.ones((20, 2))
    features[:, 1] = np.arange(20)
    np.savez(tmp_path / "t.npz", features=features, targets=np.arange(20) % 2)
    data_set = DataSet(name="t", summary="", kind="table", path=tmp_path / "t.npz")
    samples = read_samples(data_set, spec("vector"), "f")
    np.testing.assert_array_equal(samples.train_inputs[:, 0], 0)
    assert samples.classes == 2


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz"])
def test_the_target_of_a_symbol_is_the_next_one(tmp_path: Path, suffix: str, spec: Spec) -> None:
    text = "to be or not to be, that is the question: größer €" * 9
    path = tmp_path / f"text{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix == ".txt.gz" else text.encode())
    data_set = DataSet(name="t", summary="", kind="text", path=path)
    samples = read_samples(data_set, spec("tokens", steps=7), "f")
    alphabet = sorted(set(text))
    codes = [alphabet.index(character) for character in text]
    border = int(len(text) * 0.9)
    for inputs, targets, part in (
        (samples.train_inputs, samples.train_targets, codes[:border]),
        (samples.test_inputs, samples.test_targets, codes[border:]),
    ):
        length = inputs.size
        assert inputs.shape == targets.shape == (length // 7, 7)
        assert len(part) - 7 <= length <= len(part) - 1
        assert inputs.ravel().tolist() == part[:length]
        assert targets.ravel().tolist() == part[1 : length + 1]
    assert samples.symbols == samples.classes == len(alphabet)
    assert samples.train_inputs.dtype == np.int32


@pytest.mark.parametrize(
    ("name", "view", "offered"),
    [
        ("squares", "tokens", "vector, image, rows"),
        ("line", "image", "vector"),
        ("poem", "vector", "tokens"),
    ],
)
def test_a_view_that_a_set_does_not_have_is_told_with_those_it_has(
    name: str, view: str, offered: str, data_sets: DataSets, spec: Spec
) -> None:
    with pytest.raises(InputError, match=rf"^f: data set some has no view `{view}`\.") as caught:
        read_samples(data_sets[name], spec(view), "f")
    assert caught.value.hint == f"It has: {offered}."


def test_a_text_needs_a_length_of_windows(data_sets: DataSets, spec: Spec) -> None:
    with pytest.raises(InputError, match=r"needs `steps` for the view `tokens`"):
        read_samples(data_sets["poem"], spec("tokens"), "f")


def test_a_text_shorter_than_a_window_is_refused(data_sets: DataSets, spec: Spec) -> None:
    with pytest.raises(InputError, match="too short for windows of 5000"):
        read_samples(data_sets["poem"], spec("tokens", steps=5000), "f")


def _damaged_gzip(path: Path) -> None:
    packed = bytearray(gzip.compress(b"to be or not to be " * 1000))
    packed[20:40] = b"\xff" * 20
    path.write_bytes(packed)


def _damaged_arrays(path: Path) -> None:
    np.savez_compressed(path, images=np.zeros((40, 8, 8)), labels=np.zeros(40, int))
    packed = bytearray(path.read_bytes())
    packed[60:90] = b"\xff" * 30
    path.write_bytes(packed)


def _too_few_labels(path: Path) -> None:
    np.savez(path, images=np.zeros((40, 8, 8)), labels=np.zeros(30, int))


def _one_array(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))


@pytest.mark.parametrize(
    ("suffix", "kind", "write"),
    [
        (".txt.gz", "text", _damaged_gzip),
        (".txt.gz", "text", lambda path: path.write_bytes(b"no gzip")),
        (".txt", "text", lambda path: path.write_bytes(b"\xff\xfe\xfd")),
        (".npz", "images", _damaged_arrays),
        (".npz", "images", _too_few_labels),
        (".npz", "images", _one_array),
        (".npz", "images", lambda path: path.write_bytes(b"")),
        (".npz", "images", lambda path: path.write_bytes(b"PK\3\4 no archive")),
        (".npz", "images", lambda path: np.savez(path, pictures=np.zeros(3))),
        (".npz", "images", lambda path: np.savez(path, images=np.zeros(3), labels=np.zeros(3))),
        (".npz", "table", lambda path: None),
    ],
)
def test_a_damaged_data_set_is_one_sentence_with_its_path(
    suffix: str, kind: str, write: Callable[[Path], object], tmp_path: Path, spec: Spec
) -> None:
    path = tmp_path / f"set{suffix}"
    write(path)
    data_set = DataSet(name="mine", summary="", kind=kind, path=path)
    asked = spec("tokens", steps=4) if kind == "text" else spec("vector")
    with pytest.raises(InputError) as caught:
        read_samples(data_set, asked, "f")
    assert caught.value.sentence.startswith(f"data set mine: {path} cannot be read (")
    assert caught.value.hint
    del caught
    gc.collect()  # a file that was left open shows here, not in the test that comes next


def _csv(
    tmp_path: Path, text: str | bytes, target: str | None = None, *, classes: bool = True
) -> Samples:
    path = tmp_path / "d.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    spec = DataSpec(set="d.csv", view="vector", target=target)
    return read_csv(path, spec, "mine.toml", classes=classes)


def _rows(target: Callable[[int], object], count: int = 20) -> str:
    return "\n".join(f"{n},{n * n},{target(n)}" for n in range(count)) + "\n"


HEADER = "a,b,c\n"


def test_words_make_classes_in_their_order(tmp_path: Path) -> None:
    words = ["dog", " cat ", "eel"]
    samples = _csv(tmp_path, HEADER + _rows(lambda n: words[n % 3]))
    assert samples.classes == 3
    # Rows 0, 5, 10, 15 are test rows: dog, eel, cat, dog.
    assert samples.test_targets.tolist() == [1, 2, 0, 1]


def test_numbers_make_classes_when_the_loss_wants_classes(tmp_path: Path) -> None:
    samples = _csv(tmp_path, HEADER + _rows(lambda n: (n % 4) * 3 - 3))
    assert samples.classes == 4
    assert samples.train_targets.dtype == np.int32
    assert set(samples.train_targets) == {0, 1, 2, 3}


@pytest.mark.parametrize("target", [lambda n: n / 7, lambda n: n % 4 - 1, lambda n: n % 2])
def test_numbers_make_a_regression_when_the_loss_wants_numbers(
    target: Callable[[int], object], tmp_path: Path
) -> None:
    samples = _csv(tmp_path, HEADER + _rows(target), classes=False)
    assert samples.classes is None
    assert samples.train_targets.shape == (16, 1)
    assert samples.train_targets.dtype == np.float64
    np.testing.assert_allclose(samples.test_targets[:, 0], [target(n) for n in range(0, 20, 5)])


def test_a_column_of_measurements_makes_no_classes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"column `c` of d\.csv has 20 different values") as caught:
        _csv(tmp_path, HEADER + _rows(lambda n: n / 7))
    assert "mean_squared_error" in caught.value.hint


def test_words_are_no_numbers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"`cat` in column `c`, row 2"):
        _csv(tmp_path, HEADER + _rows(lambda n: "cat"), classes=False)


def test_the_last_column_is_the_target_unless_another_is_named(tmp_path: Path) -> None:
    text = "kind,a,b\n" + "\n".join(f"{'xy'[n % 2]},{n},{n * n}" for n in range(20))
    samples = _csv(tmp_path, text, target="kind")
    assert samples.classes == 2
    np.testing.assert_allclose(samples.train_inputs.mean(axis=0), 0, atol=1e-12)
    assert samples.input_shape == (2,)


def test_spaces_quotes_and_empty_lines_do_no_harm(tmp_path: Path) -> None:
    rows = "".join(f' {n} ,"{n * n}",{n % 2}\n\n' for n in range(20))
    assert _csv(tmp_path, " a , b , c \n" + rows, target="c").classes == 2


def test_a_csv_file_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    text = (
        b"\xef\xbb\xbf" + ("kind,a\r\n" + "\r\n".join(f"{n % 2},{n}" for n in range(20))).encode()
    )
    assert _csv(tmp_path, text, target="kind").classes == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + _rows(lambda n: n).replace("3,9", "3,nine"), "`nine` in column `b`, row 5"),
        (HEADER + _rows(lambda n: n).replace("3,9", "3,"), "`` in column `b`, row 5"),
        (HEADER + _rows(lambda n: n).replace("3,9", "3,inf"), "`inf` in column `b`, row 5"),
        (HEADER + _rows(lambda n: n).replace("3,9,", "3,"), "row 5 of d.csv has 2 columns"),
        (HEADER + _rows(lambda n: n, count=9), "at least 10 rows"),
        ("a\n" + "1\n" * 20, "two columns"),
        ("", "needs a header"),
        (b"a,b,\xe9\n", "cannot be read"),
    ],
)
def test_a_bad_table_is_told_with_the_row(text: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        _csv(tmp_path, text, classes=False)
    assert caught.value.sentence.startswith("mine.toml: ")
    assert said in caught.value.sentence


def test_a_long_bad_cell_is_cut(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        _csv(tmp_path, HEADER + _rows(lambda n: n).replace("3,9", f"3,{'x' * 5000}"), classes=False)
    assert len(caught.value.sentence) < 300


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"d\.csv has no column `d`") as caught:
        _csv(tmp_path, HEADER + _rows(lambda n: n), target="d")
    assert caught.value.hint == "It has: a, b, c."


def test_two_columns_of_one_name_are_refused_when_they_are_the_target(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`c`"):
        _csv(tmp_path, "a,c,c\n" + _rows(lambda n: n % 2), target="c")


@pytest.mark.parametrize("classes", [True, False])
def test_a_gap_in_the_target_is_told_with_its_row(classes: bool, tmp_path: Path) -> None:
    rows = _rows(lambda n: n % 2).replace("3,9,1", "3,9,")
    with pytest.raises(InputError, match=r"column `c`, row 5"):
        _csv(tmp_path, HEADER + rows, classes=classes)


def test_a_table_has_no_pixels(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(HEADER + _rows(lambda n: n % 2))
    with pytest.raises(InputError, match=r"data set d\.csv has no view `image`"):
        read_csv(tmp_path / "d.csv", DataSpec(set="d.csv", view="image"), "mine.toml", classes=True)


def test_a_missing_file_is_told_with_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_csv(
            tmp_path / "no.csv", DataSpec(set="no.csv", view="vector"), "mine.toml", classes=True
        )
    assert str(tmp_path / "no.csv") in caught.value.sentence
    assert "relative to the workload file" in caught.value.hint
