"""Registers the NumPy backend: the row that always runs, and the reference of the parity gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Backend, Mode, Probe, Setting, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def environment(setting: Setting) -> Mapping[str, str]:
    """Thread counts for whichever BLAS this NumPy was built with; each is read at import."""
    threads = str(setting.threads)
    names = ("OPENBLAS", "OMP", "MKL", "BLIS", "VECLIB_MAXIMUM")
    return {
        f"{name}_THREADS" if name == "VECLIB_MAXIMUM" else f"{name}_NUM_THREADS": threads
        for name in names
    }


@hookimpl
def envdoctor_backends() -> Iterator[Backend]:
    """One mode: there is nothing to compile."""
    yield Backend(
        name="numpy",
        summary="NumPy with hand-written gradients; the reference in float64",
        module="numpy",
        distributions=("numpy",),
        trainer="envdoctor_numpy.trainer:Trainer",
        modes=(
            Mode(
                name="numpy",
                summary="hand-written forward and backward passes on BLAS",
                practice=(
                    "large two-dimensional products with preallocated results",
                    "all parameters in one vector, so that the optimiser is a few operations",
                    "memory that starts on a cache line",
                ),
            ),
        ),
        precisions=("fp32", "fp64"),
        at_least="1.22",
        environment=environment,
    )


@hookimpl
def envdoctor_probes() -> Iterator[Probe]:
    """What `--deep` tries."""
    yield Probe(
        name="numpy",
        summary="NumPy and its BLAS",
        module="numpy",
        distributions=("numpy",),
        entry="envdoctor_numpy.probe:probe",
        seconds=30,
    )
