"""`python -m envdoctor.testing NAME`: the kit from a shell."""

from __future__ import annotations

import itertools
import sys
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import click
import msgspec

from envdoctor.errors import EnvdoctorError, ExitCode
from envdoctor.testing import report
from envdoctor.testing.cases import conformance_cases
from envdoctor.testing.requirements import REQUIREMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envdoctor.testing.cases import Case
    from envdoctor.testing.verdict import Verdict


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("backend", metavar="NAME")
@click.option("--mode", "modes", multiple=True, metavar="NAME", help="Only this mode; repeat.")
@click.option("--only", "only", multiple=True, metavar="REQUIREMENT", help="Only this; repeat.")
@click.option(
    "--workload",
    "families",
    multiple=True,
    metavar="NAME",
    help="Only on this one of the workloads, such as mlp-tiny; repeat.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["console", "json"]),
    default="console",
    help="A line for each requirement, or JSON.",
)
def main(
    backend: str,
    *,
    modes: tuple[str, ...],
    only: tuple[str, ...],
    families: tuple[str, ...],
    format_name: str,
) -> int:
    """Say whether the backend NAME earns its certificate, requirement by requirement.

    Exit code 0 if every one is kept, 1 if one is broken, 2 if it cannot be tried here.
    """
    cases = conformance_cases(backend, modes=modes, requirements=only, families=families)
    if format_name == "json":
        verdicts = [case.judge() for case in cases]
        click.echo(msgspec.json.format(msgspec.json.encode(verdicts), indent=2).decode("utf-8"))
    else:
        verdicts = list(_tell(cases))
    failed = any(verdict.status == "failed" for verdict in verdicts)
    return ExitCode.PROBLEMS if failed else ExitCode.DONE


def _tell(cases: Sequence[Case]) -> Iterator[Verdict]:
    """Say each verdict when it is known: a slow one is seen to be at work."""
    width = max(len(requirement.name) for requirement in REQUIREMENTS)
    for row, of_row in itertools.groupby(cases, attrgetter("row")):
        click.echo(row)
        verdicts = []
        for case in of_row:
            verdicts.append(case.judge())
            click.echo(report.line(verdicts[-1], width))
        click.echo(report.conclusion(verdicts))
        yield from verdicts


def run(arguments: Sequence[str]) -> int:
    """Run it and return the exit code; whatever the user can mend leaves as a sentence."""
    try:
        code: Any = main.main(
            list(arguments), prog_name="python -m envdoctor.testing", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except EnvdoctorError as error:
        click.echo(f"error: {error.sentence}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        return ExitCode.INTERRUPTED
    return int(code or ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
