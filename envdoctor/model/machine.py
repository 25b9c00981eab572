"""Facts about the machine that a doctor needs; None or empty where nothing was found out."""

from __future__ import annotations

from msgspec import Struct


class Unseen(Struct, frozen=True, kw_only=True):
    """Something that could not be looked at: neither a pass nor a failure."""

    what: str
    reason: str


class Platform(Struct, frozen=True, kw_only=True):
    """The operating system, and what it runs inside of."""

    system: str = ""
    """As `platform.system()` says it: `Linux`, `Windows`, `Darwin`."""
    kernel: str = ""
    architecture: str = ""
    """As `platform.machine()` says it: `x86_64`, `aarch64`, `arm64`, `AMD64`."""
    distribution: str = ""
    """`ID` of os-release: `debian`, `ubuntu`, `rhel`."""
    distribution_version: str = ""
    libc: str = ""
    """`glibc 2.36` or `musl 1.2.4`; empty elsewhere than on Linux."""
    wsl: int = 0
    """1 or 2 under the Windows Subsystem for Linux, else 0."""
    container: str = ""
    """`docker`, `podman`, `kubernetes`, `lxc`, `apptainer`, `other`; empty outside of one."""
    virtual_machine: str = ""
    """The hypervisor, if there is one: `kvm`, `vmware`, `hyper-v`, `xen`."""
    hosted: str = ""
    """`colab`, `kaggle`, `vertex`, `sagemaker`, `databricks`; empty elsewhere."""
    jetson: str = ""
    """The first line of nv_tegra_release; empty elsewhere than on a Jetson."""
    translated: bool = False
    """Whether this is an x86 Python on Apple silicon."""
    secure_boot: bool | None = None
    selinux_enforcing: bool | None = None
    seccomp: int | None = None
    """`Seccomp` of the process: 0 none, 1 strict, 2 filter."""
    resumed: bool | None = None
    """Whether the machine has been suspended and resumed since it was started."""
    kernel_messages: tuple[str, ...] | None = None
    """The lines of the last two hours that name NVRM, Xid, nvidia-uvm or an out-of-memory kill;
    None where the log may not be read."""


class Processor(Struct, frozen=True, kw_only=True):
    """The CPUs, and how much of them this process may use."""

    model: str = ""
    flags: tuple[str, ...] = ()
    """Instruction set flags, lower case, as Linux names them; empty if unknown."""
    logical: int = 0
    physical: int | None = None
    allowed: tuple[int, ...] = ()
    """The CPUs that the affinity mask allows."""
    quota: float | None = None
    """CPUs' worth of time that the control groups grant; None without a limit."""
    throttled_periods: int | None = None
    """How often the quota has stopped this group."""
    numa_nodes: int | None = None
    governors: tuple[str, ...] = ()
    """The different scaling governors of the CPUs."""


class HostMemory(Struct, frozen=True, kw_only=True):
    """The memory of the machine, and how much of it this process may use."""

    total_bytes: int = 0
    available_bytes: int = 0
    swap_bytes: int = 0
    limit_bytes: int | None = None
    """The limit of the control groups; None without one."""
    limit_kills: int | None = None
    """How many processes of this control group were killed for want of memory."""
    shared_total_bytes: int | None = None
    """Of /dev/shm."""
    shared_free_bytes: int | None = None


class Limits(Struct, frozen=True, kw_only=True):
    """Resource limits of a process; None for no limit or unknown."""

    open_files: int | None = None
    locked_memory_bytes: int | None = None
    processes: int | None = None


class Folder(Struct, frozen=True, kw_only=True):
    """A folder that frameworks write to."""

    purpose: str
    """The variable that names it, or what it is for: `HF_HOME`, `TMPDIR`, `pip cache`."""
    path: str
    exists: bool
    writable: bool
    """By its rights, or those of the nearest folder above it that exists. Nothing is written."""
    free_bytes: int | None = None
    free_inodes: int | None = None
    no_exec: bool | None = None


class PciDevice(Struct, frozen=True, kw_only=True):
    """A display or accelerator device that the PCI bus has; ids are numbers as in sysfs."""

    address: str
    vendor: int
    device: int
    class_code: int
    driver: str = ""
    """The kernel driver that is bound to it; empty if none is."""
    link_width: int | None = None
    max_link_width: int | None = None
    link_speed: str = ""
    max_link_speed: str = ""
    numa_node: int | None = None


class DeviceNode(Struct, frozen=True, kw_only=True):
    """A file under /dev."""

    path: str
    readable: bool
    writable: bool
    group: int | None = None


class GpuProcess(Struct, frozen=True, kw_only=True):
    """A process that computes on a GPU; its name is nobody's business in a shared report."""

    pid: int
    used_bytes: int | None = None


class NvidiaGpu(Struct, frozen=True, kw_only=True):
    """One GPU as NVML tells of it."""

    index: int
    name: str = ""
    uuid: str = ""
    pci_address: str = ""
    compute_capability: str = ""
    """`8.6`."""
    total_bytes: int | None = None
    used_bytes: int | None = None
    processes: tuple[GpuProcess, ...] | None = None
    """None where they may not be seen."""
    compute_mode: str = ""
    """`default`, `exclusive process`, `prohibited`; empty if unknown."""
    mig: bool | None = None
    persistence: bool | None = None
    event_bits: int | None = None
    """Clock event reasons of nvml.h."""
    temperature_celsius: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    default_power_limit_watts: float | None = None
    ecc_volatile_uncorrected: int | None = None
    ecc_aggregate_uncorrected: int | None = None
    remapped_pending: bool | None = None
    remapped_failed: bool | None = None
    link_width: int | None = None
    max_link_width: int | None = None
    link_generation: int | None = None
    max_link_generation: int | None = None
    fabric_state: str = ""
    """`completed`, `in progress`, `not started`, `not supported`; empty if unknown."""
    fabric_status: str = ""
    query_error: int | None = None
    """What NVML answered instead of a handle, by nvml.h; None if it gave one."""


class Library(Struct, frozen=True, kw_only=True):
    """A shared library that the loader could pick, in the order in which it looks."""

    soname: str
    path: str
    real_path: str = ""
    origin: str = ""
    """`LD_LIBRARY_PATH`, `ldconfig`, `default folder`."""


class Nvidia(Struct, frozen=True, kw_only=True):
    """NVIDIA's driver and its GPUs."""

    kernel_version: str = ""
    """Of the loaded kernel module; empty if none is loaded."""
    modules: tuple[str, ...] = ()
    """Of `nvidia`, `nvidia_uvm`, `nvidia_drm`, `nouveau`: those that are loaded."""
    built_for: tuple[str, ...] | None = None
    """The kernels that DKMS has built the module for."""
    nodes: tuple[DeviceNode, ...] = ()
    """/dev/nvidia*, /dev/dxg."""
    library: Library | None = None
    """libnvidia-ml.so.1 as the loader finds it."""
    library_version: str = ""
    """The version in the name of the real file behind it."""
    cuda_libraries: tuple[Library, ...] = ()
    """Every libcuda.so.1, in the loader's order."""
    nvml_error: int | None = None
    """What initialising NVML answered, by nvml.h; 0 for success, None if it was not tried."""
    driver_version: str = ""
    """As NVML tells it."""
    cuda_version: str = ""
    """The newest CUDA that the driver knows: `13.0`."""
    gpus: tuple[NvidiaGpu, ...] = ()
    fabric_manager: bool | None = None
    """Whether it runs; None if the processes cannot be listed."""
    driver_packages: tuple[str, ...] = ()
    """Installed system packages that bring a driver, such as nvidia-driver-550."""
    nvml_timed_out: bool = False
    """Whether NVML was asked and did not answer in time."""


class AmdGpu(Struct, frozen=True, kw_only=True):
    """One GPU of the kernel fusion driver."""

    gfx: str
    """`gfx1030`."""
    name: str = ""
    total_bytes: int | None = None


class Amd(Struct, frozen=True, kw_only=True):
    """AMD's driver and its GPUs."""

    driver_version: str = ""
    gpus: tuple[AmdGpu, ...] = ()
    nodes: tuple[DeviceNode, ...] = ()
    """/dev/kfd and /dev/dri/renderD*."""
    groups: tuple[int, ...] = ()
    """Those that this process is in."""
    rocm_version: str = ""


class Tpu(Struct, frozen=True, kw_only=True):
    """Google's TPU chips."""

    chips: int = 0
    nodes: tuple[DeviceNode, ...] = ()
    lock_file: bool = False
    """Whether libtpu's lock file lies in the temporary folder."""
    holder: int | None = None
    """The process that has a chip open."""


class Apple(Struct, frozen=True, kw_only=True):
    """Apple silicon."""

    chip: str = ""
    gpu_cores: int | None = None
    macos: str = ""


class NamedFile(Struct, frozen=True, kw_only=True):
    """A file that a variable names."""

    variable: str
    """`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`."""
    path: str
    exists: bool


class CudaToolkit(Struct, frozen=True, kw_only=True):
    """A CUDA toolkit that builds of extensions could take."""

    path: str
    version: str
    """`12.4.1`, by its own files; empty if they do not say."""
    origin: str
    """What leads there: `CUDA_HOME`, `nvcc on PATH`, `/usr/local/cuda`."""


class Machine(Struct, frozen=True, kw_only=True):
    """What detectors found; None where there is none of it, or where it was not looked at."""

    platform: Platform = Platform()
    processor: Processor = Processor()
    memory: HostMemory = HostMemory()
    limits: Limits = Limits()
    folders: tuple[Folder, ...] = ()
    pci: tuple[PciDevice, ...] = ()
    """Display controllers (class 03xx) and processing accelerators (12xx)."""
    nvidia: Nvidia | None = None
    amd: Amd | None = None
    intel_gpus: tuple[str, ...] = ()
    apple: Apple | None = None
    tpu: Tpu | None = None
    commands: dict[str, str] = {}
    """Programs on the path that matter, with where they are: `gcc`, `nvcc`, `uv`, `docker`."""
    named_files: tuple[NamedFile, ...] = ()
    """Certificates that variables name."""
    cuda_toolkits: tuple[CudaToolkit, ...] = ()
    """In the order in which builds of extensions look for them."""
    unseen: tuple[Unseen, ...] = ()
