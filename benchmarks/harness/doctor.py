"""How long the doctor takes, beside what people run today.

    python benchmarks/harness/doctor.py [--quick]

Static: `envdoctor check` on this environment, with distributions made up until there are 300,
against `python -m torch.utils.collect_env` in the same environment, in turn. Budgets: a third of
its time, judged on the middle of the ratios, and one second. Deep: `envdoctor check --deep` with
the probes of PyTorch, TensorFlow and JAX and no others, on the CPU. Budget: 30 seconds.

envdoctor's modules are compiled before, as pip compiles what it installs: in a checkout the child
keeps no byte code, nor does anything where Python is told so, and each run would compile anew.

Exit code 1: a budget is exceeded.
"""

from __future__ import annotations

import compileall
import os
import random
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import click

from envdoctor.plugins import load_plugins

DISTRIBUTIONS = 300
MOST_RATIO = 1 / 3
MOST_SECONDS = 1.0
MOST_DEEP_SECONDS = 30.0
EXERCISED = ("torch", "tensorflow", "jax")
CHECK = (sys.executable, "-m", "envdoctor", "check")
COLLECT = (sys.executable, "-m", "torch.utils.collect_env")


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--quick", is_flag=True, help="Fewer turns.")
def main(*, quick: bool) -> None:
    """Print the figures beside their budgets."""
    compile_modules()
    with tempfile.TemporaryDirectory() as folder:
        made = make_distributions(Path(folder), DISTRIBUTIONS)
        ratio, seconds = static(2 if quick else 10, made)
    click.echo(
        f"check          {ratio:.2f} times torch.utils.collect_env (budget {MOST_RATIO:.2f}), "
        f"{seconds:.2f} s with {DISTRIBUTIONS} distributions (budget {MOST_SECONDS:g} s)"
    )
    deep_seconds = median(deep() for _ in range(1 if quick else 3))
    click.echo(
        f"check --deep   {deep_seconds:.1f} s with {', '.join(EXERCISED)} "
        f"(budget {MOST_DEEP_SECONDS:g} s)"
    )
    kept = ratio <= MOST_RATIO and seconds <= MOST_SECONDS and deep_seconds <= MOST_DEEP_SECONDS
    sys.exit(0 if kept else 1)


def compile_modules() -> None:
    """Keep the byte code of envdoctor and of its plugins beside them."""
    plugins = {entry.module.partition(".")[0] for entry in metadata.entry_points(group="envdoctor")}
    for name in {"envdoctor", *plugins}:
        spec = find_spec(name)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            compileall.compile_dir(place, quiet=2)


def make_distributions(folder: Path, wanted: int) -> dict[str, str]:
    """Make up distributions until this environment has so many; the variables that add them."""
    there = sum(1 for _ in metadata.distributions())
    for number in range(wanted - there):
        name = f"made_up_{number}"
        (folder / name).mkdir()
        (folder / name / "__init__.py").touch()
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n"
            "Requires-Dist: numpy>=1\n"
        )
        (info / "RECORD").write_text(f"{name}/__init__.py,,\n{info.name}/METADATA,,\n")
    present = [path for path in [os.environ.get("PYTHONPATH")] if path]
    return {"PYTHONPATH": os.pathsep.join([str(folder), *present])}


def static(rounds: int, variables: dict[str, str]) -> tuple[float, float]:
    """The middle ratio of the two times, and the middle time of ours in seconds."""
    order = random.Random(0)  # noqa: S311
    for command in (CHECK, COLLECT):
        _seconds(command, variables)  # so that all files are in the page cache
    ratios, ours = [], []
    for _ in range(rounds):
        found = {
            command: _seconds(command, variables) for command in order.sample((CHECK, COLLECT), 2)
        }
        ratios.append(found[CHECK] / found[COLLECT])
        ours.append(found[CHECK])
    return median(ratios), median(ours)


def deep() -> float:
    """Seconds of a deep check that exercises three frameworks."""
    others = {probe.name for probe in load_plugins(strangers=False).probes()} - set(EXERCISED)
    return _seconds((*CHECK, "--deep"), {"ENVDOCTOR_DISABLE_PLUGINS": ",".join(sorted(others))})


def _seconds(command: tuple[str, ...], variables: dict[str, str]) -> float:
    """How long a command takes. Raises RuntimeError if it could not do what it is to do."""
    begun = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    # What it finds in an environment is no failure of its own.
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return seconds


if __name__ == "__main__":
    main()
