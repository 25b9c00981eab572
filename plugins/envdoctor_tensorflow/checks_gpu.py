"""Can TensorFlow use the NVIDIA GPU that is there, and will it find what it needs for that?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, cuda, remedies
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Framework
    from envdoctor.model.snapshot import Snapshot

SHOW_GPUS = "import tensorflow as tf; print(tf.config.list_physical_devices('GPU'))"
WITHOUT_WINDOWS_GPU = Version("2.11")
"""The first release without GPUs on Windows (TensorFlow, Install with pip)."""
FROM_WHEELS = Version("2.14")
"""The first release with the extra `and-cuda` (its release notes)."""
GPU_WHEELS = ("nvidia-cudnn-cu{major}", "nvidia-cublas-cu{major}")
COMPILER_WHEELS = ("nvidia-cuda-nvcc-cu12", "nvidia-cuda-nvcc", "nvidia-nvvm")


def _on_linux_with_gpu(snapshot: Snapshot) -> Framework | None:
    """TensorFlow, if it is here and could use an NVIDIA GPU if all is well."""
    machine = snapshot.machine
    framework = snapshot.environment.frameworks.get("tensorflow")
    if machine.platform.system != "Linux" or not cuda.has_nvidia_gpu(machine):
        return None
    return framework


def find_missing_cuda(snapshot: Snapshot) -> Iterator[Finding]:
    """A build for CUDA whose libraries are nowhere."""
    framework, environment = _on_linux_with_gpu(snapshot), snapshot.environment
    if framework is None:
        return
    if framework.details.get("unreadable"):
        yield _unreadable(framework)
        return
    if framework.details.get("cuda build") == "no":
        yield from _cpu_build(snapshot, framework)
        return
    if not framework.cuda or framework.details.get("system cudnn"):
        return
    major = framework.cuda.partition(".")[0]
    wanted = [name.format(major=major) for name in GPU_WHEELS]
    missing = [name for name in wanted if name not in environment.distributions]
    by_conda = {each.name for each in environment.conda_packages} & {"cudnn", "libcudnn"}
    if not missing or by_conda:
        return
    yield Finding(
        id="tf-cannot-find-cuda",
        status="fail",
        title="TensorFlow has no CUDA libraries, so it cannot use the NVIDIA GPU",
        evidence=(
            Evidence(
                fact=f"tensorflow {framework.version} is built for CUDA {framework.cuda} "
                f"and cuDNN {framework.cudnn}",
                source="tensorflow/python/platform/build_info.py",
            ),
            Evidence(fact=f"not installed: {', '.join(missing)}", source="installed packages"),
            Evidence(
                fact=f"no libcudnn.so.{(framework.cudnn or '').partition('.')[0]}",
                source="LD_LIBRARY_PATH, the loader's cache and folders",
            ),
            *cuda.gpu_evidence(snapshot.machine),
        ),
        cause="TensorFlow loads CUDA's libraries when it starts. Without them it says `Could not "
        "find cuda drivers` or `Cannot dlopen some GPU libraries` and runs on the CPU.",
        remedies=(_with_cuda(snapshot, framework),),
        verify=remedies.run_python(environment, SHOW_GPUS),
    )


def _with_cuda(snapshot: Snapshot, framework: Framework) -> Remedy:
    release, version = compat.parse(framework.version), framework.version
    if release is not None and release < FROM_WHEELS:
        return Remedy(
            text=f"Install CUDA {framework.cuda} and cuDNN {framework.cudnn} on this machine; "
            "TensorFlow has brought them as packages since 2.14 only."
        )
    owner = framework.details.get("distribution", "tensorflow")
    wanted = f"{owner}[and-cuda]=={version}"
    text = "Installs the CUDA libraries that this release of TensorFlow was built with."
    return remedies.install(snapshot.environment, wanted, text=text)


def _cpu_build(snapshot: Snapshot, framework: Framework) -> Iterator[Finding]:
    """Who took `tensorflow-cpu` has chosen; where there is no other build nothing can be done."""
    owner = framework.details.get("distribution", "")
    if not owner.endswith("-cpu"):
        return
    yield Finding(
        id="tf-cannot-find-cuda",
        status="info",
        title="TensorFlow is the build for the CPU, so it does not use the NVIDIA GPU",
        evidence=(
            Evidence(fact=f"{owner} {framework.version}", source="installed packages"),
            *cuda.gpu_evidence(snapshot.machine),
        ),
        cause="The package `tensorflow-cpu` has no code for GPUs.",
        remedies=(
            remedies.uninstall(
                snapshot.environment,
                owner,
                text=f"Then install `tensorflow[and-cuda]=={framework.version}` if you want it on "
                "the GPU; the two packages own the same files.",
            ),
        ),
        verify=remedies.run_python(snapshot.environment, SHOW_GPUS),
    )


def _unreadable(framework: Framework) -> Finding:
    return Finding(
        id="tf-cannot-find-cuda",
        status="error",
        title="How TensorFlow was built cannot be told",
        evidence=(Evidence(fact="cannot be read", source=framework.details["unreadable"]),),
        cause="The file that says whether it is built for CUDA is missing or damaged.",
    )


def find_windows(snapshot: Snapshot) -> Iterator[Finding]:
    """A release without GPUs on Windows, beside a GPU."""
    machine = snapshot.machine
    framework = snapshot.environment.frameworks.get("tensorflow")
    if framework is None or machine.platform.system != "Windows":
        return
    release = compat.parse(framework.version)
    if release is None or release < WITHOUT_WINDOWS_GPU or not cuda.has_nvidia_gpu(machine):
        return
    if "tensorflow-directml-plugin" in snapshot.environment.distributions:
        return
    yield Finding(
        id="tf-native-windows-gpu-unsupported",
        status="warn",
        title="TensorFlow on Windows no longer uses GPUs",
        evidence=(
            Evidence(fact=f"tensorflow {framework.version} on Windows"),
            *cuda.gpu_evidence(machine),
        ),
        cause="2.10 was the last release that used GPUs on Windows itself; this one runs on the "
        "CPU without a word.",
        remedies=(
            Remedy(
                command="wsl --install",
                text="Install TensorFlow inside WSL2, where it uses this GPU.",
                needs_root=True,
                restarts=True,
            ),
        ),
    )


def find_missing_compiler(snapshot: Snapshot) -> Iterator[Finding]:
    """No libdevice anywhere, which compiling for the GPU needs."""
    framework, environment = _on_linux_with_gpu(snapshot), snapshot.environment
    if framework is None or not framework.cuda or framework.details.get("libdevice"):
        return
    if any(name in environment.distributions for name in COMPILER_WHEELS):
        return
    if any(each.name.startswith("cuda-nvcc") for each in environment.conda_packages):
        return
    major = framework.cuda.partition(".")[0]
    wheel = f"nvidia-cuda-nvcc-cu{major}" if major in {"11", "12"} else "nvidia-cuda-nvcc"
    yield Finding(
        id="missing-libdevice-or-ptxas",
        status="warn",
        title="TensorFlow cannot compile for the GPU: libdevice is missing",
        evidence=(
            Evidence(fact="no nvvm/libdevice/libdevice.10.bc", source="CUDA_HOME, wheels, prefix"),
            Evidence(fact=f"{wheel} is not installed", source="installed packages"),
        ),
        cause="XLA (`jit_compile=True`) and some optimisers generate code for the GPU and need the "
        "library of device functions and `ptxas` of a CUDA toolkit.",
        remedies=(
            remedies.install(
                environment, wheel, text="Installs NVIDIA's compiler with that library."
            ),
        ),
        verify=remedies.run_python(
            environment,
            "import tensorflow as tf; print(tf.function(tf.sin, jit_compile=True)(1.0))",
        ),
    )


def find_arm_build(snapshot: Snapshot) -> Iterator[Finding]:
    """On Linux ARM, TensorFlow is built for the CPU, by others."""
    platform = snapshot.machine.platform
    framework = snapshot.environment.frameworks.get("tensorflow")
    on_arm = platform.system == "Linux" and platform.architecture in {"aarch64", "arm64"}
    if framework is None or not on_arm or framework.cuda:
        return
    yield Finding(
        id="tf-aarch64-third-party",
        status="info",
        title="TensorFlow for Linux on ARM is a build for the CPU made by AWS",
        evidence=(Evidence(fact=f"tensorflow {framework.version} on {platform.architecture}"),),
        cause="TensorFlow's own project publishes none for this platform.",
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="tf-cannot-find-cuda",
        group="tensorflow",
        summary="a TensorFlow built for CUDA without CUDA's libraries",
        run=find_missing_cuda,
        hides=("missing-libdevice-or-ptxas", "probe-sees-no-gpu"),
        page=Page(
            symptoms=(
                "Could not find cuda drivers on your machine, GPU will not be used.",
                "Cannot dlopen some GPU libraries. Skipping registering GPU devices...",
            ),
            why="The package `tensorflow` brings no CUDA library by itself; the extra `and-cuda` "
            "does. What it does not find it leaves out, and runs on the CPU.",
            seen_by="TensorFlow's build information, the installed nvidia-* packages, and the "
            "loader's folders",
            confirmed_by="envdoctor check --deep, or TF_CPP_MAX_VLOG_LEVEL=3, which names the "
            "library",
            remedy="Install tensorflow[and-cuda] in the version that is there.",
            sources=("tensorflow#66750", "tensorflow#60646", "tensorflow#66987"),
        ),
    ),
    Check(
        id="tf-native-windows-gpu-unsupported",
        group="tensorflow",
        summary="a TensorFlow for Windows, which has no GPUs since 2.11",
        run=find_windows,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=("tf.config.list_physical_devices('GPU') is empty, without an error",),
            why="Support for GPUs on Windows itself ended with 2.10.",
            seen_by="the operating system and the version",
            remedy="Use WSL2.",
            sources=("TensorFlow, Install with pip",),
        ),
    ),
    Check(
        id="missing-libdevice-or-ptxas",
        group="tensorflow",
        summary="what TensorFlow needs to compile for the GPU",
        run=find_missing_compiler,
        page=Page(
            symptoms=(
                "libdevice not found at ./libdevice.10.bc",
                "Can't find libdevice directory ${CUDA_DIR}/nvvm/libdevice.",
                "Couldn't invoke ptxas --version",
            ),
            why="XLA compiles for the GPU with parts of a CUDA toolkit that are not in TensorFlow.",
            seen_by="the file libdevice.10.bc in toolkits, wheels and the prefix",
            confirmed_by="compiling one small function",
            remedy="Install NVIDIA's compiler as a package, or point "
            "XLA_FLAGS=--xla_gpu_cuda_data_dir at a toolkit.",
            sources=("tensorflow#58681", "tensorflow-feedstock#420", "jax#4452"),
        ),
    ),
    Check(
        id="tf-aarch64-third-party",
        group="tensorflow",
        summary="TensorFlow on Linux ARM",
        run=find_arm_build,
        page=Page(
            why="On Linux ARM the wheels are made by AWS, for the CPU.",
            seen_by="the architecture and the installed package",
            remedy="None is needed.",
            sources=("TensorFlow, Install with pip",),
        ),
    ),
)
