"""What must be there before anything is tried: Python, dependencies, a framework and a GPU."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smoke.plan import MODES

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = (CHECKOUT, CHECKOUT / "plugins", CHECKOUT / "benchmarks")
OLDEST = (3, 11)
MODULES = {
    "click": "click",
    "msgspec": "msgspec",
    "numpy": "numpy",
    "packaging": "packaging",
    "platformdirs": "platformdirs",
    "pluggy": "pluggy",
    "psutil": "psutil",
    "rich": "rich",
}
"""What envdoctor needs, by module; without NVML's binding it says so and goes on."""
NODES = ("/dev", "nvidia[0-9]*"), ("/dev", "dxg")
"""Where the driver shows a GPU, on Linux and under Windows."""


class Ground:
    """The machine and the Python that the steps would run on."""

    def __init__(
        self,
        has_module: Callable[[str], bool] | None = None,
        has_gpu: Callable[[], bool] | None = None,
        version: tuple[int, ...] = sys.version_info[:2],
    ) -> None:
        self._has_module = has_module or (lambda name: find_spec(name) is not None)
        self._has_gpu = has_gpu or find_gpu
        self._version = version

    def backends(self) -> tuple[str, ...]:
        """Those of torch and jax that are installed."""
        return tuple(name for name in MODES if self._has_module(name))

    def obstacle(self) -> str:
        """Why nothing can be shown here, in a sentence; empty if something can."""
        if self._version < OLDEST:
            have = ".".join(map(str, self._version))
            return f"envdoctor needs Python 3.11 or newer, and {sys.executable} is {have}."
        if not self._has_gpu():
            return "There is no NVIDIA GPU on this machine, so nothing can be shown."
        missing = [name for name, module in MODULES.items() if not self._has_module(module)]
        if missing:
            return (
                f"envdoctor needs {', '.join(missing)}, which {sys.executable} does not have; "
                "install it there, or name another Python: make gpu-smoke PYTHON=..."
            )
        if not self.backends():
            return (
                f"{sys.executable} has neither torch nor jax; name a Python that has: "
                "make gpu-smoke PYTHON=..."
            )
        return ""


def find_gpu() -> bool:
    """Whether a GPU of NVIDIA shows itself, without asking the driver."""
    return any(next(Path(folder).glob(name), None) is not None for folder, name in NODES)


def add_checkout() -> None:
    """Let this process import envdoctor from the checkout, whatever is installed."""
    sys.path[:0] = [str(source) for source in SOURCES if str(source) not in sys.path]


def write_metadata(folder: Path) -> Path:
    """Write what an installation would have written, for plugins are found through it.

    Returns:
        The folder for `sys.path`.
    """
    import tomllib

    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    name, version = project["name"], project["version"]
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir(parents=True, exist_ok=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    plugins: dict[str, str] = project["entry-points"][name]
    lines = [f"[{name}]", *(f"{plugin} = {module}" for plugin, module in plugins.items()), ""]
    (place / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder
