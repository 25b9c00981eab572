"""Files that Python runs when it starts, and that are broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.evidence import some
from envdoctor.checks.remedies import run_python
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment, PthFile
    from envdoctor.model.snapshot import Snapshot

ID = "broken-pth"


def broken_pth(snapshot: Snapshot) -> Iterator[Finding]:
    """Start-up files that keep Python from starting, fail, or name what is not there."""
    environment = snapshot.environment
    broken = [file for file in environment.pth_files if file.error]
    if environment.interpreter.start_error:
        yield _does_not_start(environment, broken)
    else:
        yield from (_fails(environment, file) for file in broken)
    for file in environment.pth_files:
        if file.dangling and not file.error:
            yield _dangles(file)


def _does_not_start(environment: Environment, broken: list[PthFile]) -> Finding:
    home = environment.variables.get("PYTHONHOME", "")
    facts = [Evidence(fact=environment.interpreter.start_error, source="standard error of Python")]
    facts += [Evidence(fact=file.error, source=file.path) for file in broken]
    if not broken:
        suspects = [file for file in environment.pth_files if file.executes]
        facts += [Evidence(fact="runs code at every start", source=each.path) for each in suspects]
    remedies = [_move_away(file) for file in broken]
    if home:
        facts.append(Evidence(fact=f"PYTHONHOME is {home}", source="environment variable"))
        text = "PYTHONHOME tells Python to look for its library elsewhere."
        remedies.insert(0, Remedy(command="unset PYTHONHOME", text=text))
    if not remedies:
        text = "Start it with -v: the last import before the end is that of the file to mend."
        path = environment.interpreter.path
        remedies.append(Remedy(command=f"{path} -v -c pass", text=text))
    return Finding(
        id=ID,
        status="fail",
        title="This Python starts only without its start-up files",
        evidence=tuple(facts),
        cause="A .pth file, sitecustomize or a variable ends Python before any program begins; "
        "it was examined with -I -S, which leaves them out.",
        remedies=tuple(remedies),
        verify=run_python(environment, "pass"),
    )


def _fails(environment: Environment, file: PthFile) -> Finding:
    return Finding(
        id=ID,
        status="warn",
        subject=file.path,
        title=f"The start-up file {_name(file)} is broken",
        evidence=(Evidence(fact=file.error, source=file.path),),
        cause="Python reads this file each time it starts, passes over the rest of it when a line "
        "fails, and goes on without what the file should have set up.",
        remedies=(_move_away(file),),
        verify=run_python(environment, "pass"),
    )


def _dangles(file: PthFile) -> Finding:
    return Finding(
        id=ID,
        status="info",
        subject=file.path,
        title=f"The start-up file {_name(file)} names a folder that is not there",
        evidence=(Evidence(fact=some(file.dangling), source=file.path),),
        cause="Python passes over such a line in silence. It is often left from an editable "
        "install whose source was moved or deleted.",
        remedies=(
            Remedy(text="Install that project again from where it is now, or uninstall it."),
        ),
    )


def _move_away(file: PthFile) -> Remedy:
    return Remedy(
        text=f"Reinstall what {file.path} belongs to, or move the file away if nothing needs it."
    )


def _name(file: PthFile) -> str:
    return file.path.replace("\\", "/").rpartition("/")[2]


CHECKS = (
    Check(
        id=ID,
        group="python",
        summary="start-up files of Python that are broken",
        run=broken_pth,
        page=Page(
            symptoms=(
                "Error processing line 1 of .../site-packages/example.pth:",
                "Fatal Python error: init_import_site: Failed to import the site module",
            ),
            why="Python reads the .pth files of site-packages, sitecustomize and usercustomize "
            "before any program. A line that raises is skipped with all that follow it; text that "
            "cannot be decoded, or code that exits, ends Python itself.",
            seen_by="the bytes of each .pth file, what Python writes to standard error when it "
            "starts, and whether it starts at all",
            confirmed_by="python -v -c pass",
            remedy="Reinstall the distribution that the file belongs to, or move the file away.",
            sources=("https://docs.python.org/3/library/site.html",),
        ),
    ),
)
