"""Everything that the doctor knows of MindSpore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, remedies
from envdoctor.checks.abi import older_numpy
from envdoctor.model.finding import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

NUMPY_TWO = Version("2.0")
TRY = (
    "import numpy, mindspore; a = mindspore.Tensor(numpy.ones((2, 2), numpy.float32)); print(a * a)"
)


def find_newer_numpy(snapshot: Snapshot) -> Iterator[Finding]:
    """A MindSpore that was built for NumPy 1, beside NumPy 2."""
    environment = snapshot.environment
    mindspore = environment.frameworks.get("mindspore")
    numpy = compat.parse(environment.version_of("numpy"))
    if mindspore is None or numpy is None or numpy < NUMPY_TWO:
        return
    library = mindspore.details.get("built for NumPy 1", "")
    if not library:
        return
    yield Finding(
        id="mindspore-numpy-2",
        status="warn",
        title="This MindSpore was built for NumPy 1",
        evidence=(
            Evidence(fact=f"mindspore {mindspore.version}", source="installed packages"),
            Evidence(fact=f"numpy {numpy}", source="installed packages"),
            Evidence(fact="names the modules of NumPy 1 only", source=library),
        ),
        cause="The first operator of each process that is looked up by the types of its operands, "
        "such as the product of two tensors, raises a SystemError. Its package allows any newer "
        "NumPy, so installers do not prevent it.",
        remedies=(older_numpy(environment, "mindspore", "Installs the NumPy it was built for."),),
        verify=remedies.run_python(environment, TRY),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="mindspore-numpy-2",
        group="mindspore",
        summary="a MindSpore that was built for NumPy 1, beside NumPy 2",
        run=find_newer_numpy,
        page=Page(
            symptoms=(
                "SystemError: <method '__mul__' of 'TensorPy' objects> returned a result with",
                "ImportError: numpy.core.multiarray failed to import",
                "A module that was compiled using NumPy 1.x cannot be run in NumPy 2",
            ),
            why="One of MindSpore's libraries imports the C interface of NumPy by the name that it "
            "had before NumPy 2, when it is first needed. The error of that import is left behind "
            "and comes up in whatever runs at that moment.",
            seen_by="the version of NumPy, and the names in the library of MindSpore's operators",
            confirmed_by="multiplying two tensors in a fresh process",
            remedy="Install NumPy 1, or a MindSpore that was built for NumPy 2.",
            sources=("mindspore 2.10.0, its wheel for Linux", "NumPy 2.0 migration guide"),
        ),
    ),
)
