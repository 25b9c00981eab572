from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from envdoctor import plugins as plugins_module
from envdoctor.api import Backend, DataSet, Detector, Exporter, Mode, WorkloadFile
from envdoctor.errors import ExitCode, InputError
from envdoctor.model.machine import Machine
from envdoctor.plugins import DISABLE_VARIABLE, load_plugins

STRANGERS = Path(__file__).parents[1] / "strangers"
BROKEN = {
    "broken-import": "ImportError: libwonder.so.7: cannot open shared object file",
    "midway": "FileNotFoundError: second.toml went missing",
    "misspelt": "there is no hook called `envdoctor_backend`; did you mean `envdoctor_backends`?",
    "wrong-type": "TypeError: `envdoctor_backends` yields str, not Backend",
}
BACKENDS = {
    *("flax", "jax", "keras", "lightning", "mindspore", "mlx", "numpy", "paddle"),
    *("tensorflow", "tinygrad", "torch", "transformers"),
}
SHIPPED = {*BACKENDS, "checks", "detectors", "exporters", "workloads"}


@pytest.fixture(autouse=True)
def nothing_disabled(monkeypatch):
    monkeypatch.delenv(DISABLE_VARIABLE, raising=False)


@pytest.fixture
def install(monkeypatch):
    """Puts strangers' distributions on the path."""

    def put(*names):
        for name in names:
            monkeypatch.syspath_prepend(STRANGERS / name)

    return put


def distribution(name, *entries):
    points = SimpleNamespace(select=lambda group: entries)
    return SimpleNamespace(
        metadata={"Name": name},
        version="2.0",
        entry_points=points,
        read_text=lambda file: "[envdoctor]\n" if entries else None,
    )


@pytest.fixture
def on_path(monkeypatch):
    """Stands distributions in for all that are installed, in their order on the path."""

    def put(*found):
        def first(name):
            same = {name.lower(), name.lower().replace("_", "-")}
            return next(each for each in found if each.metadata["Name"].lower() in same)

        monkeypatch.setattr(plugins_module, "distributions", lambda: found)
        monkeypatch.setattr(plugins_module, "distribution", first)

    return put


@pytest.fixture
def offer(on_path):
    """Stands plugins in for all that are installed: a hook's records, or what loading does."""

    def put(**plugins):
        found = [
            distribution(
                f"{name}-dist",
                SimpleNamespace(
                    name=name,
                    load=load if callable(load) else lambda hooks=load: SimpleNamespace(**hooks),
                ),
            )
            for name, load in plugins.items()
        ]
        on_path(*found)

    return put


def hook(name, *records):
    from envdoctor.api import hookimpl

    def implementation():
        yield from records

    implementation.__name__ = name
    return {name: hookimpl(implementation)}


def backend(name):
    return Backend(
        name=name,
        summary="",
        module=name,
        distributions=(name,),
        trainer="a:B",
        modes=(Mode(name="plain", summary=""),),
    )


def test_the_shipped_plugins_load_without_a_complaint():
    loaded = load_plugins(strangers=False)
    assert {owner.name for owner in loaded.owners} == SHIPPED
    assert loaded.broken == []
    assert [each.name for each in loaded.backends()] == sorted(BACKENDS)
    assert "mlp-tiny" in [file.name for file in loaded.workload_files()]
    assert "digits" in loaded.data_sets()
    assert "csv" in [exporter.name for exporter in loaded.exporters()]
    assert loaded.detectors()


def test_a_stranger_is_loaded_like_a_shipped_plugin(install):
    install("faulty")
    loaded = load_plugins()
    record = next(each for each in loaded.backends() if each.name == "faulty")
    assert str(loaded.owner_of(record)) == "faulty (envdoctor-faulty 1.0)"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_stranger_is_named_with_its_reason(install, name):
    install(name)
    loaded = load_plugins()
    assert [(each.plugin, each.reason) for each in loaded.broken] == [
        (f"{name} (envdoctor-{name} 1.0)", BROKEN[name])
    ]


def test_broken_strangers_take_nothing_from_the_others(install):
    install("faulty", *BROKEN)
    loaded = load_plugins()
    assert len(loaded.broken) == len(BROKEN)
    assert {each.name for each in loaded.backends()} >= {"faulty", "numpy", "torch"}


def test_what_a_hook_yielded_before_it_raised_is_left_out_too(install):
    install("midway")
    assert "midway-first" not in [file.name for file in load_plugins().workload_files()]


def test_a_clash_names_kind_record_and_both_owners(install):
    install("clash")
    with pytest.raises(InputError) as caught:
        load_plugins()
    assert caught.value.exit_code == ExitCode.USAGE
    assert "backend called `numpy`" in caught.value.sentence
    assert "clash (envdoctor-clash 1.0)" in caught.value.sentence
    assert "numpy (envdoctor " in caught.value.sentence
    assert caught.value.hint.startswith(f"Leave one out: {DISABLE_VARIABLE}=")


def test_the_same_name_in_two_kinds_is_no_clash(offer):
    offer(
        one=hook("envdoctor_backends", backend("digits")),
        two=hook("envdoctor_workloads", WorkloadFile(name="digits", path=Path("digits.toml"))),
    )
    loaded = load_plugins()
    assert loaded.broken == []
    assert len(loaded.owners) == 2


def test_a_clash_within_one_plugin_is_seen(offer):
    offer(one=hook("envdoctor_backends", backend("twin"), backend("twin")))
    with pytest.raises(InputError, match="`twin`"):
        load_plugins()


def test_without_strangers_they_are_listed_as_switched_off(install):
    install("faulty", "clash", *BROKEN)
    loaded = load_plugins(strangers=False)
    assert set(loaded.disabled) == {"faulty", "clash", *BROKEN}
    assert loaded.broken == []


def test_the_variable_switches_off_by_name(install, monkeypatch):
    install("faulty", "clash")
    monkeypatch.setenv(DISABLE_VARIABLE, " clash, jax,,")
    loaded = load_plugins()
    assert loaded.disabled == ["clash", "jax"]
    assert {each.name for each in loaded.backends()} == {"faulty", *BACKENDS} - {"jax"}
    assert loaded.broken == []


def test_an_unknown_name_in_the_variable_is_said(monkeypatch):
    monkeypatch.setenv(DISABLE_VARIABLE, "jaxx")
    (broken,) = load_plugins(strangers=False).broken
    assert broken.plugin == "jaxx"
    assert DISABLE_VARIABLE in broken.reason


def test_a_disabled_plugin_is_not_even_imported(offer, monkeypatch):
    def explode():
        raise AssertionError

    offer(trap=explode)
    monkeypatch.setenv(DISABLE_VARIABLE, "trap")
    assert load_plugins().broken == []


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        SystemExit(3),
        MemoryError("no"),
        RecursionError("no"),
        InputError("a plugin must not speak for us"),
        GeneratorExit("no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_plugin_raises_only_it_is_left_out(offer, error):
    def load():
        raise error

    offer(bad=load, good=hook("envdoctor_backends", backend("good")))
    loaded = load_plugins()
    assert [each.name for each in loaded.backends()] == ["good"]
    (broken,) = loaded.broken
    assert broken.plugin == "bad (bad-dist 2.0)"
    assert broken.reason.startswith(type(error).__name__)


def test_an_interruption_while_loading_is_not_swallowed(offer):
    def load():
        raise KeyboardInterrupt

    offer(slow=load)
    with pytest.raises(KeyboardInterrupt):
        load_plugins()


def test_a_reason_is_one_line_of_text(offer):
    def load():
        raise ImportError("first line\nsecond line")

    offer(bad=load)
    (broken,) = load_plugins().broken
    assert broken.reason == "ImportError: first line second line"


def test_an_exception_without_words_is_named(offer):
    def load():
        raise AssertionError

    offer(bad=load)
    assert load_plugins().broken[0].reason == "AssertionError"


def test_a_misspelt_hook_does_not_cost_the_others_of_its_plugin(offer):
    offer(
        half=hook("envdoctor_backends", backend("half")) | hook("envdoctor_workload"),
    )
    loaded = load_plugins()
    assert [each.name for each in loaded.backends()] == ["half"]
    assert "did you mean `envdoctor_workloads`" in loaded.broken[0].reason


def test_a_hook_like_no_other_gets_no_suggestion(offer):
    offer(odd=hook("envdoctor_zzz"))
    assert load_plugins().broken[0].reason == "there is no hook called `envdoctor_zzz`"


@pytest.mark.parametrize("records", [7, "text", [None], {"name": "numpy"}])
def test_a_hook_that_returns_something_else_is_broken(offer, records):
    from envdoctor.api import hookimpl

    @hookimpl
    def envdoctor_backends():
        return records

    offer(odd={"envdoctor_backends": envdoctor_backends})
    (broken,) = load_plugins().broken
    assert broken.reason.startswith("TypeError")


def test_a_hook_that_wants_arguments_is_broken(offer):
    from envdoctor.api import hookimpl

    @hookimpl
    def envdoctor_backends(config):
        return ()

    offer(odd={"envdoctor_backends": envdoctor_backends})
    (broken,) = load_plugins().broken
    assert "config" in broken.reason


def test_a_hook_without_records_is_fine(offer):
    offer(empty=hook("envdoctor_backends"), bare={})
    loaded = load_plugins()
    assert loaded.broken == []
    assert [owner.name for owner in loaded.owners] == ["bare", "empty"]


def test_the_first_of_two_distributions_of_one_name_counts(on_path):
    entry = SimpleNamespace(name="mine", load=SimpleNamespace)
    on_path(distribution("Some_Dist", entry), distribution("some-dist", entry))
    assert [owner.distribution for owner in load_plugins().owners] == ["Some_Dist"]


def make_distribution(folder, version, points=None):
    info = folder / f"some_dist-{version}.dist-info"
    info.mkdir(parents=True)
    headers = f"Metadata-Version: 2.1\nName: some-dist\nVersion: {version}\n"
    (info / "METADATA").write_text(headers)
    if points is not None:
        (info / "entry_points.txt").write_text(points)


def test_a_plugin_that_a_newer_version_first_on_the_path_dropped_is_gone(monkeypatch, tmp_path):
    make_distribution(tmp_path / "old", "1.0", "[envdoctor]\nmine = json\n")
    monkeypatch.syspath_prepend(tmp_path / "old")
    assert "mine (some-dist 1.0)" in map(str, load_plugins().owners)
    make_distribution(tmp_path / "new", "2.0")
    monkeypatch.syspath_prepend(tmp_path / "new")
    assert "mine" not in {owner.name for owner in load_plugins().owners}


def test_no_headers_are_read_of_a_distribution_without_plugins(on_path):
    class Stranger:
        def read_text(self, file):
            return "[console_scripts]\nx = x:x\n"

    on_path(Stranger())
    assert load_plugins().broken == []


@pytest.mark.parametrize(
    "text", ["[envdoctor]\nno equals sign here\n", "[envdoctor]\nname =\n", "no section = at.all\n"]
)
def test_a_damaged_entry_point_file_of_a_stranger_stops_nobody(monkeypatch, tmp_path, text):
    damaged = tmp_path / "damaged-1.0.dist-info"
    damaged.mkdir()
    (damaged / "METADATA").write_text("Metadata-Version: 2.1\nName: damaged\nVersion: 1.0\n")
    (damaged / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert {owner.name for owner in load_plugins().owners} >= SHIPPED


def test_a_distribution_whose_entry_points_are_no_text_is_named(monkeypatch, tmp_path):
    make_distribution(tmp_path, "1.0", "")
    (tmp_path / "some_dist-1.0.dist-info" / "entry_points.txt").write_bytes(
        b"[envdoctor]\n\xff = a\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    loaded = load_plugins()
    assert {owner.name for owner in loaded.owners} >= SHIPPED
    (broken,) = loaded.broken
    assert broken.plugin == "some-dist"
    assert broken.reason.startswith("damaged metadata: UnicodeDecodeError")


def test_a_distribution_without_metadata_stops_nobody(monkeypatch, tmp_path):
    nameless = tmp_path / "nameless-1.0.dist-info"
    nameless.mkdir()
    (nameless / "entry_points.txt").write_text("[envdoctor]\nnameless = envdoctor_nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    loaded = load_plugins()
    assert {owner.name for owner in loaded.owners} >= SHIPPED
    assert any("nameless" in broken.plugin for broken in loaded.broken)


def test_records_come_in_the_order_of_their_names(offer):
    def write(run, stream):
        return None

    offer(
        z=hook("envdoctor_backends", backend("b"), backend("a"))
        | hook("envdoctor_exporters", Exporter(name="y", summary="", suffix="", write=write)),
        a=hook("envdoctor_exporters", Exporter(name="x", summary="", suffix="", write=write))
        | hook("envdoctor_detectors", Detector(name="d", summary="", run=Machine))
        | hook(
            "envdoctor_data_sets",
            DataSet(name="s", summary="", kind="table", path=Path("s.npz")),
        ),
    )
    loaded = load_plugins()
    assert [each.name for each in loaded.backends()] == ["a", "b"]
    assert [each.name for each in loaded.exporters()] == ["x", "y"]
    assert [each.name for each in loaded.detectors()] == ["d"]
    assert list(loaded.data_sets()) == ["s"]
