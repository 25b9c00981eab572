"""A notebook in a real kernel: a loaded run shows itself, and pandas reads its frame."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from envdoctor.model import codec
from envdoctor.model.run import Run
from envdoctor.report import csv

NEEDED = ("nbclient", "ipykernel", "pandas", "vl_convert")
MISSING = [name for name in NEEDED if find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.timeout(900),
]

EVIL = "<script>document.title = 'taken'</script>"
CELLS = (
    "import sys\nsys.executable",
    'import envdoctor\nrun = envdoctor.load("run.json")\nrun',
    "run.to_frame()",
    'print(run.to_frame().to_json(orient="records", double_precision=15))',
    'frame = run.to_frame("blocks")\nprint(len(frame), frame.wall_ns.sum())',
)
# In a process of its own: a kernel's client has threads, sockets and warnings of its libraries.
EXECUTE = """
import json, sys
import nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(source) for source in json.loads(sys.argv[1])]
notebook = nbformat.v4.new_notebook(cells=cells)
NotebookClient(notebook, timeout=240, startup_timeout=240).execute()
nbformat.validate(notebook)
nbformat.write(notebook, sys.argv[2])
"""

made: Callable[..., Run] = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))[
    "made_run"
]


class Elements(HTMLParser):
    """The elements of a document with their attributes, and its text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.found}


@pytest.fixture(scope="module")
def run() -> Run:
    steps = {"numpy": 4e-4, "torch eager": 1e-3, "jax jit": 2e-4}
    return made(steps, launches=2, rounds=8, versions={"torch": EVIL})


@pytest.fixture(scope="module")
def executed(run: Run, module_mark: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after its execution, its home, and the processes that are left."""
    folder = tmp_path_factory.mktemp("notebook")
    home = folder / "home"
    codec.write(run, folder / "run.json")
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, json.dumps(CELLS), str(folder / "look.ipynb")],
        env={
            **{name: value for name, value in os.environ.items() if "JUPYTER" not in name},
            **module_mark.variables,
            "HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    notebook = json.loads((folder / "look.ipynb").read_text("utf-8"))
    return {
        "outputs": [cell["outputs"] for cell in notebook["cells"]],
        "specs": list(folder.rglob("kernel.json")),
        "survivors": module_mark.survivors(),
    }


def shown(executed: Any, number: int) -> dict[str, str]:
    """What a cell displays, by its media type."""
    (output,) = executed["outputs"][number]
    assert output["output_type"] == "execute_result"
    return {kind: "".join(text) for kind, text in output["data"].items()}


def printed(executed: Any, number: int) -> str:
    (output,) = executed["outputs"][number]
    assert output["name"] == "stdout"
    return "".join(output["text"])


def test_the_kernel_is_this_interpreter_and_nothing_is_left(executed: Any) -> None:
    assert shown(executed, 0)["text/plain"] == repr(sys.executable)
    assert executed["specs"] == []
    assert executed["survivors"] == []


def test_a_run_alone_shows_the_page_in_a_frame(executed: Any, run: Run) -> None:
    display = shown(executed, 1)
    assert set(display) == {"text/plain", "text/html"}
    assert display["text/plain"] == ("<envdoctor run made-0: 3 rows on mlp-tiny, finished>")
    ((tag, attributes),) = Elements(display["text/html"]).found
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-same-origin"  # which allows no script
    page = Elements(attributes["srcdoc"] or "")
    assert {"html", "table", "svg"} <= page.tags()
    assert "script" not in page.tags()
    assert EVIL in page.text
    assert run.id in page.text


def test_a_frame_shows_itself_with_harmless_names(executed: Any) -> None:
    display = shown(executed, 2)
    table = Elements(display["text/html"])
    assert "script" not in table.tags()
    assert "<script>" in table.text
    assert [tag for tag, _ in table.found].count("tr") == 4  # the headings, and three rows
    assert "<script>" in display["text/plain"]


def test_the_frame_has_the_numbers_of_the_run(executed: Any, run: Run) -> None:
    lines = json.loads(printed(executed, 3))
    wanted = list(csv.rows(run))
    assert [line["backend"] for line in lines] == ["numpy", "torch", "jax"]
    assert [line["version"] for line in lines] == ["1.0", EVIL, "1.0"]
    for line, row in zip(lines, wanted, strict=True):
        for name in ("step_seconds", "samples_per_second", "footprint_bytes", "metric_value"):
            assert line[name] == pytest.approx(row[name], rel=1e-9), name
    blocks = [block for cell in run.cells for block in cell.blocks]
    count, total = map(int, printed(executed, 4).split())
    assert (count, total) == (len(blocks), sum(block.wall_ns for block in blocks))
