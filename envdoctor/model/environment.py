"""Facts about one Python environment, read without importing anything of it."""

from __future__ import annotations

from msgspec import Struct

from envdoctor.model.machine import Unseen


class Interpreter(Struct, frozen=True, kw_only=True):
    """The Python under examination."""

    path: str
    version: str
    """`3.11.9`."""
    implementation: str = "CPython"
    prefix: str = ""
    base_prefix: str = ""
    free_threaded: bool = False
    externally_managed: bool = False
    conda: bool = False
    """Whether the prefix is a conda environment."""
    user_site: str = ""
    user_site_enabled: bool = False
    path_entries: tuple[str, ...] = ()
    """`sys.path` as a script in no particular folder would have it, in order."""
    include_folder: str = ""
    has_headers: bool | None = None
    """Whether Python.h is there."""
    start_error: str = ""
    """Why it does not start as its user starts it; it was then looked at without its start-up
    files, `-I -S`. Empty if it starts."""


class Requirement(Struct, frozen=True, kw_only=True):
    """A declared requirement whose marker holds in this environment (extras left out)."""

    name: str
    """Normalised: lower case with hyphens."""
    specifier: str = ""


class Distribution(Struct, frozen=True, kw_only=True):
    """An installed distribution."""

    name: str
    """Normalised: lower case with hyphens."""
    version: str
    location: str = ""
    """The folder that its metadata lies in."""
    installer: str = ""
    direct_url: str = ""
    editable: bool = False
    requires: tuple[Requirement, ...] = ()
    requires_python: str = ""
    files: int = 0
    size_bytes: int | None = None
    missing: tuple[str, ...] = ()
    """Files of its RECORD that are not there, .pyc and scripts left out; ten at most."""
    missing_count: int = 0
    resized: tuple[str, ...] = ()
    """Files whose size is not that of the RECORD; ten at most."""
    broken: str = ""
    """Why its metadata cannot be read; empty if it can."""


class Clash(Struct, frozen=True, kw_only=True):
    """Files that several distributions claim."""

    owners: tuple[str, ...]
    paths: tuple[str, ...]
    """Ten at most."""
    count: int


class CondaPackage(Struct, frozen=True, kw_only=True):
    """A package that conda installed."""

    name: str
    version: str
    build: str = ""
    channel: str = ""


class ExtensionAbi(Struct, frozen=True, kw_only=True):
    """An extension module that was built for NumPy 1 only."""

    distribution: str
    path: str


class Shadow(Struct, frozen=True, kw_only=True):
    """A file or folder that takes the place of a module in scripts that run beside it."""

    module: str
    path: str
    in_package: bool = False
    """Whether the folder is itself a package: its files are then imported by its name."""


class Kernel(Struct, frozen=True, kw_only=True):
    """A registered Jupyter kernel for Python."""

    name: str
    path: str
    """Of kernel.json."""
    interpreter: str
    """`argv[0]`, as it stands."""
    exists: bool
    prefix: str = ""
    """Of the environment that the interpreter lies in, by its place; empty if unknown."""


class Tool(Struct, frozen=True, kw_only=True):
    """A package manager on the path, with the interpreter it works for."""

    name: str
    path: str
    interpreter: str = ""
    """From its shebang; empty if it belongs to none."""
    version: str = ""


class PthFile(Struct, frozen=True, kw_only=True):
    """A start-up file of the environment."""

    path: str
    executes: bool
    """Whether a line of it begins with `import`."""
    error: str = ""
    """What Python says of it, or would say."""
    dangling: tuple[str, ...] = ()
    """Folders that it names and that are not there: Python passes over them in silence."""


class Framework(Struct, frozen=True, kw_only=True):
    """What the files of one framework say of its build, found by the collector of its plugin."""

    name: str
    version: str = ""
    cuda: str | None = None
    """The CUDA version that it was built for; None for a build without CUDA."""
    cudnn: str | None = None
    rocm: str | None = None
    location: str = ""
    details: dict[str, str] = {}
    """Whatever else the plugin's checks need."""


class Environment(Struct, frozen=True, kw_only=True):
    """Everything that the survey of one interpreter shows."""

    interpreter: Interpreter
    distributions: dict[str, Distribution] = {}
    """By normalised name; the first on the path counts."""
    duplicates: tuple[Distribution, ...] = ()
    """Further ones of a name, later on the path."""
    clashes: tuple[Clash, ...] = ()
    conda_packages: tuple[CondaPackage, ...] = ()
    leftovers: tuple[str, ...] = ()
    """Folders that begin with `~` in site-packages, which a broken uninstall left."""
    variables: dict[str, str] = {}
    """Those of the process's variables that matter to frameworks."""
    modules: dict[str, str] = {}
    """Top-level modules that matter, with where they would come from; empty if nowhere."""
    shadows: tuple[Shadow, ...] = ()
    """In the current folder."""
    pth_files: tuple[PthFile, ...] = ()
    numpy_one_extensions: tuple[ExtensionAbi, ...] = ()
    kernels: tuple[Kernel, ...] = ()
    tools: tuple[Tool, ...] = ()
    openmp_runtimes: tuple[str, ...] = ()
    """Files of OpenMP runtimes (libiomp5, libomp, libgomp, vcomp) inside the environment."""
    libstdcxx: tuple[str, ...] = ()
    """Every libstdc++.so.6 that could win, in the loader's order, the environment's own first."""
    frameworks: dict[str, Framework] = {}
    unseen: tuple[Unseen, ...] = ()

    def version_of(self, *names: str) -> str:
        """The version of the first of these distributions that is installed; empty if none is."""
        found = (self.distributions.get(name) for name in names)
        return next((each.version for each in found if each is not None), "")
