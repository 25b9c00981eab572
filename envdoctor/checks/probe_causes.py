"""What the last words of a framework, or the signal that ended it, are known to mean."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envdoctor.checks import compat, remedies
from envdoctor.checks.abi import older_numpy
from envdoctor.checks.reinstall import again, exactly
from envdoctor.model.finding import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable

    from envdoctor.model.environment import Distribution
    from envdoctor.model.snapshot import ProbeResult, Snapshot


@dataclass(frozen=True)
class Cause:
    """An explanation, and what to do about it."""

    check: str
    """The id of the check that looks for the same cause in the facts; empty if none does."""
    sentence: str
    mend: Callable[[Snapshot, ProbeResult], tuple[Remedy, ...]]


def _say(text: str, command: str = "", *, needs_root: bool = False) -> Callable[..., tuple[Remedy]]:
    remedy = Remedy(command=command, text=text, needs_root=needs_root)
    return lambda _snapshot, _result: (remedy,)


def put_back(snapshot: Snapshot, result: ProbeResult) -> tuple[Remedy, ...]:
    """Install the framework's distribution again, in the same version."""
    found = _distribution(snapshot, result)
    if found is None:
        return (Remedy(text=f"Install {result.framework} again."),)
    text = f"Puts every file of {found.name} {found.version} back."
    return (again(snapshot.environment, found, text),)


def _complete(snapshot: Snapshot, result: ProbeResult) -> tuple[Remedy, ...]:
    """Install what the framework declares to need, then the framework itself again."""
    found = _distribution(snapshot, result)
    if found is None:
        return put_back(snapshot, result)
    text = f"Installs what {found.name} declares to need and is missing."
    first = remedies.install(snapshot.environment, exactly(found), text=text)
    return (first, *put_back(snapshot, result))


def _distribution(snapshot: Snapshot, result: ProbeResult) -> Distribution | None:
    """The one that owns the framework, which is not always of its name."""
    environment = snapshot.environment
    framework = environment.frameworks.get(result.framework)
    owner = framework.details.get("distribution", "") if framework is not None else ""
    return environment.distributions.get(owner or result.framework)


def _old_numpy(snapshot: Snapshot, result: ProbeResult) -> tuple[Remedy, ...]:
    found = _distribution(snapshot, result)
    package = exactly(found) if found is not None else result.framework
    text = "Goes back to NumPy 1, until the package that was built for it has a newer release."
    return (older_numpy(snapshot.environment, package, text),)


def _matching_torchvision(snapshot: Snapshot, _: ProbeResult) -> tuple[Remedy, ...]:
    made_for = compat.torchvision_for(snapshot.environment.version_of("torch"))
    if not made_for:
        return (Remedy(text="Install torch and torchvision from one index in one command."),)
    text = "Installs the torchvision that was made for this torch."
    return (remedies.install(snapshot.environment, f"torchvision=={made_for}.*", text=text),)


BY_TEXT: tuple[tuple[str, Cause], ...] = (
    (
        r"OMP: Error #15",
        Cause(
            "duplicate-openmp-runtime",
            "Two OpenMP runtimes were loaded into one process, and the second one ends it.",
            _say(
                "Take NumPy, SciPy and the framework from one source, all by pip or all by conda."
            ),
        ),
    ),
    (
        r"__nvJitLink|undefined symbol: (cu|nv)|cuDNN version incompat|Loaded runtime CuDNN",
        Cause(
            "ld-library-path-hijacks-cuda",
            "Another CUDA library than the one it was built with was loaded first.",
            _say(
                "The wheels bring their own CUDA libraries; the variable puts others before them.",
                "unset LD_LIBRARY_PATH",
            ),
        ),
    ),
    (
        r"GLIBCXX_[\d.]+' not found|CXXABI_[\d.]+' not found",
        Cause(
            "glibcxx-too-old",
            "The C++ library that was loaded first is older than the one it was built with.",
            _say("In a conda environment: conda install -c conda-forge libstdcxx-ng"),
        ),
    ),
    (
        r"GLIBC_[\d.]+' not found",
        Cause(
            "glibc-too-old",
            "This build is for a newer C library than the system has.",
            _say("Use an older release of the framework, a newer system, or a container."),
        ),
    ),
    (
        r"(?s)mindspore\b.*compiled using NumPy 1\.x",
        Cause(
            "mindspore-numpy-2",
            "A library of MindSpore was built for NumPy 1, and NumPy 2 is installed.",
            _old_numpy,
        ),
    ),
    (
        r"_ARRAY_API not found|compiled using NumPy 1\.x|Numpy is not available",
        Cause(
            "numpy2-abi-break",
            "A compiled module was built for NumPy 1, and NumPy 2 is installed.",
            _old_numpy,
        ),
    ),
    (
        r"operator torchvision::nms does not exist",
        Cause(
            "torchvision-torch-mismatch",
            "torchvision was built for another version of torch.",
            _matching_torchvision,
        ),
    ),
    (
        r"Descriptors cannot (not )?be created directly",
        Cause(
            "protobuf-generated-code-mismatch",
            "A package holds code that an older protobuf has generated.",
            _say(
                "Install a protobuf within the range that all packages accept, or newer packages."
            ),
        ),
    ),
    (
        r"\[WinError (126|127|193|1114)\]|DLL load failed",
        Cause(
            "windows-dll-load",
            "Windows cannot load a library; most often Microsoft's Visual C++ runtime is missing.",
            _say("Install the runtime from Microsoft; take no single DLL from a download site."),
        ),
    ),
    (
        r"cannot allocate memory in static TLS block",
        Cause(
            "static-tls-exhausted",
            "The space for thread-local variables is used up by several copies of one library.",
            _say("Import the module that is named here before all others."),
        ),
    ),
    (
        r"partially initialized module",
        Cause(
            "local-file-shadows-module",
            "A file of yours has the name of a module, or the package imports itself half-way.",
            _say("Rename your file, and delete its __pycache__."),
        ),
    ),
    (
        r"incompatible with jax version|this version of jax requires version",
        Cause(
            "jax-jaxlib-mismatch",
            "jax and jaxlib are of versions that do not go together.",
            _say("Install jax and jaxlib at one version, in one command."),
        ),
    ),
    (
        r"PJRT API version|not compatible with the installed jaxlib",
        Cause(
            "jax-plugin-version-mismatch",
            "A plugin of JAX is of another version than jaxlib.",
            _say("Install jax with its extra again, so that all parts have one version."),
        ),
    ),
    (
        r"Cannot dlopen some GPU libraries",
        Cause(
            "tf-cannot-find-cuda",
            "TensorFlow does not find CUDA's libraries.",
            _say("Install tensorflow[and-cuda] in the version that is there."),
        ),
    ),
    (
        r"libdevice not found|Can't find libdevice|Couldn't invoke ptxas",
        Cause(
            "missing-libdevice-or-ptxas",
            "Compiling for the GPU needs parts of a CUDA toolkit that are not there.",
            _say("Install NVIDIA's compiler as a package, such as nvidia-cuda-nvcc-cu12."),
        ),
    ),
    (
        r"driver on your system is too old|driver version is insufficient|[Ee]rror 35\b",
        Cause(
            "driver-too-old-for-cuda-runtime",
            "The driver is older than the CUDA version that the framework is built for.",
            _say("Update the NVIDIA driver, or install a build for an older CUDA."),
        ),
    ),
    (
        r"devices are busy or unavailable|[Ee]rror 46\b",
        Cause(
            "gpu-exclusive-compute-mode",
            "Another process holds the GPU, or its compute mode admits one process only.",
            _say("Lets several processes share it.", "sudo nvidia-smi -c DEFAULT", needs_root=True),
        ),
    ),
    (
        r"no kernel image is available|is not compatible with the current PyTorch|[Ee]rror 209\b",
        Cause(
            "gpu-arch-not-in-wheel",
            "The build has no code for this GPU.",
            _say("Install a build whose list of architectures has this GPU's compute capability."),
        ),
    ),
    (
        r"system not yet initialized|[Ee]rror 802\b",
        Cause(
            "fabric-manager-missing",
            "GPUs that are joined by NVSwitch need NVIDIA's fabric manager, which does not run.",
            _say(
                "Starts it; its version must be that of the driver.",
                "sudo systemctl enable --now nvidia-fabricmanager",
                needs_root=True,
            ),
        ),
    ),
    (
        r"driver/library version mismatch|driver / cuda driver combination|[Ee]rror 803\b",
        Cause(
            "nvml-driver-library-mismatch",
            "The driver's library and its kernel module are of different versions, as they are "
            "after an update without a restart.",
            _say(
                "Restarts the machine, which loads the new module.", "sudo reboot", needs_root=True
            ),
        ),
    ),
    (
        r"forward compatibility was attempted|[Ee]rror 804\b",
        Cause(
            "cuda-compat-on-geforce",
            "CUDA's compatibility library was loaded, which works on data-centre GPUs only.",
            _say("Update the host's driver, or remove the compat folder from the loader's path."),
        ),
    ),
    (
        r"CUDA unknown error|[Ee]rror 999\b",
        Cause(
            "cuda-broken-after-suspend",
            "CUDA cannot be initialised, for an unknown reason; often after the machine has slept.",
            _say(
                "Loads the module for unified memory again; stop what uses the GPU first.",
                "sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm",
                needs_root=True,
            ),
        ),
    ),
    (
        r"no CUDA-capable device|[Ee]rror 100\b|CUDA_ERROR_NO_DEVICE",
        Cause(
            "cuda-visible-devices-hides-gpus",
            "CUDA finds no device: it may be hidden by a variable, or not given to a container.",
            _say("If the variable hides it.", "unset CUDA_VISIBLE_DEVICES"),
        ),
    ),
    (
        r"HIP error: invalid device function",
        Cause(
            "rocm-wheel-lacks-gfx",
            "The build has no code for this GPU.",
            _say("Install a build for ROCm whose list of targets has this GPU."),
        ),
    ),
    (
        r"[Oo]ut of memory|OutOfMemoryError|RESOURCE_EXHAUSTED",
        Cause(
            "gpu-memory-held-by-other-process",
            "Even a few megabytes could not be had: others hold the memory of the device.",
            _say(
                "Shows who holds it.",
                "nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv",
            ),
        ),
    ),
    (
        r"lib[\w.-]+\.so[\w.]*: cannot open shared object file",
        Cause(
            "broken-install-record-mismatch",
            "A library that it needs is not there: a package that brings it is missing or damaged.",
            _complete,
        ),
    ),
    (
        r"No module named|cannot import name",
        Cause(
            "broken-install-record-mismatch",
            "A part of it or of what it needs is missing, or of another version.",
            _complete,
        ),
    ),
)


def _more_memory(snapshot: Snapshot, _: ProbeResult) -> tuple[Remedy, ...]:
    limit = snapshot.machine.memory.limit_bytes
    words = f" of {limit / 2**30:.1f} GiB" if limit else ""
    return (Remedy(text=f"Raise the memory limit{words}, or free memory."),)


BY_SIGNAL: dict[str, Cause] = {
    "SIGILL": Cause(
        "cpu-lacks-avx",
        "The processor, or the virtual machine, lacks an instruction that this build uses.",
        _say("In a virtual machine choose the CPU type `host`; else take a build for older CPUs."),
    ),
    "SIGSEGV": Cause(
        "",
        "It read memory that is not its own. Most often two compiled parts are of versions that do "
        "not go together, or a file is damaged.",
        put_back,
    ),
    "SIGBUS": Cause(
        "shm-too-small",
        "A file that was mapped into memory has run out of space, most often /dev/shm.",
        _say("In a container: docker run --shm-size=8g, or --ipc=host."),
    ),
    "SIGKILL": Cause(
        "out-of-memory-cgroup-limit",
        "Something killed it from outside; most often the kernel, because memory ran out.",
        _more_memory,
    ),
    "SIGABRT": Cause("", "It gave up by itself; its last lines say why.", put_back),
    "SIGFPE": Cause("", "A compiled part divided by zero.", put_back),
}


def explain(text: str) -> Cause | None:
    """The cause that these words are known for."""
    return next((cause for pattern, cause in BY_TEXT if re.search(pattern, text)), None)


def signal_name(exit_code: int | None) -> str:
    """`SIGSEGV` for -11; empty if no signal ended it."""
    if exit_code is None or exit_code >= 0:
        return ""
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
