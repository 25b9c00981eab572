"""Programs on the path, and the CUDA toolkits that builds of extensions would take."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.detect.reading import exists, read_text
from envdoctor.model.machine import CudaToolkit, Machine

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS = ("gcc", "cc", "clang", "g++", "nvcc", "ptxas", "nvidia-smi", "rocminfo", "docker", "git")


def detect(root: Path = Path("/"), variables: Mapping[str, str] = os.environ) -> Machine:
    """The programs that matter, and the toolkits."""
    path = variables.get("PATH")
    found = {name: place for name in PROGRAMS if (place := shutil.which(name, path=path))}
    return Machine(
        commands=found, cuda_toolkits=find_toolkits(root, variables, found.get("nvcc", ""))
    )


def find_toolkits(root: Path, variables: Mapping[str, str], nvcc: str) -> tuple[CudaToolkit, ...]:
    """The toolkits in the order of torch.utils.cpp_extension: variable, nvcc, usual folder."""
    candidates = [
        (variables.get("CUDA_HOME", ""), "CUDA_HOME"),
        (variables.get("CUDA_PATH", ""), "CUDA_PATH"),
        (str(Path(os.path.realpath(nvcc)).parents[1]) if nvcc else "", "nvcc on PATH"),
        (str(root / "usr/local/cuda"), "/usr/local/cuda"),
    ]
    found: dict[str, CudaToolkit] = {}
    for path, origin in candidates:
        if path and (origin.startswith("CUDA_") or exists(Path(path) / "bin")):
            toolkit = CudaToolkit(path=path, version=toolkit_version(Path(path)), origin=origin)
            found.setdefault(os.path.realpath(path), toolkit)
    return tuple(found.values())


def toolkit_version(folder: Path) -> str:
    """By version.json (CUDA 11.1 and newer), version.txt before it, or the header of the API."""
    try:
        told = json.loads(read_text(folder / "version.json"))["cuda"]["version"]
    except (KeyError, TypeError, ValueError):
        told = ""
    if told:
        return str(told)
    before = re.search(r"CUDA Version ([\d.]+)", read_text(folder / "version.txt"))
    if before:
        return before[1]
    header = re.search(r"#define CUDA_VERSION (\d+)", read_text(folder / "include/cuda.h"))
    return f"{int(header[1]) // 1000}.{int(header[1]) % 1000 // 10}" if header else ""
