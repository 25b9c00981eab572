from __future__ import annotations

import pytest

from envdoctor.model.run import Ceiling, WorkloadRecord
from envdoctor.statistics.utilisation import TOLERANCE, refusal, utilisation

CEILING = Ceiling(flops_per_second=100e9, backend="torch", size=2048)
RECORD = WorkloadRecord(
    name="mlp-tiny",
    family="mlp",
    size="tiny",
    summary="",
    data_set="digits",
    loss="cross_entropy",
    batch=50,
    steps=10,
    parameters=1,
    forward_flops=4_000_000,
    training_flops=10_000_000,
    tokens=None,
    quality=None,
    workload_sha256="",
    data_sha256="",
    weights_sha256="",
    batches_sha256="",
)
AT_PEAK_SECONDS = 50 * 10_000_000 / 100e9


def test_a_step_at_the_peak_uses_all_of_it():
    assert utilisation(RECORD, AT_PEAK_SECONDS, CEILING) == pytest.approx(1.0)


def test_twice_the_time_is_half_of_the_peak():
    assert utilisation(RECORD, 2 * AT_PEAK_SECONDS, CEILING) == pytest.approx(0.5)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.95, 1.0, 1.02, TOLERANCE - 1e-9])
def test_what_the_noise_of_the_ceiling_explains_is_not_refused(share):
    assert refusal(RECORD, AT_PEAK_SECONDS / share, CEILING) == ""


@pytest.mark.parametrize("share", [TOLERANCE + 1e-9, 1.5, 8, 10_000])
def test_more_than_the_machine_can_do_is_refused(share):
    assert refusal(RECORD, AT_PEAK_SECONDS / share, CEILING)


def test_a_refusal_names_the_share_the_peak_and_what_it_means():
    assert refusal(RECORD, AT_PEAK_SECONDS / 4, CEILING) == (
        "its steps would take 400% of the practical GEMM peak, 100 GFLOP/s by torch: "
        "wrong precision, skipped work or a wait that does not wait"
    )
