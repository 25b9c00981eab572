"""Finds CUDA libraries in folders, by their names: none is opened or loaded."""

from __future__ import annotations

import os
import re
from typing import Iterator, List, Sequence

WHEELS = {
    "libcublas": "nvidia-cublas",
    "libcublasLt": "nvidia-cublas",
    "libcudart": "nvidia-cuda-runtime",
    "libcudnn": "nvidia-cudnn",
    "libcusparse": "nvidia-cusparse",
    "libcusolver": "nvidia-cusolver",
    "libcufft": "nvidia-cufft",
    "libnccl": "nvidia-nccl",
    "libnvJitLink": "nvidia-nvjitlink",
}
"""Libraries, and the distributions that bring them, without the suffix of the CUDA version."""
DEFAULT_FOLDERS = (
    "/lib64",
    "/usr/lib64",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib",
    "/usr/local/lib",
)
_LIBRARY = re.compile(r"(lib[A-Za-z]+)\.so\.\d+$")
LOADER_CACHE = "/etc/ld.so.cache"


def library_folders(library_path: str) -> List[str]:
    """The folders of LD_LIBRARY_PATH, without empty parts, which mean the current folder."""
    return [part for part in re.split("[:;]", library_path) if part]


def libraries_on_the_path(library_path: str) -> List[str]:
    """The CUDA libraries in folders of LD_LIBRARY_PATH that a wheel also brings.

    Each is a line `PATH REAL_NAME`: the second is the name of the file behind the link, which
    carries the full version.
    """
    return [
        f"{path} {os.path.basename(os.path.realpath(path))}"  # noqa: PTH119
        for folder in library_folders(library_path)
        for path in _libraries(folder)
    ]


def _libraries(folder: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return
    for name in names:
        match = _LIBRARY.match(name)
        if match and match[1] in WHEELS:
            yield os.path.join(folder, name)  # noqa: PTH118


def find_library(soname: str, library_path: str, prefix: str) -> str:
    """Where the loader would find a library outside of wheels; empty if nowhere.

    Args:
        soname: such as `libcudnn.so.9`.
        library_path: LD_LIBRARY_PATH.
        prefix: of the environment, whose `lib` conda's programs search.
    """
    folders = [*library_folders(library_path), os.path.join(prefix, "lib"), *DEFAULT_FOLDERS]  # noqa: PTH118
    for folder in folders:
        path = os.path.join(folder, soname)  # noqa: PTH118
        if os.path.exists(path):  # noqa: PTH110
            return path
    try:
        with open(LOADER_CACHE, "rb") as stream:  # noqa: PTH123
            known = f"{soname}\0".encode() in stream.read()
    except OSError:
        return ""
    return LOADER_CACHE if known else ""


def find_file(relative: str, folders: Sequence[str]) -> str:
    """The first of these folders' files of this name; empty if none has it."""
    paths = [os.path.join(folder, relative) for folder in folders if folder]  # noqa: PTH118
    return next((path for path in paths if os.path.isfile(path)), "")  # noqa: PTH113
