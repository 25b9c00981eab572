"""`envdoctor info`: the facts, for a bug report or for another machine's doctor."""

from __future__ import annotations

from pathlib import Path

import click

from envdoctor.errors import ExitCode

FORMATS = ("console", "json", "markdown")


@click.command()
@click.option("--python", "python", metavar="PATH", help="Of another environment.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="console",
    help="How to write them; `check --facts` reads json.",
)
@click.option("--output", type=click.Path(path_type=Path), help="Write them to a file.")
@click.option(
    "--redact/--no-redact",
    default=True,
    show_default=True,
    help="Hide names, addresses and secrets.",
)
@click.pass_obj
def info(
    strangers: bool, /, python: str | None, format_name: str, output: Path | None, redact: bool
) -> int:
    """Show the facts of this machine and an environment, without judging them.

    \b
    envdoctor info
    envdoctor info --format markdown
    envdoctor info --format json --output facts.json
    """
    from envdoctor.cli import doctor_output

    with doctor_output.ask_ahead([python]) as ahead:
        from envdoctor.diagnosis.examine import examine
        from envdoctor.plugins import load_plugins
        from envdoctor.report import doctor_info, doctor_json

        (snapshot,) = examine(load_plugins(strangers=strangers), ahead.interpreters, ahead)
    if redact:
        snapshot = doctor_output.redact(snapshot, [snapshot])
    writers = {
        "console": doctor_info.write_text,
        "json": doctor_json.write,
        "markdown": doctor_info.write_markdown,
    }
    with doctor_output.open_output(output) as stream:
        writers[format_name](snapshot, stream)
    return ExitCode.DONE
