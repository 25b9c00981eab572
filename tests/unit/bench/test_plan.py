from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envdoctor.api import Backend, DataSet, Mode, WorkloadFile
from envdoctor.bench import plan
from envdoctor.bench.plan import (
    Wishes,
    choose_rows,
    find_obstacle,
    oracle_row,
    prepare_all,
    wanted_workloads,
)
from envdoctor.errors import InputError
from envdoctor.plugins import Owner, Plugins
from envdoctor.target.interpreter import Survey

SurveyOf = Callable[..., Survey]
EVERYTHING = {"numpy": "2.4.0", "torch": "2.13.0", "tensorflow_cpu": "2.21.0", "pip": "25"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, survey_of: SurveyOf) -> dict[str, Survey]:
    """What a look at each interpreter shows; no process is started."""
    seen = {
        "": survey_of(modules=("numpy", "torch", "tensorflow"), **EVERYTHING),
        "/bare/python": survey_of(pip="25"),
        "/old/python": survey_of(numpy="2.4.0", torch="2.3.1", pip="25"),
        "/no-numpy/python": survey_of(torch="2.13.0", pip="25"),
    }
    monkeypatch.setattr(plan, "find_interpreter", lambda path: path or "")
    monkeypatch.setattr(plan, "survey", lambda interpreter, modules: seen[interpreter])
    return seen


def test_every_mode_of_every_backend_is_a_row(plugins: Plugins) -> None:
    choice = choose_rows(plugins, Wishes())
    assert [row.row.title for row in choice.rows] == [
        "numpy",
        "tensorflow graph",
        "tensorflow xla",
        "torch eager",
        "torch compile",
    ]
    assert choice.unavailable == ()


def test_wishes_narrow_the_rows(plugins: Plugins) -> None:
    wishes = Wishes(backends=("torch", "numpy"), modes=("compile",))
    assert [row.row.title for row in choose_rows(plugins, wishes).rows] == ["torch compile"]


def test_several_obstacles_are_told_each_with_its_remedy(plugins: Plugins) -> None:
    wishes = Wishes(
        interpreters={"numpy": "/bare/python", "torch": "/old/python", "tensorflow": "/bare/python"}
    )
    choice = choose_rows(plugins, wishes)
    assert choice.rows == ()
    told = {missing.backend: missing for missing in choice.unavailable}
    assert "numpy is not installed in Python 3.11.7 at /venv" in told["numpy"].reason
    assert told["torch"].reason.startswith("torch 2.3.1 is older than 2.4")
    assert told["torch"].remedy == '/venv/bin/python -m pip install "torch>=2.4"'
    assert told["tensorflow"].remedy.endswith('pip install "tensorflow"')


def test_a_foreign_interpreter_stands_in_the_record(plugins: Plugins) -> None:
    wishes = Wishes(backends=("torch",), interpreters={"torch": ""})
    row = choose_rows(plugins, wishes).rows[0]
    assert not row.own
    own = choose_rows(plugins, Wishes(backends=("torch",))).rows[0]
    assert own.own
    assert own.row.interpreter == ""


def keras_like(*needs: str) -> Backend:
    """A library of layers: the mode `torch`, and another that needs what is asked for."""
    modes = (
        Mode(name="torch", summary="", needs=("torch",)),
        Mode(name="other", summary="", needs=needs),
    )
    return Backend(
        name="layers",
        summary="",
        module="numpy",
        distributions=("numpy",),
        trainer="layers.trainer:Trainer",
        modes=modes,
    )


def test_a_mode_without_its_engine_is_told_and_the_others_run(plugins: Plugins) -> None:
    record = (Owner("p", "p", "1"), keras_like("jax", "optax", "numpy"))
    plugins.records["envdoctor_backends"].append(record)
    choice = choose_rows(plugins, Wishes(backends=("layers",)))
    assert [row.row.title for row in choice.rows] == ["layers torch"]
    assert choice.rows[0].versions["torch"] == "2.13.0"
    (missing,) = choice.unavailable
    assert missing.backend == "layers"
    assert missing.reason == (
        "Mode other needs jax and optax, which are not installed in Python 3.11.7 at /venv."
    )
    assert missing.remedy == '/venv/bin/python -m pip install "jax" "optax"'


def test_an_engine_is_missed_only_by_a_mode_that_is_wanted(plugins: Plugins) -> None:
    plugins.records["envdoctor_backends"].append((Owner("p", "p", "1"), keras_like("jax")))
    choice = choose_rows(plugins, Wishes(backends=("layers",), modes=("torch",)))
    assert choice.unavailable == ()
    (missing,) = choose_rows(plugins, Wishes(backends=("layers",), modes=("other",))).unavailable
    assert "jax, which is not installed" in missing.reason


def test_every_engine_is_looked_for_at_once(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch, environment: dict[str, Survey]
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        plan, "survey", lambda interpreter, modules: asked.append(modules) or environment[""]
    )
    plugins.records["envdoctor_backends"].append((Owner("p", "p", "1"), keras_like("jax")))
    choose_rows(plugins, Wishes(backends=("layers",)))
    assert asked == [("numpy", "jax", "torch")]


def test_a_worker_needs_numpy_too(plugins: Plugins) -> None:
    wishes = Wishes(backends=("torch",), interpreters={"torch": "/no-numpy/python"})
    (missing,) = choose_rows(plugins, wishes).unavailable
    assert missing.reason.startswith("NumPy, which the worker needs, is not installed")
    assert missing.remedy.endswith('pip install "numpy"')


def test_any_of_the_distributions_will_do(
    backend: Callable[..., Backend], survey_of: SurveyOf
) -> None:
    either = backend("tensorflow", distributions=("tensorflow", "tensorflow_cpu"), at_least="2.16")
    seen = survey_of(modules=("tensorflow", "numpy"), tensorflow_cpu="2.21")
    assert find_obstacle(either, seen) is None
    old = survey_of(modules=("tensorflow", "numpy"), tensorflow_cpu="2.15", pip="25")
    missing = find_obstacle(either, old)
    assert missing is not None
    assert missing.remedy.endswith('"tensorflow_cpu>=2.16"')


@pytest.mark.parametrize("version", ["2.4.0", "2.4", "2.10.1", "2.13.0+cpu", "vendor-build", ""])
def test_a_version_that_will_do_is_no_obstacle(
    version: str, backend: Callable[..., Backend], survey_of: SurveyOf
) -> None:
    seen = survey_of(modules=("torch", "numpy"), torch=version)
    assert find_obstacle(backend("torch", at_least="2.4"), seen) is None


@pytest.mark.parametrize("version", ["2.3.9", "1.13.1", "2.4.0.dev20240101", "2.4rc1"])
def test_an_older_version_is_an_obstacle(
    version: str, backend: Callable[..., Backend], survey_of: SurveyOf
) -> None:
    seen = survey_of(modules=("torch", "numpy"), torch=version)
    assert find_obstacle(backend("torch", at_least="2.4"), seen) is not None


def test_without_pip_the_remedy_brings_it(
    backend: Callable[..., Backend], survey_of: SurveyOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    missing = find_obstacle(backend("torch"), survey_of(numpy="2"))
    assert missing is not None
    assert missing.remedy == (
        '/venv/bin/python -m ensurepip && /venv/bin/python -m pip install "torch"'
    )


@pytest.mark.parametrize(
    ("wishes", "said", "hint"),
    [
        (Wishes(backends=("troch",)), "no backend called `troch`", "Did you mean `torch`?"),
        (
            Wishes(backends=("zzz",)),
            "no backend called `zzz`",
            "Known: numpy, tensorflow, torch.",
        ),
        (Wishes(interpreters={"tensorflw": ""}), "called `tensorflw`", "`tensorflow`?"),
        (Wishes(modes=("compil",)), "a mode called `compil`", "Did you mean `compile`?"),
        (
            Wishes(backends=("numpy",), modes=("compile",)),
            "no chosen backend has a mode called `compile`",
            "Known: numpy.",
        ),
    ],
)
def test_an_unknown_name_is_told_with_what_may_have_been_meant(
    wishes: Wishes, said: str, hint: str, plugins: Plugins
) -> None:
    with pytest.raises(InputError) as caught:
        choose_rows(plugins, wishes)
    assert said in caught.value.sentence
    assert hint in caught.value.hint


def test_the_reference_is_numpy_in_our_own_interpreter(plugins: Plugins) -> None:
    row = oracle_row(plugins)
    assert (row.backend.name, row.own) == ("numpy", True)


def test_without_the_reference_nothing_can_be_proven() -> None:
    with pytest.raises(InputError, match="the reference of the parity gate, is not loaded") as e:
        oracle_row(Plugins())
    assert "ENVDOCTOR_DISABLE_PLUGINS" in e.value.hint


WORKLOAD = """
schema = 1
name = "{name}"
family = "mlp"
summary = "s"
[data]
set = "d.csv"
view = "vector"
[train]
batch = 4
epochs = 1
loss = "cross_entropy"
optimizer = {{ kind = "sgd", learning_rate = 0.1 }}
[[layers]]
kind = "dense"
units = 2
activation = "none"
"""


@pytest.fixture
def workloads(tmp_path: Path, plugins: Plugins) -> Plugins:
    (tmp_path / "d.csv").write_text("a,c\n" + "".join(f"{n},{n % 2}\n" for n in range(20)))
    for name in ("one", "two"):
        path = tmp_path / f"{name}.toml"
        path.write_text(WORKLOAD.format(name=name))
        record = WorkloadFile(name=name, path=path)
        plugins.records["envdoctor_workloads"].append((Owner("p", "p", "1"), record))
    (tmp_path / "mine.toml").write_text(WORKLOAD.format(name="one"))
    return plugins


def test_workloads_are_prepared_once_in_the_order_of_the_wishes(workloads: Plugins) -> None:
    found = prepare_all(workloads, Wishes(workloads=("two", "one", "two")))
    assert [prepared.name for prepared in found] == ["two", "one"]


def test_two_files_of_one_name_are_refused(workloads: Plugins, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two of the workloads are called `one`"):
        prepare_all(workloads, Wishes(workloads=("one", str(tmp_path / "mine.toml"))))


def test_data_sets_are_found_by_name(plugins: Plugins) -> None:
    record = DataSet(name="digits", summary="", kind="images", path=Path("x.npz"))
    plugins.records["envdoctor_data_sets"].append((Owner("p", "p", "1"), record))
    assert plugins.data_sets() == {"digits": record}


def test_each_precision_is_a_row_of_its_own(plugins: Plugins) -> None:
    wishes = Wishes(backends=("torch",), modes=("eager",), precisions=("fp32", "bf16"))
    _declare(plugins, "torch", ("fp32", "fp64", "bf16"))
    rows = choose_rows(plugins, wishes).rows
    assert [row.row.title for row in rows] == ["torch eager", "torch eager bf16"]
    assert [row.setting(row.precision, 2).precision for row in rows] == ["fp32", "bf16"]


def test_a_row_of_fewer_bits_is_proven_in_strict_form(plugins: Plugins) -> None:
    _declare(plugins, "torch", ("fp32", "fp64", "bf16"))
    wishes = Wishes(backends=("torch",), modes=("compile",), precisions=("bf16",))
    (row,) = choose_rows(plugins, wishes).rows
    assert (row.proof.mode.name, row.proof.precision) == ("compile", "fp32")


@pytest.mark.parametrize(
    ("precision", "device", "reason"),
    [
        ("bf16", "cpu", "it has no bf16; it offers fp32, fp64, tf32, fp16."),
        (
            "tf32",
            "cpu",
            "tf32 needs an NVIDIA GPU of compute capability 8.0 or newer; the device here is cpu.",
        ),
        ("fp16", "cpu", "fp16 is not for the CPU: frameworks mix it with float32 on GPUs only."),
        ("tf32", "cuda:1", ""),
        ("fp16", "cuda", ""),
    ],
)
def test_what_a_device_cannot_do_has_a_reason(
    plugins: Plugins, precision: str, device: str, reason: str
) -> None:
    _declare(plugins, "torch", ("fp32", "fp64", "tf32", "fp16"))
    wishes = Wishes(backends=("torch",), precisions=(precision,), device=device)
    choice = choose_rows(plugins, wishes)
    assert [missing.reason for missing in choice.unavailable] == ([reason] if reason else [])
    assert bool(choice.rows) is not bool(reason)


def _declare(plugins: Plugins, name: str, precisions: tuple[str, ...]) -> None:
    listed = plugins.records["envdoctor_backends"]
    listed[:] = [
        (owner, replace(each, precisions=precisions) if each.name == name else each)
        for owner, each in listed
    ]


TINY = ("mlp-tiny", "cnn-tiny", "transformer-tiny")


@pytest.mark.parametrize(
    ("names", "size", "batches", "wanted"),
    [
        ((), None, (), TINY),
        ((), "small", (), ("mlp-small", "cnn-small", "transformer-small")),
        (("vit-tiny",), None, (), ("vit-tiny",)),
        (("a", "b@3"), None, (8, 64), ("a@8", "a@64", "b@3", "b@3")),
        ((), None, (8,), tuple(f"{name}@8" for name in TINY)),
    ],
)
def test_workloads_by_name_by_size_and_with_every_batch(names, size, batches, wanted) -> None:
    assert wanted_workloads(names, size, batches) == wanted


def test_names_and_a_size_contradict_each_other() -> None:
    with pytest.raises(InputError, match="--size is for the default workloads"):
        wanted_workloads(("vit-tiny",), "small", ())
