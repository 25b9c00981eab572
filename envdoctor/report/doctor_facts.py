"""Facts in short lines: the machine, the interpreter, the frameworks and what surrounds them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment, Framework
    from envdoctor.model.machine import Machine

SURROUNDINGS = {
    "numpy": "NumPy",
    "pandas": "pandas",
    "scikit-learn": "scikit-learn",
    "keras": "Keras",
    "flax": "Flax",
    "optax": "Optax",
    "transformers": "Transformers",
    "accelerate": "Accelerate",
    "datasets": "Datasets",
    "gymnasium": "Gymnasium",
    "tensorboard": "TensorBoard",
    "jupyterlab": "JupyterLab",
    "notebook": "Notebook",
    "mlflow": "MLflow",
    "ray": "Ray",
}
"""What is used with frameworks, by distribution, as its people write it."""
GB = 10**9


def machine_line(machine: Machine) -> str:
    """`AMD Ryzen 9 7950X, 32 CPUs · 68 GB memory · no GPU`."""
    return " · ".join([processor(machine), memory(machine), gpus(machine)])


def processor(machine: Machine) -> str:
    """The CPU, and how much of it may be used."""
    found = machine.processor
    usable = len(found.allowed) or found.logical
    if not usable:
        return found.model or "CPU unknown"
    number = f"{usable} of {found.logical}" if usable < found.logical else f"{usable}"
    unit = "CPU" if number == "1" else "CPUs"
    quota = f" (quota {found.quota:g})" if found.quota is not None else ""
    return f"{found.model or 'CPU'}, {number} {unit}{quota}"


def memory(machine: Machine) -> str:
    """The memory, and the limit on it."""
    found = machine.memory
    if not found.total_bytes:
        return "memory unknown"
    limited = found.limit_bytes is not None and found.limit_bytes < found.total_bytes
    limit = f" (limit {gigabytes(found.limit_bytes or 0)})" if limited else ""
    return f"{gigabytes(found.total_bytes)} memory{limit}"


def gigabytes(size: int) -> str:
    """A size in GB, with a decimal below ten."""
    return f"{size / GB:.1f} GB" if size < 10 * GB else f"{size / GB:.0f} GB"


def gpus(machine: Machine) -> str:
    """All GPUs of all vendors, equal ones counted; `no GPU` if there is none."""
    names: list[str] = []
    if machine.nvidia is not None:
        names += [gpu.name or "NVIDIA GPU" for gpu in machine.nvidia.gpus]
    if machine.amd is not None:
        names += [gpu.name or f"AMD {gpu.gfx}" for gpu in machine.amd.gpus]
    names += machine.intel_gpus
    if machine.apple is not None:
        cores = f" with {machine.apple.gpu_cores} cores" if machine.apple.gpu_cores else ""
        names.append(f"{machine.apple.chip} GPU{cores}")
    if machine.tpu is not None and machine.tpu.chips:
        names += ["TPU chip"] * machine.tpu.chips
    if not names and any(device.vendor == NVIDIA_VENDOR for device in machine.pci):
        return "NVIDIA GPU without a working driver"
    counted = Counter(names)
    return (
        ", ".join(f"{count} x {name}" if count > 1 else name for name, count in counted.items())
        or "no GPU"
    )


NVIDIA_VENDOR = 0x10DE
"""On the PCI bus."""


def python_line(environment: Environment) -> str:
    """`Python 3.11.9 at /home/ada/venv/bin/python · 214 distributions`."""
    found = environment.interpreter
    name = "Python" if found.implementation == "CPython" else found.implementation
    free = ", free-threaded" if found.free_threaded else ""
    count = len(environment.distributions)
    plural = "" if count == 1 else "s"
    return f"{name} {found.version}{free} at {found.path} · {count} distribution{plural}"


def frameworks_line(environment: Environment) -> str:
    """`torch 2.13.0, CPU build · jax 0.10.2, CPU build`; empty without a framework."""
    return " · ".join(framework(each) for _, each in sorted(environment.frameworks.items()))


def framework(found: Framework) -> str:
    """One framework with its version and what it was built for, if its files tell."""
    name = f"{found.name} {found.version}".strip()
    if found.cuda:
        return f"{name}, CUDA {found.cuda} build"
    if found.rocm:
        return f"{name}, ROCm {found.rocm} build"
    return f"{name}, CPU build" if found.name in BUILT_FOR_ONE else name


BUILT_FOR_ONE = frozenset({"torch", "tensorflow"})
"""Frameworks whose wheel is built either for the CPU or for one kind of GPU."""


def surroundings_line(environment: Environment) -> str:
    """`NumPy 2.4.0 · Transformers 5.1.0`; empty if nothing of the list is installed."""
    versions = ((title, environment.version_of(name)) for name, title in SURROUNDINGS.items())
    shown = {found.name for found in environment.frameworks.values()}
    return " · ".join(
        f"{title} {version}"
        for title, version in versions
        if version and title.lower() not in shown
    )
