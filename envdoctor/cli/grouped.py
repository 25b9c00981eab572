"""A command whose help shows its options under headings, those that are used most first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

REST = "Other options"
"""The heading of what no heading names: a new option is never lost."""
NAMES_WIDTH = 26
"""The widest column of names; a longer one has its text below it."""


class GroupedCommand(click.Command):
    """A command with `headings`: the options under each, in the order in which to show them."""

    def __init__(self, *args: Any, headings: Mapping[str, tuple[str, ...]], **others: Any) -> None:
        super().__init__(*args, **others)
        self.headings = headings

    def sections(self, context: click.Context) -> dict[str, list[tuple[str, str]]]:
        """The names and the text of each option, by heading; a heading without any is left out."""
        left = {}
        for option in self.get_params(context):
            record = option.get_help_record(context)
            if record is not None and isinstance(option, click.Option):
                left[option.opts[0]] = record
        found = {
            heading: [left.pop(name) for name in names if name in left]
            for heading, names in self.headings.items()
        }
        found[REST] = list(left.values())
        return {heading: records for heading, records in found.items() if records}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        for heading, records in self.sections(ctx).items():
            with formatter.section(heading):
                formatter.write_dl(records, col_max=NAMES_WIDTH)
