"""Commands that put a distribution right, by the tool that installed it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from envdoctor.checks import remedies
from envdoctor.checks.compat import parse
from envdoctor.model.finding import Remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.model.environment import Distribution, Environment

TORCH_INDEX = "https://download.pytorch.org/whl/"
TORCH_BUILD = re.compile(r"cpu|xpu|cu\d{2,3}|rocm[\d.]+")
"""The local versions that have an index of their own under `TORCH_INDEX`."""
TORCH_FAMILY = frozenset({"torch", "torchvision", "torchaudio"})
FORCED = "--force-reinstall --no-deps"


def torch_build(version: str) -> str:
    """`cu126` for `2.13.0+cu126`; empty if the version names no build of PyTorch's own indexes."""
    found = parse(version)
    local = found.local if found is not None else None
    return local if local and TORCH_BUILD.fullmatch(local) else ""


def index_option(version: str) -> str:
    """The pip option that names the index which a build of torch came from; empty for the usual."""
    build = torch_build(version)
    return f"--index-url {TORCH_INDEX}{build}" if build else ""


def by_conda(environment: Environment, name: str) -> bool:
    """Whether conda installed this distribution."""
    found = environment.distributions.get(name)
    return found is not None and found.installer == "conda"


def conda_install(environment: Environment, *specs: str, options: str = "", text: str) -> Remedy:
    """Install conda packages into an environment."""
    words = ["conda install -p", shlex.quote(environment.interpreter.prefix), options]
    words += [shlex.quote(spec) for spec in specs]
    return Remedy(command=" ".join(word for word in words if word), text=text)


def again(environment: Environment, distribution: Distribution, text: str) -> Remedy:
    """Install the same version of a distribution again, and nothing else."""
    if distribution.installer == "conda":
        spec = f"{distribution.name}={distribution.version}"
        return conda_install(environment, spec, options="--force-reinstall", text=text)
    if distribution.direct_url:
        wanted, options = distribution.direct_url, FORCED
    else:
        index = index_option(distribution.version) if distribution.name in TORCH_FAMILY else ""
        wanted = exactly(distribution)
        options = f"{FORCED} {index}".rstrip()
    return remedies.install(environment, wanted, options=options, text=text)


def exactly(distribution: Distribution) -> str:
    """The requirement for this very version; the bare name if the version is not known."""
    known = parse(distribution.version) is not None
    return f"{distribution.name}=={distribution.version}" if known else distribution.name


def instead(
    environment: Environment, remove: Sequence[str], keep: Distribution, text: str
) -> Remedy:
    """Remove distributions that share files with one, and put that one in place again."""
    back = again(environment, keep, text)
    if environment.interpreter.externally_managed:
        return back
    away = remedies.uninstall(environment, *remove, text=text)
    return Remedy(command=f"{away.command} && {back.command}", text=text)


def apart(environment: Environment, *requirements: str, folder: str, text: str) -> Remedy:
    """Install something into a new virtual environment beside this one."""
    place = f"~/.venvs/{folder}"
    wanted = " ".join(shlex.quote(each) for each in requirements)
    begin = f"{remedies.python(environment)} -m venv {place}"
    return Remedy(command=f"{begin} && {place}/bin/python -m pip install {wanted}", text=text)
