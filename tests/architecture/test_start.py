"""What a real process imports: what static analysis cannot see."""

from __future__ import annotations

import subprocess
import sys

FRAMEWORKS = {"torch", "tensorflow", "jax", "jaxlib", "keras"}


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=600, check=True
    )


def test_help_starts_without_any_heavy_module() -> None:
    report = _run("-X", "importtime", "-m", "envdoctor", "--help").stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in report.splitlines()}
    assert "click" in imported
    assert imported & {*FRAMEWORKS, "numpy", "rich", "msgspec", "psutil", "pluggy"} == set()


SHOW = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"


def test_loading_all_plugins_imports_no_framework() -> None:
    load = "from envdoctor.plugins import load_plugins; found = load_plugins()"
    check = "assert not found.broken, found.broken; assert len(found.backends()) >= 4"
    loaded = set(_run("-c", f"{load}; {check}; {SHOW}").stdout.split())
    assert "envdoctor_torch" in loaded
    assert loaded & FRAMEWORKS == set()


def test_preparing_a_workload_imports_no_framework() -> None:
    code = (
        "from envdoctor.plugins import load_plugins\n"
        "from envdoctor.bench.plan import Wishes, prepare_all\n"
        "import envdoctor.bench.engine, envdoctor.bench.matrix, envdoctor.report.console\n"
        "prepare_all(load_plugins(), Wishes(workloads=('mlp-tiny',)))\n"
    )
    loaded = set(_run("-c", code + SHOW).stdout.split())
    assert loaded & FRAMEWORKS == set()


def test_the_plugin_interface_needs_no_numpy() -> None:
    loaded = set(_run("-c", f"import envdoctor.api; {SHOW}").stdout.split())
    assert loaded & {*FRAMEWORKS, "numpy", "rich"} == set()
