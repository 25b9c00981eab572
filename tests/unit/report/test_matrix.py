from __future__ import annotations

import io
import re

from rich.console import Console

from envdoctor.model.cell import Certificate, Row
from envdoctor.model.outcome import OK, Outcome
from envdoctor.model.parity import Entry, Matrix, Reference
from envdoctor.model.run import BrokenPlugin, Unavailable
from envdoctor.report.matrix import show_matrix


def _certificate(**values: object) -> Certificate:
    plain = {
        "same_work": True,
        "tier": "G64",
        "output_error": 2e-16,
        "gradient_error": 4e-16,
        "loss_error": 3e-15,
        "optimizer": "as specified",
    }
    return Certificate(**{**plain, **values})


def _entry(backend: str, mode: str, **values: object) -> Entry:
    row = Row(backend=backend, mode=mode, precision="fp64")
    return Entry(row=row, workload="mlp-tiny", **{"outcome": OK, **values})


MATRIX = Matrix(
    references=(Reference(workload="mlp-tiny", finite_difference_error=3e-9),),
    entries=(
        _entry("torch", "eager", certificate=_certificate()),
        _entry(
            "torch",
            "compile",
            certificate=_certificate(
                same_work=False,
                output_error=None,
                optimizer="weight decay is coupled",
                reason="the gradient of [b]dense_1[/b].bias differs.",
                cause="the bias is left out",
            ),
        ),
        _entry("jax", "jit", certificate=_certificate(same_work=False, reason="it differs.")),
        _entry("[b]odd[/b]", "odd", outcome=Outcome(status="crashed", reason="killed :x: [r].")),
    ),
    unavailable=(Unavailable(backend="tf", reason="not [here].", remedy="pip install tf"),),
    broken_plugins=(BrokenPlugin(plugin="bad", reason="no [x] :boom:"),),
)


def _shown(width: int) -> str:
    stream = io.StringIO()
    show_matrix(MATRIX, Console(file=stream, width=width))
    return stream.getvalue()


def _line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_a_row_shows_its_errors_and_its_verdict() -> None:
    text = _shown(120)
    assert re.search(r"4e-16 +3e-15 +as specified +yes", _line(text, "torch eager"))
    assert re.search(r"none +4e-16 +3e-15 +another form +NO", _line(text, "torch compile"))
    assert _line(text, "[b]odd[/b]").rstrip().endswith("crashed")


def test_a_difference_is_told_with_its_cause_or_that_none_is_known() -> None:
    text = _shown(120)
    assert "the gradient of [b]dense_1[/b].bias differs." in text
    assert "likely cause: the bias is left out." in text
    assert "no known difference reproduces it." in text


def test_the_reference_is_told_with_its_own_error() -> None:
    assert "float64 gradients within 3e-9 of finite differences" in _shown(120)


def test_what_a_stranger_wrote_comes_out_as_it_is() -> None:
    text = _shown(120)
    for literal in ("killed :x: [r].", "not [here].", "no [x] :boom:"):
        assert literal in text
