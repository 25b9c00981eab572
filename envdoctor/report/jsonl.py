"""One line a block, as it was measured, for pandas and scripts; derived is only which count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from envdoctor.statistics.pairing import kept_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from envdoctor.model.run import Run


def write(run: Run, stream: TextIO) -> None:
    """Write every block, those of contaminated rounds and of the twin too."""
    stream.writelines(
        f"{json.dumps(values, allow_nan=False, ensure_ascii=False)}\n" for values in blocks(run)
    )


def blocks(run: Run) -> Iterator[dict[str, Any]]:
    """The blocks of all cells: what names the row, the block's own fields, whether it counts.

    A row whose work is not proven earns no speed; `comparable` is false in its lines.
    """
    batches = {record.name: record.batch for record in run.workloads}
    for cell in run.cells:
        kept = {id(block) for block in kept_blocks(run, cell)}
        for block in cell.blocks:
            plain = msgspec.to_builtins(block)
            noise = plain.pop("noise") or {}
            yield {
                "run": run.id,
                "workload": cell.workload,
                **msgspec.to_builtins(cell.row),
                "version": cell.version,
                "comparable": cell.comparable,
                **plain,
                "kept": id(block) in kept,
                "samples": batches.get(cell.workload, 0) * block.steps,
                **noise,
            }
