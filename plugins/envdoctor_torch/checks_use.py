"""How PyTorch and its neighbours are used: libraries in the way, memory, processes, Metal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import compat, cuda, remedies
from envdoctor.child.cuda_files import WHEELS
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Distribution, Environment
    from envdoctor.model.snapshot import Snapshot

SPAWN_BY_DEFAULT = (3, 14)
"""From this Python on, `fork` is no longer the default on Linux (docs.python.org, What's new)."""
WINDOWS_LOADER = re.compile(r"\[WinError (126|127|1114|193)\]|DLL load failed")
_REAL_NAME = re.compile(r"lib\w+\.so\.(\d[\d.]*)")


def find_libraries_in_the_way(snapshot: Snapshot) -> Iterator[Finding]:
    """CUDA libraries on LD_LIBRARY_PATH that are loaded in the place of those of the wheels."""
    environment = snapshot.environment
    lines = {
        line
        for framework in environment.frameworks.values()
        for line in framework.details.get("library path", "").splitlines()
    }
    pairs = [(line, _same_library(environment, line)) for line in sorted(lines)]
    competing = [(line, wheel) for line, wheel in pairs if wheel is not None]
    if not competing:
        return
    older = [(line, wheel) for line, wheel in competing if _is_older(line, wheel)]
    shown = older or competing
    yield Finding(
        id="ld-library-path-hijacks-cuda",
        status="warn" if older else "info",
        title="LD_LIBRARY_PATH puts older CUDA libraries before those that were installed"
        if older
        else "LD_LIBRARY_PATH holds CUDA libraries that wheels bring too",
        evidence=tuple(
            Evidence(
                fact=f"{line.partition(' ')[0]} goes before {wheel.name} {wheel.version}",
                source="LD_LIBRARY_PATH",
            )
            for line, wheel in shown[:3]
        ),
        cause="The loader takes the libraries of that variable first. A framework then runs with "
        "others than it was built with, which ends in undefined symbols or version errors.",
        remedies=(
            Remedy(
                command="unset LD_LIBRARY_PATH",
                text="Frameworks from wheels need no such variable; take the export out of the "
                "shell's start-up files for good.",
            ),
        ),
        verify=f"env -u LD_LIBRARY_PATH {remedies.python(environment)} -c 'import torch'"
        if "torch" in environment.frameworks
        else "",
    )


def _same_library(environment: Environment, line: str) -> Distribution | None:
    """The installed wheel that brings a library of the same name and major."""
    name = line.partition(" ")[0].replace("\\", "/").rpartition("/")[2]
    stem, _, major = name.partition(".so.")
    wheel = WHEELS.get(stem)
    if wheel is None:
        return None
    for distribution in environment.distributions.values():
        named = distribution.name == wheel or distribution.name.startswith(f"{wheel}-cu")
        if named and distribution.version.partition(".")[0] == major:
            return distribution
    return None


def _is_older(line: str, wheel: Distribution) -> bool:
    """By as many parts as the name of the file has; one part tells nothing."""
    match = _REAL_NAME.match(line.partition(" ")[2])
    found, brought = compat.parse(match[1] if match else ""), compat.parse(wheel.version)
    if found is None or brought is None or len(found.release) < 2:
        return False
    return found.release < brought.release[: len(found.release)]


def find_preallocation(snapshot: Snapshot) -> Iterator[Finding]:
    """Two frameworks that share a GPU, one of which takes nearly all of its memory."""
    environment, machine = snapshot.environment, snapshot.machine
    for_gpu = [
        name
        for name in ("jax", "tensorflow", "torch")
        if name in environment.frameworks and environment.frameworks[name].cuda
    ]
    greedy = [name for name in for_gpu if name != "torch" and not _memory_is_set(environment, name)]
    if len(for_gpu) < 2 or not greedy or not cuda.has_nvidia_gpu(machine):
        return
    shares = {"jax": "JAX takes 75 % of it", "tensorflow": "TensorFlow takes nearly all of it"}
    settings = {
        "jax": "export XLA_PYTHON_CLIENT_PREALLOCATE=false",
        "tensorflow": "export TF_FORCE_GPU_ALLOW_GROWTH=true",
    }
    yield Finding(
        id="framework-preallocates-gpu",
        status="info",
        title="Frameworks here reserve GPU memory in advance; two in one process may not fit",
        evidence=(
            Evidence(fact=f"for the GPU are built: {', '.join(for_gpu)}"),
            *cuda.gpu_evidence(machine),
        ),
        cause=f"At its first operation on a GPU, {' and '.join(shares[name] for name in greedy)}; "
        "whichever comes second runs out of memory.",
        remedies=tuple(
            Remedy(command=settings[name], text=f"Lets {name} take memory as it needs it.")
            for name in greedy
        ),
    )


def _memory_is_set(environment: Environment, name: str) -> bool:
    variables = environment.variables
    if name == "tensorflow":
        return variables.get("TF_FORCE_GPU_ALLOW_GROWTH", "").lower() in {"1", "true"}
    return (
        variables.get("XLA_PYTHON_CLIENT_PREALLOCATE", "").lower() in {"0", "false"}
        or "XLA_PYTHON_CLIENT_MEM_FRACTION" in variables
        or "XLA_CLIENT_MEM_FRACTION" in variables
    )


def find_fork(snapshot: Snapshot) -> Iterator[Finding]:
    """Advice for those who start processes beside CUDA."""
    environment, machine = snapshot.environment, snapshot.machine
    torch = environment.frameworks.get("torch")
    version = compat.parse(environment.interpreter.version)
    if torch is None or not torch.cuda or version is None or machine.platform.system != "Linux":
        return
    if version.release[:2] >= SPAWN_BY_DEFAULT or not cuda.has_nvidia_gpu(machine):
        return
    yield Finding(
        id="fork-with-cuda",
        status="info",
        title="Processes are forked by default here, and CUDA does not survive a fork",
        evidence=(Evidence(fact=f"Python {environment.interpreter.version} on Linux"),),
        cause="A forked process that uses CUDA after its parent has done so gets an error. It "
        "concerns those who start processes themselves; the workers of a DataLoader that stay on "
        "the CPU are not affected.",
        remedies=(Remedy(text='Call `torch.multiprocessing.set_start_method("spawn")` first.'),),
    )


def find_metal_fallback(snapshot: Snapshot) -> Iterator[Finding]:
    """Advice for those who compute on Apple's GPUs."""
    environment, machine = snapshot.environment, snapshot.machine
    if machine.apple is None or "torch" not in environment.frameworks:
        return
    if environment.variables.get("PYTORCH_ENABLE_MPS_FALLBACK") == "1":
        return
    yield Finding(
        id="mps-op-fallback",
        status="info",
        title="Operations that PyTorch lacks for Apple's GPU raise an error",
        evidence=(Evidence(fact="PYTORCH_ENABLE_MPS_FALLBACK is not set", source="environment"),),
        cause="A few operations are not written for MPS. With the variable they run on the CPU, "
        "slower; it must be set before torch is imported.",
        remedies=(
            Remedy(
                command="export PYTORCH_ENABLE_MPS_FALLBACK=1",
                text="Only if you meet that error; it makes slow places silent.",
            ),
        ),
    )


def find_missing_dll(snapshot: Snapshot) -> Iterator[Finding]:
    """What the Windows loader said when PyTorch was imported."""
    for probe in snapshot.probes or ():
        texts = [probe.outcome.reason, *(step.message for step in probe.steps)]
        said = next((text for text in texts if WINDOWS_LOADER.search(text)), "")
        if probe.framework != "torch" or not said:
            continue
        yield Finding(
            id="windows-dll-load",
            status="fail",
            title="Windows cannot load a library that PyTorch needs",
            evidence=(Evidence(fact=said[:300], source="import torch"),),
            cause="Most often Microsoft's Visual C++ runtime is missing or too old.",
            remedies=(
                Remedy(
                    text="Install it from Microsoft, https://aka.ms/vs/17/release/vc_redist.x64.exe"
                    " for 64-bit Windows on x86; take no single DLL from a download site.",
                    restarts=True,
                ),
            ),
            verify=remedies.run_python(snapshot.environment, "import torch"),
        )
        return


CHECKS: tuple[Check, ...] = (
    Check(
        id="ld-library-path-hijacks-cuda",
        group="nvidia",
        summary="CUDA libraries on LD_LIBRARY_PATH in the place of those of the wheels",
        run=find_libraries_in_the_way,
        page=Page(
            symptoms=(
                "undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12",
                "Loaded runtime CuDNN library: 8.5.0 but source was compiled with: 8.6.0",
                "cuDNN version incompatibility: PyTorch was compiled against (8, 3, 2)",
            ),
            why="Wheels bring their own CUDA libraries. LD_LIBRARY_PATH is searched before the "
            "places that a wheel names, so a toolkit's library of the same name is loaded instead.",
            seen_by="the names of libraries in the folders of LD_LIBRARY_PATH against the versions "
            "of the installed nvidia-* distributions",
            confirmed_by="importing the framework with and without the variable",
            remedy="Unset the variable.",
            sources=("pytorch#111469", "pytorch#131312", "jax#17497", "JAX, installation guide"),
        ),
    ),
    Check(
        id="framework-preallocates-gpu",
        group="nvidia",
        summary="frameworks that reserve most of a GPU's memory, beside another one",
        run=find_preallocation,
        page=Page(
            symptoms=("CUDA out of memory, as soon as a second framework starts",),
            why="JAX reserves 75 % of a GPU's memory at its first operation, TensorFlow nearly "
            "all of it.",
            seen_by="the frameworks that are built for CUDA, and the variables that limit them",
            remedy="Let them allocate as they go.",
            sources=("JAX, GPU memory allocation", "TensorFlow, Use a GPU"),
        ),
    ),
    Check(
        id="fork-with-cuda",
        group="torch",
        summary="advice: CUDA and forked processes",
        run=find_fork,
        page=Page(
            symptoms=("RuntimeError: Cannot re-initialize CUDA in forked subprocess",),
            why="The state of the CUDA driver cannot be copied by a fork.",
            seen_by="the version of Python: from 3.14 on fork is not the default",
            remedy="The spawn start method.",
            sources=("detectron2#2704", "PyTorch, Multiprocessing best practices"),
        ),
    ),
    Check(
        id="mps-op-fallback",
        group="torch",
        summary="advice: operations that are missing on Apple's GPUs",
        run=find_metal_fallback,
        page=Page(
            symptoms=("The operator 'aten::...' is not currently implemented for the MPS device",),
            why="Not every operation has a version for Metal.",
            seen_by="the machine and the variable PYTORCH_ENABLE_MPS_FALLBACK",
            remedy="Set the variable before torch is imported.",
            sources=("pytorch#77764", "pytorch#86195"),
        ),
    ),
    Check(
        id="windows-dll-load",
        group="torch",
        summary="a library that Windows cannot load for PyTorch",
        run=find_missing_dll,
        page=Page(
            symptoms=(
                'OSError: [WinError 126] Error loading "torch\\lib\\fbgemm.dll"',
                'OSError: [WinError 1114] Error loading "torch\\lib\\c10.dll"',
            ),
            why="PyTorch's libraries need Microsoft's Visual C++ runtime, which is no wheel.",
            seen_by="what importing it says, with --deep",
            remedy="Install the runtime from Microsoft.",
            sources=("pytorch#131662", "nunif#701"),
        ),
    ),
)
