"""What the files of an installed JAX say of it and of its plugins, without importing it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.child.cuda_files import libraries_on_the_path
from envdoctor.child.package_files import constants, package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envdoctor.model.environment import Environment

_PLUGIN = re.compile(r"jax-(cuda|rocm)(\d+)-(plugin|pjrt)$")


def collect(environment: Environment) -> Framework | None:
    """JAX with its parts; None if it is not installed.

    `cuda` is the major version that the plugin is for. Details: `jaxlib`, `minimum jaxlib`,
    `libtpu`, each plugin by the name of its distribution, and `library path` (CUDA libraries on
    LD_LIBRARY_PATH).
    """
    distribution = environment.distributions.get("jax")
    module = environment.modules.get("jax", "")
    if distribution is None and not module:
        return None
    location = distribution.location if distribution is not None else ""
    folder = Path(package_folder(module, location, "jax"))
    said = constants(str(folder / "version.py"))
    plugins = {name: _PLUGIN.match(name) for name in environment.distributions}
    present = {name: match for name, match in plugins.items() if match}
    details = {
        "jaxlib": environment.version_of("jaxlib"),
        "minimum jaxlib": str(said.get("_minimum_jaxlib_version") or ""),
        "libtpu": environment.version_of("libtpu", "libtpu-nightly"),
        **{name: environment.version_of(name) for name in sorted(present)},
        "library path": "\n".join(
            libraries_on_the_path(environment.variables.get("LD_LIBRARY_PATH", ""))
        ),
    }
    version = environment.version_of("jax") or str(said.get("_version") or "")
    return Framework(
        name="jax",
        version=version,
        cuda=_newest(match[2] for match in present.values() if match[1] == "cuda"),
        cudnn=environment.version_of("nvidia-cudnn-cu13", "nvidia-cudnn-cu12") or None,
        rocm=_newest(match[2] for match in present.values() if match[1] == "rocm"),
        location=str(folder),
        details={key: text for key, text in details.items() if text},
    )


def _newest(majors: Iterable[str]) -> str | None:
    return max(majors, key=int, default=None)
