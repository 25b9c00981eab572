"""What building code needs: a CUDA toolkit of the right version, a compiler, no stubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import built_for_cuda, frameworks_of, system_install, whole_gpus
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

COMPILERS = ("gcc", "cc", "clang")
"""What Triton looks for, after the variable CC."""


def nvcc_mismatch(snapshot: Snapshot) -> Iterator[Finding]:
    """The toolkit that builds of extensions would take is not torch's CUDA."""
    torch = snapshot.environment.frameworks.get("torch")
    toolkits = [each for each in snapshot.machine.cuda_toolkits if each.version]
    if torch is None or not torch.cuda or not toolkits:
        return
    first = toolkits[0]
    major = torch.cuda.partition(".")[0]
    if first.version.partition(".")[0] == major:
        return
    wanted = ".".join(torch.cuda.split(".")[:2])
    fitting = next((each for each in toolkits if each.version.partition(".")[0] == major), None)
    yield Finding(
        id="multi-cuda-toolkits-nvcc-mismatch",
        status="info",
        title=f"Extensions would be built with CUDA {first.version}, and torch is built with "
        f"{torch.cuda}",
        evidence=(
            Evidence(fact=f"CUDA {first.version} in {first.path}", source=first.origin),
            Evidence(
                fact=f"torch {torch.version} for CUDA {torch.cuda}", source="torch/version.py"
            ),
        ),
        cause="It matters only to who builds extensions for torch: its builder refuses a toolkit "
        "of another major version. Programs run with the CUDA that torch brings.",
        remedies=(_take_toolkit(snapshot, wanted, fitting.path if fitting else ""),),
        verify='"$CUDA_HOME/bin/nvcc" --version',
    )


def _take_toolkit(snapshot: Snapshot, wanted: str, path: str) -> Remedy:
    if path:
        text = "Build with the toolkit that fits, which is installed as well."
        return Remedy(command=f"export CUDA_HOME={path}", text=text)
    if snapshot.environment.interpreter.conda:
        prefix = snapshot.environment.interpreter.prefix
        return Remedy(
            command=f"conda install -p {prefix} -c nvidia 'cuda-nvcc={wanted}.*'",
            text="To build extensions: install the compiler of that version.",
        )
    return Remedy(
        text=f"To build extensions: install NVIDIA's CUDA toolkit {wanted} beside the other, and "
        "set CUDA_HOME to it."
    )


def no_compiler(snapshot: Snapshot) -> Iterator[Finding]:
    """torch.compile would find no compiler or no headers of Python."""
    machine, environment = snapshot.machine, snapshot.environment
    if machine.platform.system != "Linux" or "torch" not in frameworks_of(environment):
        return
    compiler = any(name in machine.commands for name in COMPILERS) or bool(
        environment.variables.get("CC")
    )
    headers = environment.interpreter.has_headers is not False
    if compiler and headers:
        return
    facts = []
    if not compiler:
        facts.append(Evidence(fact=f"none of {', '.join(COMPILERS)}", source="PATH"))
    if not headers:
        folder = environment.interpreter.include_folder or "the include folder"
        facts.append(Evidence(fact="Python.h is missing", source=folder))
    needed = bool(environment.version_of("triton") and whole_gpus(machine))
    what = "C compiler" if not compiler else "header of Python"
    yield Finding(
        id="no-c-compiler-for-triton",
        status="warn" if needed and built_for_cuda(environment) else "info",
        title=f"torch.compile will not work, because there is no {what}",
        evidence=tuple(facts),
        cause="Triton and torch.compile build small programs in C when they run. Everything else "
        "of torch works without.",
        remedies=(_build_tools(snapshot),),
        verify="cc --version",
    )


def _build_tools(snapshot: Snapshot) -> Remedy:
    return system_install(
        snapshot.machine.platform,
        {
            "apt": "build-essential python3-dev",
            "dnf": "gcc gcc-c++ python3-devel",
            "pacman": "base-devel",
            "zypper": "gcc gcc-c++ python3-devel",
            "apk": "build-base python3-dev",
        },
        "Install a C compiler and the headers of this Python.",
    )


def stub_first(snapshot: Snapshot) -> Iterator[Finding]:
    """The loader's path leads to stubs, which are there for linking only."""
    value = snapshot.environment.variables.get("LD_LIBRARY_PATH", "")
    folders = [each for each in value.split(":") if each.rstrip("/").endswith("/stubs")]
    nvidia = snapshot.machine.nvidia
    first = nvidia.cuda_libraries[0] if nvidia and nvidia.cuda_libraries else None
    loaded = first is not None and "/stubs/" in first.path
    if not (folders or loaded) or not frameworks_of(snapshot.environment):
        return
    facts = [Evidence(fact=f"LD_LIBRARY_PATH has {each}", source="environment") for each in folders]
    if loaded and first:
        facts.append(Evidence(fact=f"{first.path} comes first", source=first.origin))
    kept = ":".join(each for each in value.split(":") if each and each not in folders)
    command = f"export LD_LIBRARY_PATH={kept}" if kept else "unset LD_LIBRARY_PATH"
    yield Finding(
        id="cuda-stub-first",
        status="fail" if loaded and built_for_cuda(snapshot.environment) else "warn",
        title="The loader is led to CUDA's stub libraries",
        evidence=tuple(facts),
        cause="A stub has the names of a library and none of its code. A program that loads it "
        "ends with CUDA_ERROR_STUB_LIBRARY.",
        remedies=(
            Remedy(
                command=command if folders else "",
                text="Take the folder off the loader's path; it belongs on the linker's (`-L`).",
            ),
        ),
        verify="printenv LD_LIBRARY_PATH",
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="multi-cuda-toolkits-nvcc-mismatch",
        group="tools",
        summary="a CUDA toolkit of another version than torch's CUDA",
        run=nvcc_mismatch,
        page=Page(
            symptoms=(
                (
                    "The detected CUDA version (11.8) mismatches the version that was used "
                    "to compile "
                    "PyTorch (12.4). Please make sure to use the same CUDA versions."
                ),
            ),
            why="Extensions must be built with the CUDA that torch was built with.",
            seen_by="CUDA_HOME, nvcc on the path, /usr/local/cuda, and torch's version file.",
            remedy="A toolkit of that version, named by CUDA_HOME. Only for building extensions.",
            sources=("vllm#1453", "pytorch#73047"),
        ),
    ),
    Check(
        id="no-c-compiler-for-triton",
        group="tools",
        summary="no C compiler or headers for torch.compile",
        run=no_compiler,
        page=Page(
            symptoms=(
                (
                    "RuntimeError: Failed to find C compiler. Please specify via CC environment "
                    "variable."
                ),
            ),
            why="Triton builds a small C program for each kernel.",
            seen_by="Programs on the path, the variable CC, and Python.h.",
            confirmed_by="torch.compile of one small function.",
            remedy="Install a compiler and Python's headers.",
            sources=("unsloth#1772", "nnUNet#2268"),
        ),
    ),
    Check(
        id="cuda-stub-first",
        group="tools",
        summary="CUDA's stub libraries on the loader's path",
        run=stub_first,
        page=Page(
            symptoms=("CUDA_ERROR_STUB_LIBRARY",),
            why="Toolkits bring stubs to link against on machines without a driver.",
            seen_by="LD_LIBRARY_PATH, and the libcuda that the loader finds first.",
            remedy="Take the folder off LD_LIBRARY_PATH.",
            sources=("WSL#9099", "CUDA driver API, CUresult"),
        ),
    ),
)
