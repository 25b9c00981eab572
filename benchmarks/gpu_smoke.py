"""What works on this machine's NVIDIA GPU: diagnosis, proof, speed, memory, clocks and energy.

    python benchmarks/gpu_smoke.py [-m MINUTES] [-o FOLDER]

Needs torch or jax in this Python and envdoctor's own few dependencies; it installs and downloads
nothing, and takes envdoctor from the checkout that it lies in. Every step is a command of envdoctor
in a process of its own with a time limit, and its full output stays in the folder. Ends with 0 if
nothing that should have worked failed, 1 if something did, 3 if nothing could be shown or a step
was not finished in its time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke import ground, plan, reading, running, telling, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMAND = Path(__file__).with_name("smoke") / "command.py"


def main(words: Sequence[str] | None = None) -> int:
    """Run all steps that fit; returns the exit code."""
    options = _parse(words)
    here = ground.Ground()
    if obstacle := here.obstacle():
        _say(obstacle)
        return telling.INCOMPLETE
    ground.add_checkout()
    folder: Path = options.output or Path(tempfile.mkdtemp(prefix="gpu-smoke-"))
    folder.mkdir(parents=True, exist_ok=True)
    prefix = _prefix(ground.write_metadata(folder / "metadata"))
    source, gpu_reason, names = _open_gpu()
    backends = here.backends()
    _say(f"{', '.join(backends)} in {sys.executable}; everything goes to {folder}")
    reports = run_steps(
        plan.steps(backends),
        folder,
        60.0 * options.minutes,
        lambda arguments: [*prefix, *arguments],
        lambda: watching.Watch(source, names),
    )
    for line in telling.closing_lines(reports, gpu_reason):
        _say(line)
    about = {"minutes": options.minutes, "python": sys.version, "backends": backends}
    summary = folder / "summary.json"
    telling.write(summary, reports, gpu_reason, about)
    _say(f"summary: {summary}")
    return telling.exit_code(reports)


def run_steps(
    steps: Sequence[plan.Step],
    folder: Path,
    whole_seconds: float,
    command: Callable[[list[str]], list[str]],
    watch: Callable[[], watching.Watch],
) -> list[telling.Report]:
    """Run the steps one by one, telling each as it ends; none keeps the next from its turn.

    Args:
        steps: the plan.
        folder: for their outputs and results.
        whole_seconds: for all of them.
        command: makes a command from the arguments of a step.
        watch: makes what looks at the GPU during a step.
    """
    begun = time.monotonic()
    # Nothing of earlier runs is used, and nothing of this one is left behind.
    variables = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data")}
    reports = []
    for index, step in enumerate(steps):
        seconds = plan.limits(steps, index, time.monotonic() - begun, whole_seconds)
        if not seconds:
            item = reading.Item(step.title, "not shown", telling.NO_TIME)
            reports.append(telling.Report(step, (item,)))
        else:
            result = folder / f"{step.name}.json"
            result.unlink(missing_ok=True)  # of an earlier round in the same folder
            words = command(plan.arguments(step, str(result), seconds))
            with watch() as watching_it:
                ending = running.run(words, folder / step.name, seconds, variables)
            items = tuple(reading.read(step, folder, ending))
            reports.append(telling.Report(step, items, ending, watching_it.seen()))
        for line in telling.step_lines(reports[-1]):
            _say(line)
    return reports


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "-m", "--minutes", type=float, default=plan.WHOLE_MINUTES, help="for all steps"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="a folder for all outputs; default: a new one"
    )
    return parser.parse_args(words)


def _prefix(metadata: Path) -> list[str]:
    """The start of every command: this Python, the launcher, and where it finds envdoctor."""
    return [sys.executable, str(COMMAND), str(metadata), *map(str, ground.SOURCES), "--"]


def _open_gpu() -> tuple[Any, str, Callable[[int], Sequence[str]]]:
    """The GPU to watch or the reason why not, and the names of its events."""
    from envdoctor.detect.nvml import event_names, open_gpu

    source, reason = open_gpu(plan.DEVICE)
    return source, reason, event_names


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
