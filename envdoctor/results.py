"""Stored runs in Python: `envdoctor.load(path)`, with a page in notebooks and frames of pandas."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from envdoctor.errors import EnvdoctorError, IncompleteError

if TYPE_CHECKING:
    from os import PathLike

    from envdoctor.model.run import Run


def load(path: str | PathLike[str]) -> Results:
    """The run of a run file.

    Raises:
        envdoctor.errors.InputError: it cannot be read, or is no run file.
    """
    from envdoctor.model import codec

    return Results(codec.read(Path(path)))


@dataclass(frozen=True)
class Results:
    """One run: `run` is the whole record; the rest shows it."""

    run: Run

    def to_html(self) -> str:
        """The page with all charts, as `envdoctor report` writes it; needs envdoctor[report]."""
        from envdoctor.report.html import page

        return page([self.run])

    def to_markdown(self) -> str:
        """The tables as Markdown."""
        from envdoctor.report import markdown

        stream = StringIO()
        markdown.write(self.run, stream)
        return stream.getvalue()

    def to_frame(self, of: Literal["rows", "blocks", "history"] = "rows") -> Any:
        """A pandas.DataFrame.

        Args:
            of: `rows`: a line for each row and workload, derived, as in the CSV file;
                `blocks`: a line for each measured block, raw, as in JSON Lines;
                `history`: a line for each kept step of the training plans.

        Raises:
            envdoctor.errors.IncompleteError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise IncompleteError(
                "a frame needs pandas, which is not installed.",
                "`python -m pip install pandas` installs it.",
            ) from error
        if of == "blocks":
            from envdoctor.report.jsonl import blocks

            return pd.DataFrame(list(blocks(self.run)))
        if of == "history":
            from envdoctor.report import curves

            return pd.DataFrame(list(curves.history(self.run)), columns=list(curves.COLUMNS))
        from envdoctor.report.csv import COLUMNS, rows

        return pd.DataFrame(list(rows(self.run)), columns=list(COLUMNS))

    def __repr__(self) -> str:
        names = ", ".join(self.run.plan.workloads)
        rows = len(self.run.plan.rows)
        return f"<envdoctor run {self.run.id}: {rows} rows on {names}, {self.run.state}>"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its style stays in it; else the bare text."""
        try:
            whole = self.to_html()
        except EnvdoctorError as error:
            return f"<p>{escape(error.sentence)}</p><pre>{escape(self.to_markdown())}</pre>"
        return (
            f'<iframe srcdoc="{escape(whole)}" sandbox="allow-same-origin" '
            'style="width:100%;height:720px;border:0" title="envdoctor report"></iframe>'
        )
