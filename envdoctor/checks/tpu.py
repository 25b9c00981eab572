"""Google TPU chips: who holds them, and whether the installed JAX is one for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from envdoctor.api import Check, Page
from envdoctor.checks import remedies
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

LOCKS = "/tmp"  # noqa: S108  where libtpu keeps its lock
BACKTRACKED = Version("0.6")
"""The resolver falls back to JAX 0.5.2 with libtpu 0.0.10.1 where it does not find libtpu's later
releases (seen in package metadata, November 2026)."""


def held_or_missing(snapshot: Snapshot) -> Iterator[Finding]:
    """The chips are taken, locked or without device files."""
    tpu = snapshot.machine.tpu
    if tpu is None or not tpu.chips:
        return
    usable = [node for node in tpu.nodes if node.readable and node.writable]
    chips = Evidence(fact=f"{tpu.chips} chips", source="/sys/bus/pci")
    if tpu.holder is not None:
        held = Evidence(fact=f"process {tpu.holder} has a chip open", source="/proc")
        title, facts = "The TPU is in use by another process", (chips, held)
        remedy = Remedy(
            command=f"ps -fp {tpu.holder}",
            text="See which job it is; end it if it is yours. A TPU serves one process at a time.",
        )
    elif tpu.lock_file:
        lock = Evidence(
            fact="libtpu_lockfile is there, and no process has a chip open", source=LOCKS
        )
        title, facts = "A lock of libtpu was left behind", (chips, lock)
        remedy = Remedy(
            command="rm /tmp/libtpu_lockfile",
            text="Remove it, if no job of another user runs that cannot be seen from here.",
        )
    elif snapshot.environment.version_of("libtpu", "libtpu-nightly") and not usable:
        nodes = ", ".join(node.path for node in tpu.nodes) or "none"
        there = Evidence(fact=f"device files: {nodes}; none may be opened", source="/dev")
        title, facts = "The TPU chips have no device file that may be opened", (chips, there)
        remedy = Remedy(
            text="Start the container with the device files (`--privileged`), or as a user who may "
            "open them."
        )
    else:
        return
    yield Finding(
        id="tpu-held-or-missing",
        status="fail" if not (tpu.holder or tpu.lock_file) else "warn",
        title=title,
        evidence=facts,
        cause="libtpu opens the chips for one process alone.",
        remedies=(remedy,),
        verify="ls -l /dev/accel* /dev/vfio/* /tmp/libtpu_lockfile",
    )


def old_jax(snapshot: Snapshot) -> Iterator[Finding]:
    """On a TPU, a JAX so old that a resolver rather than a person will have chosen it."""
    environment = snapshot.environment
    libtpu, jax = environment.version_of("libtpu"), environment.version_of("jax")
    if not libtpu or not jax:
        return
    try:
        if Version(jax) >= BACKTRACKED:
            return
    except InvalidVersion:
        return
    yield Finding(
        id="jax-tpu-extra-backtracks",
        status="info",
        title=f"JAX {jax} with libtpu {libtpu} may be what a resolver fell back to",
        evidence=(
            Evidence(fact=f"jax {jax}", source="environment"),
            Evidence(fact=f"libtpu {libtpu}", source="environment"),
        ),
        cause="Where an installer does not see the newer releases of libtpu, `jax[tpu]` resolves "
        "to old releases of JAX without a word.",
        remedies=(
            remedies.install(
                environment,
                "jax[tpu]",
                options="--upgrade",
                text="Ask for the newest; name a version to be told why it cannot be had.",
            ),
        ),
        verify=remedies.run_python(environment, "import jax; print(jax.__version__)"),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="tpu-held-or-missing",
        group="tpu",
        summary="TPU chips that another process holds or that cannot be opened",
        run=held_or_missing,
        page=Page(
            symptoms=(
                "The TPU is already in use by process with pid",
                "libtpu.so already in use by another process",
            ),
            why="A TPU serves one process at a time; its lock may outlive it.",
            seen_by="PCI ids, device files, the lock in /tmp, and open files of processes that may "
            "be seen. libtpu is not loaded, since that would take the chips.",
            remedy="End the holder; remove a lock that nobody holds.",
            sources=("jax#10192", "jax#13260", "pytorch/xla#6794"),
        ),
    ),
    Check(
        id="jax-tpu-extra-backtracks",
        group="tpu",
        summary="an old JAX that a resolver chose for libtpu's sake",
        run=old_jax,
        page=Page(
            symptoms=("jax is years older than expected",),
            why="An installer that cannot find a partner for the newest JAX takes an older one.",
            seen_by="The versions of jax and libtpu.",
            remedy="Name the version, and read the installer's answer.",
            sources=("package metadata of jax and libtpu",),
        ),
    ),
)
