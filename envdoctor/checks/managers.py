"""What package managers choose: conda and pip mixed, CPU builds, Pythons without wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import compat, reinstall, remedies
from envdoctor.checks.evidence import all_of
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import CondaPackage, Environment
    from envdoctor.model.snapshot import Snapshot

CORE = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pytorch": "torch",
    "tensorflow": "tensorflow",
    "jaxlib": "jaxlib",
    "mkl": "mkl",
    "protobuf": "protobuf",
}
"""conda's names of libraries that others are compiled against, with pip's."""
PIP_TOOLS = frozenset({"pip", "uv", "poetry"})
FRAMEWORKS: tuple[compat.Package, ...] = ("torch", "tensorflow", "jaxlib")
TITLES = {"torch": "PyTorch", "tensorflow": "TensorFlow", "jaxlib": "JAX"}


def mixed(snapshot: Snapshot) -> Iterator[Finding]:
    """Core libraries that both conda and pip have installed into one environment."""
    environment = snapshot.environment
    twice = []
    for package in environment.conda_packages:
        found = environment.distributions.get(CORE.get(package.name, ""))
        if found is None or found.installer not in PIP_TOOLS or found.version == package.version:
            continue
        twice.append((package, found))
    if not twice:
        return
    names = sorted(found.name for _, found in twice)
    back = " ".join(f"{package.name}={package.version}" for package, _ in twice)
    away = remedies.uninstall(environment, *names, text="")
    conda = reinstall.conda_install(
        environment, *back.split(), options="--force-reinstall", text=""
    )
    yield Finding(
        id="conda-pip-mixed-core-libs",
        status="warn",
        title=f"conda and pip have both installed {all_of(names)}",
        evidence=tuple(
            Evidence(
                fact=f"conda: {package.name} {package.version}; {found.installer}: {found.version}",
                source=found.location,
            )
            for package, found in twice
        ),
        cause="conda compiles its packages against its own copy and does not know of the other: "
        "they then run with a library that they were not built for, and the next conda command "
        "may overwrite it.",
        remedies=(
            Remedy(
                command=f"{away.command} && {conda.command}",
                text="Remove pip's copies and put conda's back. What needs pip's versions belongs "
                "into an environment without conda's.",
            ),
        ),
    )


def cpu_build(snapshot: Snapshot) -> Iterator[Finding]:
    """A CPU build of PyTorch that conda chose on a machine with a working NVIDIA driver."""
    environment, nvidia = snapshot.environment, snapshot.machine.nvidia
    package = next((each for each in environment.conda_packages if each.name == "pytorch"), None)
    torch = environment.distributions.get("torch")
    overwritten = torch is not None and torch.installer in PIP_TOOLS
    if package is None or overwritten or "cpu" not in package.build.lower():
        return
    if nvidia is None or not nvidia.gpus or not nvidia.cuda_version:
        return
    yield Finding(
        id="conda-cpu-build-chosen",
        status="warn",
        title="conda has chosen a CPU build of PyTorch although there is an NVIDIA GPU",
        evidence=(
            _conda_fact(package),
            Evidence(fact=f"{len(nvidia.gpus)} x {nvidia.gpus[0].name}", source="NVML"),
        ),
        cause="conda takes a CUDA build only where it sees a driver when it solves: not in an "
        "image that is built without a GPU, or on a login node.",
        remedies=(_cuda_build(snapshot, nvidia.cuda_version),),
        verify=remedies.run_python(environment, "import torch; print(torch.cuda.is_available())"),
        subject="pytorch",
    )


def _conda_fact(package: CondaPackage) -> Evidence:
    name = f"{package.name} {package.version}, build {package.build}"
    return Evidence(fact=name, source="conda-meta")


def _cuda_build(snapshot: Snapshot, cuda: str) -> Remedy:
    text = "Tell conda of the driver and ask for a CUDA build."
    install = reinstall.conda_install(snapshot.environment, "pytorch=*=*cuda*", text=text)
    if snapshot.machine.platform.system == "Windows":
        return Remedy(command=f"set CONDA_OVERRIDE_CUDA={cuda} && {install.command}", text=text)
    return Remedy(command=f"CONDA_OVERRIDE_CUDA={cuda} {install.command}", text=text)


def no_wheel(snapshot: Snapshot) -> Iterator[Finding]:
    """A Python that frameworks publish no wheel for, or no newer one."""
    environment = snapshot.environment
    missing = unpublished(environment)
    if not missing:
        return
    python = environment.interpreter.version
    newest = min((compat.newest_python(name) for name in missing), key=_order)
    wanted = {
        requirement.name: each.name
        for each in environment.distributions.values()
        for requirement in each.requires
        if requirement.name in missing and requirement.name not in environment.distributions
    }
    titles = all_of([TITLES[name] for name in missing])
    yield Finding(
        id="python-version-has-no-wheel",
        status="warn" if wanted else "info",
        title=f"There is no {titles} for Python {compat.minor(python)}",
        evidence=(
            Evidence(fact=f"Python {python}", source=environment.interpreter.path),
            *(
                Evidence(fact=f"{user} requires {name}", source="METADATA")
                for name, user in sorted(wanted.items())
            ),
        ),
        cause=f"No wheel had been published for it by {compat.valid_as_of()}; pip says `No "
        "matching distribution found`.",
        remedies=(_older_python(environment, newest),),
    )


def unpublished(environment: Environment) -> tuple[compat.Package, ...]:
    """The frameworks that are not installed and have no wheel for this Python."""
    python = environment.interpreter.version
    return tuple(
        name
        for name in FRAMEWORKS
        if name not in environment.distributions and compat.newest_wheel(name, python) == ""
    )


def _order(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split("."))


def _older_python(environment: Environment, python: str) -> Remedy:
    text = f"Make an environment with Python {python}."
    if environment.interpreter.conda:
        return Remedy(command=f"conda create -n ml python={python} pip", text=text)
    if any(tool.name == "uv" for tool in environment.tools):
        return Remedy(command=f"uv venv --python {python} ~/.venvs/ml", text=text)
    return Remedy(command=f"python{python} -m venv ~/.venvs/ml", text=text)


CHECKS = (
    Check(
        id="conda-pip-mixed-core-libs",
        group="packages",
        summary="core libraries that both conda and pip have installed",
        run=mixed,
        page=Page(
            symptoms=("ImportError or a crash after `pip install` in a conda environment",),
            why="conda and pip do not know of each other's files. Packages that conda compiled "
            "against its NumPy then run with pip's.",
            seen_by="conda-meta, and the INSTALLER of distributions of the same name with another "
            "version.",
            confirmed_by="`conda list` shows such a package twice or with the channel pypi.",
            remedy="Take the core libraries from one of the two.",
            sources=("conda: user guide, using pip in an environment",),
        ),
    ),
    Check(
        id="conda-cpu-build-chosen",
        group="packages",
        summary="a CPU build of PyTorch that conda chose in spite of a GPU",
        run=cpu_build,
        hides=("torch-cpu-wheel-on-gpu-host",),
        page=Page(
            symptoms=("torch.cuda.is_available() is False after `conda install pytorch`",),
            why="The solver takes a CUDA build only if it sees the driver (`__cuda` in `conda "
            "info`), and then keeps what it has chosen.",
            seen_by="The build string in conda-meta, and the GPUs.",
            confirmed_by="`conda list pytorch` shows a build with cpu in it.",
            remedy="Set CONDA_OVERRIDE_CUDA to the driver's CUDA version and ask for a build that "
            "has cuda in its name.",
            sources=("conda: user guide, virtual packages",),
        ),
    ),
    Check(
        id="python-version-has-no-wheel",
        group="packages",
        summary="a Python that a framework publishes no wheel for",
        run=no_wheel,
        page=Page(
            symptoms=(
                "ERROR: Could not find a version that satisfies the requirement tensorflow",
                "No matching distribution found for tensorflow",
            ),
            why="Frameworks take months to publish wheels for a new Python.",
            seen_by="The version of Python against the table of wheels; it is a warning only if "
            "something that is installed requires the framework.",
            remedy="Make an environment with an older Python.",
            sources=("tensorflow: errors.md", "package metadata"),
        ),
    ),
)
