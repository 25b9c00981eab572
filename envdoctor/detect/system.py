"""The operating system and our own interpreter."""

from __future__ import annotations

import platform

from envdoctor.model.facts import Facts, System


def detect() -> Facts:
    """The system as facts; no host name, which is nobody's business in a shared result."""
    return Facts(
        system=System(
            name=platform.system(),
            release=platform.release(),
            architecture=platform.machine(),
            python=platform.python_version(),
        )
    )
