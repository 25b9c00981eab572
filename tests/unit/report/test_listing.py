from __future__ import annotations

import io
import json

from rich.console import Console

from envdoctor.report import listing

PLUGINS = {
    "backends": [
        {
            "name": "torch",
            "modes": ["eager", "compile"],
            "version": "2.13.0",
            "runs": True,
            "reason": "",
            "remedy": "",
        },
        {
            "name": "[b]odd[/b]",
            "modes": ["only"],
            "version": None,
            "runs": False,
            "reason": "odd is [red]not[/red] here.",
            "remedy": 'python -m pip install "odd>=1"',
        },
    ],
    "disabled": ["jax"],
    "broken": [{"plugin": "bad (bad 1.0)", "reason": "ImportError: no [x] :boom:"}],
}


def _console(width: int) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, width=width), stream


def test_plugins_are_told_with_what_they_lack() -> None:
    console, stream = _console(200)
    listing.show_plugins(PLUGINS, console)
    text = stream.getvalue()
    assert "torch 2.13.0 · eager, compile · runs" in text
    assert "[b]odd[/b] · only · cannot run" in text
    assert "odd is [red]not[/red] here." in text
    assert 'python -m pip install "odd>=1"' in text
    assert "jax: switched off" in text
    assert "bad (bad 1.0): left out: ImportError: no [x] :boom:" in text


def test_a_command_to_copy_is_never_broken_over_lines() -> None:
    console, stream = _console(20)
    listing.show_plugins(PLUGINS, console)
    assert 'python -m pip install "odd>=1"' in stream.getvalue()


WORKLOADS = [
    {
        "name": "mlp-tiny",
        "parameters": 26_122,
        "training_flops": 138_752,
        "batch": 64,
        "steps": 440,
        "data_set": "digits",
        "summary": "Two hidden layers [of] 128",
    }
]


def test_workloads_are_listed_with_their_size_and_cost() -> None:
    console, stream = _console(140)
    listing.show_workloads(WORKLOADS, console)
    text = stream.getvalue()
    for word in ("mlp-tiny", "26,122", "139 k", "64", "440", "digits", "Two hidden layers [of]"):
        assert word in text


def test_a_narrow_terminal_keeps_names_and_sizes() -> None:
    console, stream = _console(40)
    listing.show_workloads(WORKLOADS, console)
    assert "mlp-tiny" in stream.getvalue()
    assert "26,122" in stream.getvalue()
    assert max(map(len, stream.getvalue().splitlines())) <= 40


def test_json_is_json() -> None:
    assert json.loads(listing.as_json(PLUGINS)) == PLUGINS
