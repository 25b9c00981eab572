"""Strangers' plugins through the command line, as a user meets them."""

from __future__ import annotations

import json

import pytest

from envdoctor.model import codec

BROKEN = {
    "broken-import": "ImportError: libwonder.so.7: cannot open shared object file",
    "midway": "FileNotFoundError: second.toml went missing",
    "misspelt": "there is no hook called `envdoctor_backend`; did you mean `envdoctor_backends`?",
    "wrong-type": "TypeError: `envdoctor_backends` yields str, not Backend",
}


@pytest.fixture(scope="module")
def bench(shell, speck, tmp_path_factory, module_mark):
    """One run among strangers; what the shell shows, and the run file."""
    path = tmp_path_factory.mktemp("runs") / "run.json"
    rows = ("--backend", "numpy", "--backend", "faulty")
    modes = ("--mode", "numpy", "--mode", "chatters", "--mode", "segfaults")
    finished = shell(
        *("bench", speck, *rows, *modes, "--threads", "1", "--quick", "--format", "json"),
        *("--save", str(path)),
        strangers=("faulty", *BROKEN),
        **module_mark.variables,
    )
    return finished, path


def test_a_bench_among_strangers_ends_with_problems_found(bench):
    finished, _ = bench
    assert finished.returncode == 1, finished.stderr


def test_standard_output_is_the_run_and_nothing_else(bench):
    finished, path = bench
    assert json.loads(finished.stdout) == json.loads(path.read_text())
    assert "nothing is wrong" not in finished.stderr


def test_the_run_file_has_every_row(bench):
    run = codec.read(bench[1])
    assert run.state == "finished"
    assert {cell.row.title: cell.outcome.status for cell in run.cells} == {
        "faulty chatters": "ok",
        "faulty segfaults": "crashed",
        "numpy": "ok",
    }


def test_the_run_file_names_each_broken_plugin_with_its_reason(bench):
    broken = {each.plugin: each.reason for each in codec.read(bench[1]).broken_plugins}
    assert broken == {f"{name} (envdoctor-{name} 1.0)": reason for name, reason in BROKEN.items()}


def test_the_table_shows_the_crash_and_the_broken_plugins(bench, shell):
    shown = shell("bench", "--recompute", str(bench[1]))
    text = " ".join(shown.stdout.split())
    assert shown.returncode == 1
    assert "the worker was killed by SIGSEGV (segmentation fault) during `steps`." in text
    for name, reason in BROKEN.items():
        assert f"{name} (envdoctor-{name} 1.0): {reason}" in text


def test_no_process_is_left(bench, module_mark):
    assert module_mark.survivors() == []


def test_the_list_of_plugins_names_what_was_left_out(shell):
    shown = shell("plugins", strangers=tuple(BROKEN))
    text = " ".join(shown.stdout.split())
    assert shown.returncode == 0
    for name, reason in BROKEN.items():
        assert f"plugin {name} (envdoctor-{name} 1.0): left out: {reason}" in text


@pytest.mark.parametrize("arguments", [("plugins",), ("bench", "mlp-tiny"), ("parity", "mlp-tiny")])
def test_a_clash_is_a_usage_error_that_names_both_owners(shell, arguments):
    shown = shell(*arguments, strangers=("clash",))
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert "two plugins offer a backend called `numpy`" in shown.stderr
    assert "clash (envdoctor-clash 1.0)" in shown.stderr
    assert "numpy (envdoctor " in shown.stderr
    assert "ENVDOCTOR_DISABLE_PLUGINS=" in shown.stderr


def test_the_hint_of_a_clash_mends_it(shell):
    told = shell("plugins", strangers=("clash",)).stderr
    variable, _, name = told.split("Leave one out: ")[1].split()[0].partition("=")
    shown = shell("plugins", "--format", "json", strangers=("clash",), **{variable: name})
    assert shown.returncode == 0
    assert name in json.loads(shown.stdout)["disabled"]


def test_no_plugins_leaves_every_stranger_out(shell):
    strangers = ("clash", "faulty", *BROKEN)
    shown = shell("--no-plugins", "plugins", "--format", "json", strangers=strangers)
    found = json.loads(shown.stdout)
    assert found["broken"] == []
    assert set(strangers) <= set(found["disabled"])
    assert {backend["name"] for backend in found["backends"]} == {
        *("flax", "jax", "keras", "lightning", "mindspore", "mlx", "numpy", "paddle"),
        *("tensorflow", "tinygrad", "torch", "transformers"),
    }


def test_a_disabled_backend_is_unknown(shell):
    shown = shell(
        *("bench", "--backend", "faulty"),
        strangers=("faulty",),
        ENVDOCTOR_DISABLE_PLUGINS="faulty",
    )
    assert shown.returncode == 2
    assert "there is no backend called `faulty`" in shown.stderr
