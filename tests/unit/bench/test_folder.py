from __future__ import annotations

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


def test_the_cache_is_one_for_a_run_and_empty_at_its_beginning() -> None:
    with RunFolder() as folder, RunFolder() as other:
        assert not list(folder.cache().iterdir())
        assert folder.cache() == folder.cache() != other.cache()


def test_the_folder_is_private() -> None:
    with RunFolder() as folder:
        assert folder.path.stat().st_mode & 0o077 == 0


def test_a_failure_removes_the_folder_too() -> None:
    folder = RunFolder()
    with pytest.raises(KeyboardInterrupt), folder:
        raise KeyboardInterrupt
    assert not folder.path.exists()
