"""Puts the parts together and writes them down; a part that fails is named, not fatal."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH123

from __future__ import annotations

import gc
import json
import sys
from typing import Any, Callable, Dict, List

from envdoctor.child.inspection.conda import conda_packages
from envdoctor.child.inspection.distributions import Installed, installed
from envdoctor.child.inspection.extensions import built_for_numpy_one
from envdoctor.child.inspection.folders import Folders
from envdoctor.child.inspection.interpreter import interpreter, marker_environment
from envdoctor.child.inspection.kernels import kernels
from envdoctor.child.inspection.libraries import openmp_runtimes, standard_libraries
from envdoctor.child.inspection.modules import origins, shadows
from envdoctor.child.inspection.paths import Paths, find_paths
from envdoctor.child.inspection.start_up import start_up_files
from envdoctor.child.inspection.tools import tools
from envdoctor.child.inspection.variables import variables


class Inspection:
    """Looks at one part after the other, and remembers what could not be looked at."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.folders = Folders()
        self.unseen: List[Dict[str, str]] = []

    def part(self, what: str, look: Callable[[], Any], nothing: Any = ()) -> Any:
        """What a look shows; nothing if it fails, whatever the reason."""
        try:
            return look()
        except Exception as error:  # noqa: BLE001  whatever is wrong there is data
            self.unseen.append({"what": what, "reason": f"{type(error).__name__}: {error}"})
            return nothing

    def report(self, current_folder: str, modules: List[str]) -> Dict[str, Any]:
        """All that `envdoctor.model.environment.Environment` holds, and the marker variables."""
        look, paths, folders = self.part, self.paths, self.folders
        sys.path[:] = paths.entries
        there: Installed = look(
            "installed distributions", lambda: installed(paths.entries, folders), Installed()
        )
        where = look("modules", lambda: origins(modules), {})
        found: Dict[str, Any] = {
            "interpreter": interpreter(paths),
            "markers": marker_environment(),
            "distributions": there.distributions,
            "clashes": there.clashes,
            "leftovers": there.leftovers,
            "variables": variables(),
            "modules": where,
            "shadows": look("current folder", lambda: shadows(current_folder, where)),
            "pth_files": look("start-up files", lambda: start_up_files(paths, folders)),
            "numpy_one_extensions": look("extension modules", lambda: _numpy_one(there)),
            "conda_packages": look("conda packages", lambda: conda_packages(paths, folders)),
            "kernels": look("Jupyter kernels", lambda: kernels(paths.prefix, folders)),
            "tools": look("package managers", tools),
            "openmp_runtimes": look(
                "OpenMP", lambda: openmp_runtimes(there.openmp, paths, folders)
            ),
            "libstdcxx": look("libstdc++", lambda: standard_libraries(paths)),
        }
        refused = [{"what": path, "reason": why} for path, why in folders.refused.items()]
        return {**found, "unseen": self.unseen + refused}


def _numpy_one(there: Installed) -> List[Dict[str, str]]:
    version = next((each["version"] for each in there.distributions if each["name"] == "numpy"), "")
    major = version.partition(".")[0]
    return built_for_numpy_one(there.extensions) if major.isdigit() and int(major) >= 2 else []


def write(answer: str, current_folder: str, modules: List[str]) -> None:
    """Write the report to a file. Names that are no text are written with question marks."""
    gc.disable()  # all that is made is kept, and looking for rubbish costs a tenth of the time
    report = Inspection(find_paths()).report(current_folder, modules)
    text = json.dumps(report, ensure_ascii=False)
    with open(answer, "wb") as stream:
        stream.write(text.encode("utf-8", "replace"))
