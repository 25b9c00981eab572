"""What the shell may complete: names that plugins bring, found without importing a framework, and
stored runs, found without reading one.

Click calls these while the user types: whatever goes wrong completes nothing and prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from envdoctor.plugins import Plugins

    Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
    Named = Iterable[tuple[str, str]]

MOST_RUNS = 50
"""So many ids of stored runs are offered, the newest."""
DEVICES = (("cpu", ""), ("cuda", "The first NVIDIA or AMD GPU."), ("cuda:1", "The second one."))


def names(find: Callable[[Plugins, click.Context], Named]) -> Complete:
    """A completion from what the plugins offer: pairs of a name and what to say of it."""

    def complete(
        context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from envdoctor.errors import EnvdoctorError
        from envdoctor.plugins import load_plugins

        strangers = not context.find_root().params.get("no_plugins", False)
        try:
            found = list(find(load_plugins(strangers=strangers), context))
        except EnvdoctorError:
            return []
        return _beginning_with(incomplete, found)

    return complete


def _beginning_with(incomplete: str, found: Named) -> list[CompletionItem]:
    return [CompletionItem(name, help=said) for name, said in found if name.startswith(incomplete)]


def names_or_files(find: Callable[[Plugins, click.Context], Named]) -> Complete:
    """The same for an argument that may be a file: where no name fits, the shell offers files."""
    by_name = names(find)

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        found = [] if incomplete[:1] in {".", "/", "~"} else by_name(context, parameter, incomplete)
        return found or [CompletionItem(incomplete, type="file")]

    return complete


def _workloads(plugins: Plugins, _context: click.Context) -> Named:
    return ((file.name, "") for file in plugins.workload_files())


def _backends(plugins: Plugins, _context: click.Context) -> Named:
    return ((backend.name, backend.summary) for backend in plugins.backends())


def _modes(plugins: Plugins, context: click.Context) -> Named:
    """The modes of the backends that were chosen, else of all."""
    chosen = context.params.get("backends") or ()
    found: dict[str, str] = {}
    for backend in plugins.backends():
        if not chosen or backend.name in chosen:
            found |= {mode.name: "" for mode in backend.modes if mode.name not in found}
    return found.items()


def _checks(plugins: Plugins, _context: click.Context) -> Named:
    return ((check.id, check.summary) for check in plugins.checks())


def _run_formats(plugins: Plugins, _context: click.Context) -> Named:
    return [("console", ""), *((each.name, each.summary) for each in plugins.exporters())]


def _report_formats(plugins: Plugins, _context: click.Context) -> Named:
    from envdoctor.report.folders import FOLDERS

    exporters = {each.name: each.summary for each in plugins.exporters()}
    return sorted(
        {"html": "One page with charts.", **dict.fromkeys(FOLDERS, ""), **exporters}.items()
    )


workloads = names_or_files(_workloads)
backends = names(_backends)
modes = names(_modes)
checks = names(_checks)
run_formats = names(_run_formats)
report_formats = names(_report_formats)


def devices(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The usual devices; none is looked for, since that takes longer than typing one."""
    return _beginning_with(incomplete, DEVICES)


def runs(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names of stored runs, and the newest ids."""
    from envdoctor.library.folder import runs_folder, stored_ids
    from envdoctor.library.names import names_by_run

    try:
        folder = runs_folder()
        named = sorted((name, run) for run, found in names_by_run(folder).items() for name in found)
        ids = [run for run in reversed(stored_ids(folder)) if run.startswith(incomplete)]
    except OSError:
        return []
    return _beginning_with(incomplete, [*named, *((run, "") for run in ids[:MOST_RUNS])])


def runs_or_files(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The same for an argument that may be a file of a run elsewhere."""
    found = [] if incomplete[:1] in {".", "/", "~"} else runs(context, parameter, incomplete)
    return found or [CompletionItem(incomplete, type="file")]
