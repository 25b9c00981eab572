"""Package managers on the path, and the interpreter that each of them works for."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH119, PTH123

from __future__ import annotations

import os
import re
import shutil
from typing import Dict, List

NAMES = ("pip", "pip3", "conda", "mamba", "uv", "poetry")
HEAD_BYTES = 1024
TAIL_BYTES = 65536
# Where the path is too long for a shebang, installers write a line of shell that hands over.
SHELL = re.compile(r"^'''exec'\s+(\"[^\"]+\"|\S+)", re.MULTILINE)
LAUNCHER = re.compile(rb'#!"?([^\r\n"]*python[^\r\n"]*)"?\r?\n')


def tools() -> List[Dict[str, str]]:
    """Those that a bare name would start."""
    found = []
    for name in NAMES:
        path = shutil.which(name)
        if path:
            found.append({"name": name, "path": path, "interpreter": _interpreter(path)})
    return found


def _interpreter(path: str) -> str:
    """From the first line of a script; empty for a program or a shell script."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(HEAD_BYTES)
            if head.startswith(b"MZ"):
                stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES))
                said = LAUNCHER.findall(stream.read())
                return os.fsdecode(said[-1].strip()) if said else ""
    except OSError:
        return ""
    return _shebang(os.fsdecode(head)) if head.startswith(b"#!") else ""


def _shebang(text: str) -> str:
    words = text.splitlines()[0][2:].split()
    if not words:
        return ""
    program = words[0]
    if os.path.basename(program) == "env" and len(words) > 1:
        program = shutil.which(words[-1]) or ""
    if os.path.basename(program) in {"sh", "bash", "dash"}:
        said = SHELL.search(text)
        program = said.group(1).strip('"') if said else ""
    return program if "python" in os.path.basename(program) else ""
