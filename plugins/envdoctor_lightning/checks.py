"""What can be wrong with an installed Lightning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks import remedies
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.snapshot import Snapshot

STOLEN = ("2.6.2", "2.6.3")
"""Published by a thief on 30 April 2026."""
NAMES = ("lightning", "pytorch-lightning")
LOOK = "from importlib.metadata import version; print(version({name!r}))"
"""For `verify`: to import a stolen release is to run it."""


def find_stolen(snapshot: Snapshot) -> Iterator[Finding]:
    """A release that was published by a thief, and sends away credentials when imported."""
    environment = snapshot.environment
    lightning = environment.frameworks.get("lightning")
    if lightning is None:
        return
    bad = [name for name in NAMES if lightning.details.get(name) in STOLEN]
    payload = lightning.details.get("payload", "")
    if not bad and not payload:
        return
    evidence = [
        Evidence(fact=f"{name} {lightning.details[name]}", source="installed packages")
        for name in bad
    ]
    if payload:
        evidence.append(Evidence(fact="the malicious program is there", source=payload))
    present = [name for name in NAMES if name in lightning.details]
    yield Finding(
        id="lightning-stolen-release",
        status="fail",
        title="This Lightning steals credentials: do not import it",
        evidence=tuple(evidence),
        cause="2.6.2 and 2.6.3 were published by a thief. Importing them runs a hidden program "
        "that collects tokens, keys and passwords of this machine and sends them away.",
        remedies=(
            remedies.uninstall(environment, *(bad or present), text="Removes it."),
            Remedy(
                text="If it was ever imported here, replace every token, key and password that "
                "this account could read."
            ),
            remedies.install(
                environment,
                *(f"{name}!=2.6.2,!=2.6.3" for name in (bad or present)),
                options="--no-cache-dir",
                text="Installs a sound release, and none that pip has kept.",
            ),
        ),
        verify=remedies.run_python(environment, LOOK.format(name=(bad or present)[0])),
    )


def find_two_versions(snapshot: Snapshot) -> Iterator[Finding]:
    """The two names of Lightning in two versions."""
    environment = snapshot.environment
    lightning = environment.frameworks.get("lightning")
    details = lightning.details if lightning is not None else {}
    versions = [details.get(name, "") for name in NAMES]
    if not all(versions) or versions[0] == versions[1]:
        return
    yield Finding(
        id="lightning-two-versions",
        status="info",
        title="Lightning is installed under both of its names, in different versions",
        evidence=tuple(
            Evidence(fact=f"{name} {version}", source="installed packages")
            for name, version in zip(NAMES, versions)
        ),
        cause="`lightning.pytorch` and `pytorch_lightning` are separate copies: a module of one is "
        "none for the Trainer of the other, and code that uses both also mixes two versions.",
        remedies=(
            remedies.install(
                environment,
                f"pytorch-lightning=={versions[0]}",
                text="Puts both at one version; in one program, import only one of them.",
            ),
        ),
        verify=remedies.run_python(environment, LOOK.format(name=NAMES[1])),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="lightning-stolen-release",
        group="lightning",
        summary="a release of Lightning that was published by a thief",
        run=find_stolen,
        page=Page(
            symptoms=("a process of the JavaScript runtime Bun after `import lightning`",),
            why="On 30 April 2026 two releases were published with stolen rights. They were taken "
            "back within the hour, but mirrors, caches and images may keep them.",
            seen_by="the versions of both distributions, and the hidden program among their files",
            remedy="Remove it, and replace all credentials that the account could read.",
            sources=("GHSA-w37p-236h-pfx3", "pytorch-lightning#21691", "pytorch-lightning#21689"),
        ),
    ),
    Check(
        id="lightning-two-versions",
        group="lightning",
        summary="lightning and pytorch-lightning in different versions",
        run=find_two_versions,
        page=Page(
            symptoms=(
                "TypeError: `model` must be a `LightningModule` or `torch._dynamo.OptimizedModule`",
                "ValueError: Expected a parent",
            ),
            why="The same library is published under two names, each with its own copy of every "
            "class.",
            seen_by="the versions of both distributions",
            remedy="One version, and in a program only one of the two names.",
            sources=("pytorch-lightning#19252", "pytorch-lightning#17485"),
        ),
    ),
)
