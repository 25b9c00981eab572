"""Options that several commands share, and what they become."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import click

from envdoctor.cli import candidates
from envdoctor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.bench.plan import Choice, Wishes
    from envdoctor.plugins import Plugins


ROW_HEADINGS = {
    "What to train": (
        "--size",
        "--batch",
        "--backend",
        "--mode",
        "--precision",
        "--device",
        "--threads",
        "--python",
        "--seed",
    ),
}
"""Where the help shows the options of `row_options`."""


def finite(
    _context: click.Context, _parameter: click.Parameter, value: float | None
) -> float | None:
    """Refuse infinity and what is no number."""
    if value is not None and not isfinite(value):
        raise click.BadParameter("a finite number is wanted.")
    return value


ROW_OPTIONS = (
    click.argument(
        "workloads",
        nargs=-1,
        metavar="[WORKLOAD]...",
        shell_complete=candidates.workloads,
    ),
    click.option(
        "--size",
        type=click.Choice(["tiny", "small", "base", "large"]),
        metavar="NAME",
        help="Of the default workloads: tiny, small, base, large.",
    ),
    click.option(
        "--batch",
        "batches",
        type=click.IntRange(1),
        multiple=True,
        metavar="NUMBER",
        help="Samples in a batch, if not the workload's own; repeat.",
    ),
    click.option(
        "--backend",
        "backends",
        multiple=True,
        metavar="NAME",
        help="Only this backend; repeat.",
        shell_complete=candidates.backends,
    ),
    click.option(
        "--mode",
        "modes",
        multiple=True,
        metavar="NAME",
        help="Only this mode, such as eager; repeat.",
        shell_complete=candidates.modes,
    ),
    click.option(
        "--python",
        "pythons",
        multiple=True,
        metavar="BACKEND=PATH",
        help="Take a backend from another environment; envdoctor need not be installed there.",
    ),
    click.option(
        "--device",
        default="cpu",
        show_default=True,
        metavar="NAME",
        help="Where to train: cpu, cuda, cuda:1.",
        shell_complete=candidates.devices,
    ),
    click.option(
        "--threads",
        type=click.IntRange(1),
        metavar="NUMBER",
        help="How many CPUs to use; default: all that are allowed.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        metavar="NUMBER",
        help="Of initial weights and batches.",
    ),
    click.option(
        "--worker-timeout",
        type=click.FloatRange(1),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        callback=finite,
        help="How long a worker may take to answer.",
    ),
)
"""What chooses workloads, rows and their share of the machine."""


def row_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with what chooses workloads, rows and their share of the machine."""
    for option in reversed(ROW_OPTIONS):
        command = option(command)
    return command


def wishes_of(values: dict[str, Any]) -> Wishes:
    """The wishes that the options express.

    Raises:
        InputError: a `--python` that is no BACKEND=PATH, or workloads and a size.
    """
    from envdoctor.bench.plan import Wishes, wanted_workloads

    interpreters = {}
    for given in values["pythons"]:
        backend, equals, path = given.partition("=")
        if not (backend and equals and path):
            raise InputError(
                f"--python {given}: BACKEND=PATH is wanted.",
                "Such as torch=/path/to/venv/bin/python.",
            )
        interpreters[backend] = path
    return Wishes(
        workloads=wanted_workloads(
            values["workloads"], values.get("size"), values.get("batches") or ()
        ),
        backends=values["backends"],
        modes=values["modes"],
        interpreters=interpreters,
        seed=values["seed"],
        device=values["device"],
        precisions=tuple(dict.fromkeys(values.get("precisions") or ("fp32",))),
    )


def _instruments(device: str, *, energy: bool) -> dict[str, Any]:
    """What watches the device from outside: an energy counter if it is wanted, and the GPU."""
    from envdoctor.detect.energy import open_energy_counter
    from envdoctor.detect.nvml import GpuWatch, open_gpu

    found: dict[str, Any] = {}
    if energy:
        found["counter"], found["energy_note"] = open_energy_counter(device)
    if device.partition(":")[0] in {"cuda", "gpu"}:
        gpu, _ = open_gpu(device)
        found["gpu"] = None if gpu is None else GpuWatch(gpu)
    return found


def order_of(loaded: Plugins, wishes: Wishes, choice: Choice, values: dict[str, Any]) -> Any:
    """The engine's order for these options."""
    import platformdirs

    from envdoctor.bench.engine import Order
    from envdoctor.bench.folds import check_folds
    from envdoctor.bench.plan import oracle_row, prepare_all
    from envdoctor.bench.presets import DEFAULT, PRESETS
    from envdoctor.detect.cpu import choose_cpus, read_cpu
    from envdoctor.detect.gathering import facts_of, gather_machine
    from envdoctor.statistics.verdicts import MARGIN

    workloads, folds = prepare_all(loaded, wishes), values.get("folds")
    if folds is not None:
        check_folds(workloads, folds)
    return Order(
        choice=choice,
        oracle=oracle_row(loaded),
        workloads=workloads,
        facts=facts_of(gather_machine(loaded.detectors())),
        cpus=choose_cpus(read_cpu(), values["threads"]),
        seed=wishes.seed,
        broken=loaded.broken,
        worker_seconds=values["worker_timeout"],
        preset=PRESETS.get(values.get("preset") or "", DEFAULT),
        margin=values.get("margin", MARGIN),
        time_limit_seconds=values.get("time_limit"),
        keep_in=platformdirs.user_cache_path("envdoctor"),
        folds=folds,
        fresh=values.get("fresh", False),
        stopping=not values.get("no_stopping", False),
        **_instruments(wishes.device, energy=values.get("energy", False)),
    )
