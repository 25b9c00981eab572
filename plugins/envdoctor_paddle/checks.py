"""Everything that the doctor knows of PaddlePaddle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import remedies
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

IMPORT = "import paddle; print(paddle.__version__, paddle.device.get_device())"
RUN_CHECK = "import paddle; paddle.utils.run_check()"


def find_two_builds(snapshot: Snapshot) -> Iterator[Finding]:
    """Two builds of PaddlePaddle over each other in one folder."""
    environment = snapshot.environment
    paddle = environment.frameworks.get("paddle")
    present = paddle.details.get("distributions", "").split() if paddle is not None else []
    if paddle is None or len(present) < 2:
        return
    kept = present[-1]
    version = environment.version_of(kept)
    yield Finding(
        id="paddle-two-builds",
        status="warn",
        title="Several builds of PaddlePaddle lie over each other",
        evidence=(
            *(
                Evidence(fact=f"{name} {environment.version_of(name)}", source="installed packages")
                for name in present
            ),
            Evidence(fact=_describe(paddle.cuda), source=f"{paddle.location}/version/__init__.py"),
        ),
        cause="All of them write into the folder `paddle`: the one that was installed last has "
        "won, file by file, and removing one removes files of the other.",
        remedies=(
            remedies.uninstall(environment, *present, text="Removes all of them."),
            remedies.install(
                environment,
                f"{kept}=={version}",
                options="--force-reinstall --no-deps",
                text=f"Installs {kept} again, from the index that it came from.",
            ),
        ),
        verify=remedies.run_python(environment, RUN_CHECK),
    )


def _describe(cuda: str | None) -> str:
    return f"the files are of a build for CUDA {cuda}" if cuda else "the files are of a CPU build"


def find_one_thread(snapshot: Snapshot) -> Iterator[Finding]:
    """An OMP_NUM_THREADS that is no number, which Paddle takes for 1."""
    environment = snapshot.environment
    said = environment.variables.get("OMP_NUM_THREADS", "")
    if "paddle" not in environment.frameworks or not said or _is_number(said):
        return
    yield Finding(
        id="paddle-thread-count-unreadable",
        status="warn",
        title="PaddlePaddle cannot read OMP_NUM_THREADS and computes on one thread",
        evidence=(Evidence(fact=f"OMP_NUM_THREADS={said}", source="environment variable"),),
        cause="At import Paddle reads the variable as one number, takes 1 for everything else, and "
        "writes that back into it for all libraries that are loaded later.",
        remedies=(
            Remedy(
                command=f"export OMP_NUM_THREADS={_first_number(said)}",
                text="Says it as one number.",
            ),
        ),
        verify=remedies.run_python(environment, IMPORT),
    )


def _is_number(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def _first_number(text: str) -> str:
    """`4` of `4,2`, the OpenMP way to say threads by level; 1 where there is none."""
    first = text.partition(",")[0].strip()
    return first if _is_number(first) else "1"


CHECKS: tuple[Check, ...] = (
    Check(
        id="paddle-two-builds",
        group="paddle",
        summary="paddlepaddle and paddlepaddle-gpu in one environment",
        run=find_two_builds,
        hides=("two-distributions-own-one-package",),
        page=Page(
            symptoms=(
                "ModuleNotFoundError: No module named 'paddle', after one build was removed",
                "paddle.device.is_compiled_with_cuda() is False though paddlepaddle-gpu is there",
            ),
            why="The builds for CPU and GPU are distributions of different names with one module, "
            "so pip does not know that one replaces the other.",
            seen_by="the installed packages",
            confirmed_by="python -c 'import paddle; paddle.utils.run_check()'",
            remedy="Remove all of them, and install the one that you want.",
            sources=("Paddle#47344",),
        ),
    ),
    Check(
        id="paddle-thread-count-unreadable",
        group="paddle",
        summary="an OMP_NUM_THREADS that Paddle takes for 1",
        run=find_one_thread,
        page=Page(
            symptoms=("one busy CPU while Paddle trains",),
            why="OpenMP allows a list such as 4,2, one number for each level; Paddle does not.",
            seen_by="the variable OMP_NUM_THREADS",
            remedy="Give one number.",
            sources=("paddle/base/__init__.py",),
        ),
    ),
)
