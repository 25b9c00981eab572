"""What a number of steps takes with everything before them, and from when on a row pays off."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from msgspec import structs

from envdoctor.statistics.blocks import summarise, warmup_debt_seconds
from envdoctor.statistics.pairing import kept_blocks

if TYPE_CHECKING:
    from envdoctor.model.cell import Cell, Launch, Phases
    from envdoctor.model.run import Run


@dataclass(frozen=True)
class Costs:
    """What a row pays once, and for every step."""

    setup_seconds: float
    """Importing, initialising the device, building, and what the warm-up took beyond steady steps.
    """
    step_seconds: float

    def time_to_train_seconds(self, steps: int) -> float:
        """From the start of the import to the end of so many steps."""
        return self.setup_seconds + steps * self.step_seconds


def costs(run: Run, cell: Cell) -> Costs | None:
    """The costs of a row; None if it was not measured.

    From its first launch, which finds the coldest caches.
    """
    step = summarise(kept_blocks(run, cell))
    phases = setup_phases(run, cell)
    if step is None or phases is None:
        return None
    setup = phases.import_seconds + phases.device_init_seconds + phases.build_seconds
    return Costs(setup + warmup_debt_seconds(_first(cell), step.seconds), step.seconds)


def setup_phases(run: Run, cell: Cell) -> Phases | None:
    """The phases of the first launch of a row; None if it has none.

    What comes before building does not depend on the workload: it is that of the first launch with
    the quickest import of all that were imported alone, on whatever workload.
    """
    if not cell.launches:
        return None
    launches = [_first(each) for each in run.cells if each.row == cell.row and each.launches]
    alone = [launch for launch in launches if launch.imported_alone] or launches
    least = min((launch.phases for launch in alone), key=lambda phases: phases.import_seconds)
    return structs.replace(
        _first(cell).phases,
        start_seconds=least.start_seconds,
        import_seconds=least.import_seconds,
        device_init_seconds=least.device_init_seconds,
    )


def _first(cell: Cell) -> Launch:
    return min(cell.launches, key=lambda launch: launch.launch)


def break_even_steps(a: Costs, b: Costs) -> int | None:
    """The first number of steps at which the row with the cheaper step is no longer behind.

    The same for both orders; None if one row is ahead from start to end, or they cost the same.
    """
    cheap, dear = sorted((a, b), key=lambda costs: costs.step_seconds)
    if cheap.step_seconds == dear.step_seconds or cheap.setup_seconds <= dear.setup_seconds:
        return None
    debt = cheap.setup_seconds - dear.setup_seconds
    return ceil(debt / (dear.step_seconds - cheap.step_seconds))
