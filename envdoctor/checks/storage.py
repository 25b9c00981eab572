"""Folders that frameworks write to, and the way to the network: certificates and proxies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.hardware import GIB, gib
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment
    from envdoctor.model.machine import Folder
    from envdoctor.model.snapshot import Snapshot

FULL_BYTES = GIB // 2
"""Less than the weights of a small language model; a choice."""
FEW_INODES = 1000
"""A cache of compiled kernels makes hundreds of files; a choice."""
USERS = {
    "HF_HOME": ("huggingface-hub", "transformers", "datasets"),
    "TORCH_HOME": ("torch",),
    "TRITON_CACHE_DIR": ("triton",),
}
"""Who writes to a folder; everybody writes to those that are not named, but pip's, without which
pip merely downloads again."""
RUNS_CODE = {"TMPDIR", "TRITON_CACHE_DIR"}
"""Folders that compiled code is loaded from."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PROXY = re.compile(
    r"^(?:(?:https?|socks[45][ah]?)://)?(?:[^@/\s]*@)?(?:\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+)(?::\d{1,5})?/?$"
)


def not_writable(snapshot: Snapshot) -> Iterator[Finding]:
    """Folders that cannot be written to, are full, or refuse to run code."""
    used = [each for each in snapshot.machine.folders if _matters(each, snapshot.environment)]
    closed = [each for each in used if not each.writable]
    full = [each for each in used if each.writable and _is_full(each)]
    inert = [
        each
        for each in used
        if each.no_exec
        and each.purpose in RUNS_CODE
        and snapshot.environment.version_of("triton", "torch")
    ]
    if closed:
        yield _finding(
            "rights",
            closed,
            "Frameworks may not write to their folders",
            [f"{each.purpose}: {each.path} may not be written to" for each in closed],
            "Downloads, compiled kernels and temporary files cannot be kept.",
        )
    if full:
        yield _finding(
            "space",
            full,
            "A disk that frameworks write to is full",
            [f"{each.purpose}: {each.path}, {_room(each)}" for each in full],
            "Downloads and compilations will end with `No space left on device`.",
        )
    if inert:
        yield _finding(
            "noexec",
            inert,
            "Compiled code cannot be loaded from a folder that is mounted noexec",
            [f"{each.purpose}: {each.path} is mounted noexec" for each in inert],
            "torch.compile and Triton build libraries there and load them.",
        )


def _matters(folder: Folder, environment: Environment) -> bool:
    if folder.purpose == "pip cache":
        return False
    users = USERS.get(folder.purpose)
    return users is None or bool(environment.version_of(*users))


def _is_full(folder: Folder) -> bool:
    few_bytes = folder.free_bytes is not None and folder.free_bytes < FULL_BYTES
    return few_bytes or (folder.free_inodes is not None and folder.free_inodes < FEW_INODES)


def _room(folder: Folder) -> str:
    if folder.free_bytes is not None and folder.free_bytes < FULL_BYTES:
        return f"{gib(folder.free_bytes)} free"
    return f"{folder.free_inodes} files left"


def _finding(
    subject: str, folders: list[Folder], title: str, facts: list[str], cause: str
) -> Finding:
    purpose = folders[0].purpose
    return Finding(
        id="disk-or-cache-not-writable",
        status="warn",
        subject=subject,
        title=title,
        evidence=tuple(Evidence(fact=fact, source="file system") for fact in facts),
        cause=cause,
        remedies=(
            Remedy(
                command=f"export {purpose}=/path/on/a/large/disk",
                text="Name a folder of yours with room on it, in ~/.bashrc for good.",
            ),
        ),
        verify=f'df -h "${purpose}" && df -i "${purpose}"',
    )


def certificates_and_proxies(snapshot: Snapshot) -> Iterator[Finding]:
    """A variable names certificates that are not there, or a proxy that is none."""
    for named in snapshot.machine.named_files:
        if not named.exists:
            yield _network_finding(
                named.variable,
                f"{named.variable} names a file that does not exist",
                Evidence(fact=f"{named.path} does not exist", source=named.variable),
                "Without certificates, downloads end with CERTIFICATE_VERIFY_FAILED or an error "
                "about the missing file.",
            )
    for name in PROXIES:
        value = snapshot.environment.variables.get(name, "").strip()
        if value and not PROXY.match(value):
            yield _network_finding(
                name,
                f"{name} is no address of a proxy",
                # Not the value itself, in which a password may stand.
                Evidence(
                    fact=f"{len(value)} characters that are not http://HOST:PORT", source=name
                ),
                "Programs that honour the variable cannot reach the network.",
            )


def _network_finding(variable: str, title: str, evidence: Evidence, cause: str) -> Finding:
    return Finding(
        id="ssl-or-proxy",
        status="warn",
        subject=variable,
        title=title,
        evidence=(evidence,),
        cause=cause,
        remedies=(
            Remedy(
                command=f"unset {variable}",
                text="Unset it, or point it to what is there; look for where it is set.",
            ),
        ),
        verify=f'printenv {variable} || echo "not set"',
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="disk-or-cache-not-writable",
        group="machine",
        summary="folders of frameworks that are closed, full or noexec",
        run=not_writable,
        page=Page(
            symptoms=("OSError: [Errno 28] No space left on device", "PermissionError: ~/.cache"),
            why="Frameworks keep downloads and compiled code in folders of the user.",
            seen_by="The rights, free space, free inodes and mount options of the folders that "
            "variables name, or of their defaults. Nothing is written.",
            confirmed_by="Quotas and network file systems may refuse what rights allow: try it.",
            remedy="Point the variable to a folder with room.",
            sources=("huggingface_hub, environment variables", "statvfs(3)"),
        ),
    ),
    Check(
        id="ssl-or-proxy",
        group="machine",
        summary="certificates that are missing, and malformed proxies",
        run=certificates_and_proxies,
        page=Page(
            symptoms=("[SSL: CERTIFICATE_VERIFY_FAILED]",),
            why="Variables override where certificates and proxies are looked for.",
            seen_by="The variables, and whether the files exist. Nothing is sent.",
            remedy="Point the variable to what exists, or unset it.",
            sources=("TensorFlow, install/errors", "conda, its health check requests_ca_bundle"),
        ),
    ),
)
