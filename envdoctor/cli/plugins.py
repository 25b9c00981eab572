"""`envdoctor plugins`: what is there, and what would make the rest run."""

from __future__ import annotations

from typing import Any

import click

from envdoctor.errors import ExitCode


@click.command()
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["console", "json"]),
    default="console",
    help="For people, or for programs.",
)
@click.option(
    "--python", "python", metavar="PATH", help="Look at another environment than envdoctor's own."
)
@click.pass_obj
def plugins(strangers: bool, /, format_name: str, python: str | None) -> int:
    """List the plugins, their backends, and why one cannot run here.

    \b
    envdoctor plugins
    envdoctor plugins --python /path/to/venv/bin/python
    envdoctor --no-plugins plugins
    """
    from envdoctor.plugins import load_plugins
    from envdoctor.report import listing

    found = _look(load_plugins(strangers=strangers), python)
    if format_name == "json":
        click.echo(listing.as_json(found))
    else:
        from rich.console import Console

        listing.show_plugins(found, Console())
    return ExitCode.DONE


def _look(loaded: Any, python: str | None) -> dict[str, Any]:
    """What the command shows, as plain data."""
    from envdoctor.bench.plan import find_obstacle
    from envdoctor.target.interpreter import find_interpreter, survey

    interpreter = find_interpreter(python)
    backends = loaded.backends()
    seen = survey(interpreter, (*(backend.module for backend in backends), "numpy"))
    rows = []
    for backend in backends:
        obstacle = find_obstacle(backend, seen)
        version = seen.version_of(backend.distributions)
        rows.append(
            {
                "name": backend.name,
                "summary": backend.summary,
                "plugin": str(loaded.owner_of(backend)),
                "modes": [mode.name for mode in backend.modes],
                "version": version[1] if version else None,
                "runs": obstacle is None,
                "reason": obstacle.reason if obstacle else "",
                "remedy": obstacle.remedy if obstacle else "",
            }
        )
    return {
        "interpreter": interpreter,
        "backends": rows,
        "plugins": [str(owner) for owner in loaded.owners],
        "disabled": loaded.disabled,
        "broken": [{"plugin": b.plugin, "reason": b.reason} for b in loaded.broken],
    }
