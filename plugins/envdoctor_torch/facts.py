"""What the files of an installed PyTorch say of its build, without importing it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.child.cuda_files import libraries_on_the_path
from envdoctor.child.package_files import constants, package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

CONDA_NAMES = ("pytorch", "libtorch", "pytorch-cpu", "pytorch-gpu")
_GFX = re.compile(r"gfx[0-9a-f]{3,4}")


def collect(environment: Environment) -> Framework | None:
    """PyTorch, from the text of `torch/version.py`; None if it is not installed.

    Details: `local tag`, `git`, `debug`, `xpu`, `unreadable` (a file that could not
    be read), `conda build`, `library path` (CUDA libraries on
    LD_LIBRARY_PATH), `libgomp` (how many copies it brings), `rocm_architectures`.
    """
    distribution = environment.distributions.get("torch")
    module = environment.modules.get("torch", "")
    if distribution is None and not module:
        return None
    location = distribution.location if distribution is not None else ""
    folder = Path(package_folder(module, location, "torch"))
    said = constants(str(folder / "version.py"))
    version = str(said.get("__version__") or (distribution.version if distribution else ""))
    cuda = said.get("cuda")
    details = {
        "local tag": version.partition("+")[2],
        "git": str(said.get("git_version") or ""),
        "debug": "yes" if said.get("debug") else "",
        "xpu": str(said.get("xpu") or ""),
        "unreadable": "" if said else str(folder / "version.py"),
        "conda build": _conda_build(environment),
        "library path": "\n".join(
            libraries_on_the_path(environment.variables.get("LD_LIBRARY_PATH", ""))
        ),
        "libgomp": _count_libgomp(folder),
        "rocm_architectures": " ".join(_rocm_architectures(folder)),
    }
    return Framework(
        name="torch",
        version=version,
        cuda=str(cuda) if cuda else None,
        cudnn=_cudnn(environment, str(cuda or "")),
        rocm=str(said.get("hip") or said.get("rocm") or "") or None,
        location=str(folder),
        details={key: text for key, text in details.items() if text},
    )


def _conda_build(environment: Environment) -> str:
    found = {each.name: each for each in environment.conda_packages}
    packages = [found[name] for name in CONDA_NAMES if name in found]
    return f"{packages[0].name} {packages[0].version} {packages[0].build}" if packages else ""


def _cudnn(environment: Environment, cuda: str) -> str | None:
    major = cuda.partition(".")[0]
    names = [f"nvidia-cudnn-cu{major}", "nvidia-cudnn"] if major else []
    return environment.version_of(*names) or None


def _count_libgomp(folder: Path) -> str:
    found = [*folder.glob("lib/libgomp*"), *folder.with_name("torch.libs").glob("libgomp*")]
    return str(len(found)) if found else ""


def _rocm_architectures(folder: Path) -> list[str]:
    """The GPUs that the kernels of the bundled rocBLAS are for: its files are named for them."""
    names = (path.name for path in (folder / "lib" / "rocblas" / "library").glob("*gfx*"))
    return sorted({found[0] for name in names if (found := _GFX.search(name))})
