from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from envdoctor.bench.folder import RunFolder


def test_equal_arrays_share_one_file_and_nothing_is_left() -> None:
    with RunFolder() as folder:
        one = folder.store({"a": np.zeros(3)})
        assert folder.store({"a": np.zeros(3)}) == one
        other = folder.store({"a": np.ones(3)})
        assert other != one
        with np.load(other) as arrays:
            np.testing.assert_array_equal(arrays["a"], np.ones(3))
    assert not folder.path.exists()


def test_logs_are_always_fresh() -> None:
    with RunFolder() as folder:
        assert folder.log("torch-eager") != folder.log("torch-eager")


def test_temporary_files_of_workers_lie_in_the_folder_and_nothing_is_there_at_first() -> None:
    with RunFolder() as folder, RunFolder() as other:
        assert not list(folder.temporary().iterdir())
        assert folder.temporary() == folder.temporary() != other.temporary()
        assert folder.temporary().parent == folder.path


def test_lanes_that_store_the_same_arrays_at_once_do_not_spoil_them() -> None:
    arrays = {"a": np.arange(50_000.0)}
    with RunFolder() as folder, ThreadPoolExecutor(4) as lanes:
        paths = set(lanes.map(lambda _: folder.store(arrays), range(16)))
        assert len(paths) == 1
        assert not list(folder.path.glob("*.part"))
        with np.load(paths.pop()) as found:
            np.testing.assert_array_equal(found["a"], arrays["a"])


def test_logs_of_lanes_are_all_fresh() -> None:
    with RunFolder() as folder, ThreadPoolExecutor(4) as lanes:
        assert len(set(lanes.map(lambda _: folder.log("x"), range(100)))) == 100


def test_the_folder_is_private() -> None:
    with RunFolder() as folder:
        assert folder.path.stat().st_mode & 0o077 == 0


def test_a_failure_removes_the_folder_too() -> None:
    folder = RunFolder()
    with pytest.raises(KeyboardInterrupt), folder:
        raise KeyboardInterrupt
    assert not folder.path.exists()
