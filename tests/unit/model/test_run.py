from __future__ import annotations

from envdoctor.model.cell import Row
from envdoctor.model.run import Plan


def test_a_row_is_called_by_backend_and_mode() -> None:
    assert Row(backend="torch", mode="compile").title == "torch compile"
    assert Row(backend="numpy", mode="numpy").title == "numpy"


def test_the_budget_is_the_number_of_its_cpus() -> None:
    plan = Plan(
        rows=(),
        workloads=(),
        cpus=(0, 3),
        seed=0,
        preset="quick",
        least_launches=1,
        most_launches=1,
        least_rounds=8,
        most_rounds=10,
        half_width=0.05,
        margin=0.02,
        block_seconds=0.15,
    )
    assert plan.threads == 2
