"""Real environments with faults made by hand, and the whole road from them to a diagnosis.

Load it with `runpy.run_path`, since tests are no package.
"""

from __future__ import annotations

import base64
import hashlib
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from envdoctor.child.inspection.variables import NAMES, PREFIXES
from envdoctor.diagnosis.examine import examine as examine_all
from envdoctor.diagnosis.judge import judge
from envdoctor.model.finding import Finding
from envdoctor.model.machine import HostMemory, Machine, Platform
from envdoctor.model.snapshot import Snapshot
from envdoctor.plugins import Plugins
from envdoctor.target.environment import examine
from envdoctor.target.inspection import Ahead

VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
KEPT = {"LANG", "LC_ALL", "TEMP", "TMP", "TMPDIR", "CC", "CXX"}
"""Variables that the tests themselves may need."""
run = runpy.run_path(str(Path(__file__).parent / "snapshots.py"))["run"]


class Site:
    """A folder of packages below a prefix, whose distributions are made by hand."""

    def __init__(self, prefix: Path) -> None:
        self.site = prefix / "lib" / VERSION / "site-packages"

    def write(self, path: str, content: bytes = b"VALUE = 1\n") -> Path:
        """Put a file into site-packages."""
        place = self.site / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return place

    def install(
        self,
        name: str,
        version: str,
        *files: str,
        requires: tuple[str, ...] = (),
        installer: str = "pip",
        metadata: bytes | None = None,
    ) -> None:
        """Lay a distribution down as pip does."""
        own = f"VALUE = '{name} {version}'\n".encode()
        contents = {path: b"" if path.endswith("__init__.py") else own for path in files}
        rows = []
        for path, content in contents.items():
            self.write(path, content)
            rows.append(f"{path},{_hash(content)},{len(content)}")
        info = _info(name, version)
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        lines += [f"Requires-Dist: {each}" for each in requires]
        text = "\n".join(lines).encode() + b"\n"
        self.write(f"{info}/METADATA", text if metadata is None else metadata)
        self.write(f"{info}/INSTALLER", f"{installer}\n".encode())
        rows += [f"{info}/METADATA,,", f"{info}/INSTALLER,,", f"{info}/RECORD,,"]
        self.write(f"{info}/RECORD", "\n".join(rows).encode() + b"\n")

    def install_all(self, *wanted: str) -> None:
        """Lay packages of no more than a name down: each is `NAME VERSION REQUIREMENT...`."""
        for each in wanted:
            name, version, *requires = each.split()
            package = name.replace("-", "_")
            self.install(name, version, f"{package}/__init__.py", requires=tuple(requires))

    def install_torch(self, version: str, cuda: str | None) -> None:
        """Lay a torch down that says of itself what it was built for."""
        self.install_all(f"torch {version}")
        self.write("torch/version.py", f"__version__ = {version!r}\ncuda = {cuda!r}\n".encode())

    def uninstall_all(self, *names: str) -> None:
        """Take away what `install_all` has laid down; each may be followed by its version."""
        for name in (each.split()[0] for each in names):
            package = name.replace("-", "_")
            shutil.rmtree(self.site / package)
            for info in self.site.glob(f"{package}-*.dist-info"):
                shutil.rmtree(info)

    def remove(self, path: str) -> None:
        """Lose a file."""
        (self.site / path).unlink()


class Patient(Site):
    """A virtual environment without pip."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.python = folder / "bin" / "python"
        self.folder = folder
        self.create()

    def create(self) -> None:
        """Make the Python."""
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", str(self.folder)],
            check=True,
            timeout=600,
        )

    def snapshot(self) -> Snapshot:
        """What the survey says of it, on a plain machine."""
        plain = Platform(system="Linux", architecture="x86_64", libc="glibc 2.36")
        machine = Machine(platform=plain, memory=HostMemory(total_bytes=1 << 34))
        return Snapshot(machine=machine, environment=examine(str(self.python)))

    def findings(self, check_id: str) -> list[Finding]:
        """What one check says of it, on a plain machine."""
        found: list[Finding] = run(check_id, self.snapshot())
        return found

    def only(self, check_id: str) -> Finding:
        """The one finding of a check, on a plain machine."""
        (finding,) = self.findings(check_id)
        return finding

    def diagnose(
        self, plugins: Plugins, check_id: str, folder: Path | None = None
    ) -> list[Finding]:
        """What a check finds among all others, on this machine, from a current folder."""
        with Ahead([str(self.python)], str(folder or self.folder)) as ahead:
            (snapshot,) = examine_all(plugins, ahead.interpreters, ahead)
        target = judge(plugins.checks(), snapshot)
        return [finding for finding in target.findings if finding.id == check_id]


class OwnPatient(Patient):
    """A whole Python as conda or a distributor lays it down: no virtual environment of another."""

    def create(self) -> None:
        """Copy the program, and link to the library that it needs."""
        base, library = Path(sys.base_prefix), Path("lib") / VERSION
        self.site.mkdir(parents=True)
        self.python.parent.mkdir()
        for file in base.glob("lib/libpython*"):
            (self.folder / "lib" / file.name).symlink_to(file)
        for file in (base / library).iterdir():
            if file.name not in {"site-packages", "dist-packages", "EXTERNALLY-MANAGED"}:
                (self.folder / library / file.name).symlink_to(file)
        shutil.copy(os.path.realpath(sys.executable), self.python)

    def works(self) -> bool:
        """Whether this Python takes itself and its packages to be where they are."""
        code = "import sys; sys.exit(sys.argv[1] != sys.prefix or sys.argv[2] not in sys.path)"
        command = [str(self.python), "-c", code, str(self.folder), str(self.site)]
        return (
            subprocess.run(command, capture_output=True, check=False, timeout=600).returncode == 0
        )


def quiet(monkeypatch: Any, home: Path) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    needed = _libraries_of_python()
    for name in list(os.environ):
        matters = name in NAMES or name.startswith((*PREFIXES, "JUPYTER_", "XDG_", "PIP_"))
        if (matters or name.lower().endswith("_proxy")) and name not in KEPT:
            monkeypatch.delenv(name)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    if needed:
        monkeypatch.setenv("LD_LIBRARY_PATH", needed)


def _libraries_of_python() -> str:
    """The folders of LD_LIBRARY_PATH without which a Python may not start, as on build servers."""
    folders = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return os.pathsep.join(each for each in folders if each and any(Path(each).glob("libpython*")))


def _info(name: str, version: str) -> str:
    return f"{name.replace('-', '_')}-{version}.dist-info"


def _hash(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
