"""What a row is said to occupy is what it occupies, whoever its parent is."""

from __future__ import annotations

import numpy as np
import pytest

TENSOR_BYTES = 256 * 2**20
BLOAT_BYTES = 600 * 10**6


def test_a_tensor_of_known_size_moves_the_working_set_by_its_size(engine, cells, mark):
    by_title = cells(engine("holder", mark=mark, backends=("holder",), modes=("plain", "holds")))
    plain, holds = (by_title[f"holder {mode}"].memory for mode in ("plain", "holds"))
    assert holds.working_set_bytes - plain.working_set_bytes == pytest.approx(
        TENSOR_BYTES, rel=0.05
    )
    assert holds.footprint_bytes == pytest.approx(plain.footprint_bytes, rel=0.05)


def test_a_bloated_parent_does_not_change_the_peak_of_a_worker(engine, cells, mark):
    slim = cells(engine(mark=mark, backends=("numpy",)))["numpy"].memory
    bloat = np.ones(BLOAT_BYTES, np.uint8)
    fat = cells(engine(mark=mark, backends=("numpy",)))["numpy"].memory
    assert bloat.all()
    assert fat.peak_bytes == pytest.approx(slim.peak_bytes, rel=0.05)
    assert fat.peak_bytes < BLOAT_BYTES / 2


def test_the_parts_of_memory_fit_together(engine, cells, mark):
    found = cells(engine(mark=mark, backends=("numpy",)))["numpy"].memory
    assert found.peak_bytes >= found.steady_peak_bytes > found.working_set_bytes
    assert found.compile_peak_bytes is not None
    assert found.peak_bytes >= found.footprint_bytes
