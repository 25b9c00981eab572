"""Rules about the code that no linter holds."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import Any

Sources = tuple[Any, ...]

LONGEST_MODULE_LINES = 400
LONGEST_FUNCTION_LINES = 60
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "base", "core"}
SCRIPTS = {
    "envdoctor/child/start.py",
    "envdoctor/detect/nvml_answer.py",
    "envdoctor/testing/__main__.py",
}
"""What is the main program of a process."""
FRAMEWORKS = {
    *("torch", "tensorflow", "jax", "jaxlib", "keras", "flax", "optax", "paddle", "mlx"),
    *("tinygrad", "mindspore", "transformers", "lightning"),
}
MORE_THAN_ITS_NAME = {
    "envdoctor_numpy": set(),
    "envdoctor_tensorflow": {"tensorflow", "keras"},
    "envdoctor_keras": {"keras", "tensorflow", "jax", "torch"},
    "envdoctor_flax": {"flax", "jax", "optax"},
    "envdoctor_transformers": {"transformers", "torch", "envdoctor_torch"},
    "envdoctor_lightning": {"lightning", "torch", "envdoctor_torch"},
}
"""What the child code of a plugin may import, where it is not just the module of its name."""


def test_the_rules_see_the_sources(sources: Sources) -> None:
    assert len(sources) > 80
    assert any(source.in_target for source in sources)


def test_no_module_is_long(sources: Sources) -> None:
    long = {str(s): len(s.text.splitlines()) for s in sources}
    assert {name: count for name, count in long.items() if count > LONGEST_MODULE_LINES} == {}


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_no_function_is_long(sources: Sources) -> None:
    long = [
        f"{source}:{function.lineno} {function.name}"
        for source in sources
        for function in _functions(source.tree)
        if function.end_lineno - function.lineno >= LONGEST_FUNCTION_LINES
    ]
    assert long == []


def test_a_file_is_named_for_what_it_holds(sources: Sources) -> None:
    vague = [str(s) for s in sources if VAGUE_NAMES & {s.path.stem, *s.path.parts[:-1]}]
    assert vague == []


def test_every_module_says_what_it_is_for(sources: Sources) -> None:
    assert [str(s) for s in sources if not ast.get_docstring(s.tree)] == []


def _calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)
        elif isinstance(node, ast.Raise) and node.exc is not None:
            yield node.lineno, ast.unparse(node.exc).partition("(")[0]


def test_only_the_command_line_prints_and_exits(sources: Sources) -> None:
    ending = {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"}
    found = [
        f"{source}:{line} {name}"
        for source in sources
        if source.path.parts[:2] != ("envdoctor", "cli") and str(source) not in SCRIPTS
        for line, name in _calls(source.tree)
        if name in ending or name.startswith(("sys.stdout.", "sys.stderr."))
    ]
    assert found == []


def test_no_framework_in_the_core_not_even_lazily(sources: Sources) -> None:
    found = [
        f"{source}: {name}"
        for source in sources
        if source.path.parts[0] != "plugins"
        for name in source.imports()
        if name.partition(".")[0] in FRAMEWORKS
    ]
    assert found == []


def test_the_records_of_a_plugin_import_no_framework_and_no_trainer(sources: Sources) -> None:
    found = [
        f"{source}: {name}"
        for source in sources
        if source.on_core_side
        for name in source.imports()
        if name.partition(".")[0] in FRAMEWORKS | {"numpy"}
        or (name.startswith("envdoctor_") and not _is_core_side(name))
    ]
    assert found == []


def _is_core_side(name: str) -> bool:
    """Whether an imported name is that of facts or checks of a plugin, or of something in them."""
    return name.split(".")[1].startswith(("facts", "checks"))


def _allowed(source: Any) -> set[str]:
    """The top-level modules that a file of the target may import, beside the standard library."""
    if source.path.parts[0] == "envdoctor":
        return {"numpy"}
    package = source.path.parts[1]
    frameworks = MORE_THAN_ITS_NAME.get(package, {package.removeprefix("envdoctor_")})
    return {"numpy", package, *frameworks}


def test_what_runs_in_the_target_imports_nothing_that_is_not_there(sources: Sources) -> None:
    found = []
    for source in (each for each in sources if each.in_target):
        for name in source.imports():
            top = name.partition(".")[0]
            ours = name == "envdoctor.child" or name.startswith("envdoctor.child.")
            if not (ours or top in sys.stdlib_module_names or top in _allowed(source)):
                found.append(f"{source}: {name}")
    assert found == []


def test_the_survey_and_the_start_need_no_numpy(sources: Sources) -> None:
    """They must run where it is missing, to say so."""
    found = [
        f"{source}: {name}"
        for source in sources
        if source.path.name in {"survey.py", "start.py", "protocol.py", "memory.py"}
        and source.path.parts[:2] == ("envdoctor", "child")
        for name in source.imports()
        if name.partition(".")[0] == "numpy"
    ]
    assert found == []


NEWER_THAN_3_9 = {
    "zip": {"strict"},
    "dataclass": {"slots", "kw_only"},
    "dataclasses.dataclass": {"slots", "kw_only"},
}


def test_what_runs_in_the_target_is_python_3_9(sources: Sources) -> None:
    found = []
    for source in (each for each in sources if each.in_target):
        try:
            ast.parse(source.text, feature_version=(3, 9))
        except SyntaxError as error:
            found.append(f"{source}:{error.lineno} {error.msg}")
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Match | ast.TryStar):
                found.append(f"{source}:{node.lineno} {type(node).__name__}")
            if isinstance(node, ast.Call):
                newer = NEWER_THAN_3_9.get(ast.unparse(node.func), set())
                found += [
                    f"{source}:{node.lineno} {k.arg}" for k in node.keywords if k.arg in newer
                ]
    assert found == []
