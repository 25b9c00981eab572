"""`envdoctor workloads`: what can be trained."""

from __future__ import annotations

from typing import Any

import click

from envdoctor.cli import candidates
from envdoctor.errors import ExitCode


@click.command()
@click.argument("names", nargs=-1, metavar="[WORKLOAD]...", shell_complete=candidates.workloads)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["console", "json"]),
    default="console",
    help="For people, or for programs.",
)
@click.pass_obj
def workloads(strangers: bool, /, names: tuple[str, ...], format_name: str) -> int:
    """List the workloads, with their size and cost; check a file of your own.

    \b
    envdoctor workloads
    envdoctor workloads ./my-model.toml
    envdoctor workloads --format json
    """
    from envdoctor.plugins import load_plugins
    from envdoctor.report import listing

    found = _look(load_plugins(strangers=strangers), names)
    if format_name == "json":
        click.echo(listing.as_json({"workloads": found}))
    else:
        from rich.console import Console

        listing.show_workloads(found, Console())
    return ExitCode.DONE


def _look(loaded: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """What the command shows, as plain data."""
    from envdoctor.bench.plan import Wishes, prepare_all

    wanted = names or tuple(file.name for file in loaded.workload_files())
    rows = []
    for prepared in prepare_all(loaded, Wishes(workloads=wanted)):
        described, network = prepared.description, prepared.network
        rows.append(
            {
                "name": prepared.name,
                "summary": described.summary,
                "data_set": described.data.set,
                "batch": described.train.batch,
                "steps": prepared.steps,
                "parameters": network.parameter_count,
                "forward_flops": network.forward_flops,
                "training_flops": network.training_flops,
                "layers": [layer.kind for layer in network.layers],
            }
        )
    return rows
