"""Names and numbers in the documents, against the code."""

from __future__ import annotations

import re

import msgspec
import pytest

from envdoctor.bench.parity import compare, evidence, optimizer_probe
from envdoctor.bench.parity.catalogue import CATALOGUE
from envdoctor.bench.prove import LARGEST_ORACLE_ERROR
from envdoctor.model import cell, facts, folds, run
from envdoctor.model.outcome import Outcome, Status
from envdoctor.report.csv import COLUMNS
from envdoctor.workload.weights import DISTURBANCE

STRUCTS = [
    struct
    for module in (cell, folds, run)
    for struct in vars(module).values()
    if isinstance(struct, type)
    and issubclass(struct, msgspec.Struct)
    and struct.__module__ == module.__name__
]
HEADINGS = {
    run.Run: "## The run",
    run.Plan: "## The plan",
    run.WorkloadRecord: "## A workload",
    run.Round: "## A round",
    run.Energy: "## An energy",
    cell.Cell: "## A cell",
    cell.Launch: "### A launch",
    cell.Block: "### A block",
    cell.Plausibility: "### Plausibility",
}
"""Where the document has a table for a struct; others are told in a cell of one."""
CLAUSES = {
    "layer-norm-epsilon": "LayerNorm epsilon",
    "gelu-exact": "exact and tanh GELU",
    "gelu-tanh": "exact and tanh GELU",
    "no-causal-mask": "causal mask missing or strict",
    "strict-causal-mask": "causal mask missing or strict",
    "attention-unscaled": "attention unscaled or scaled otherwise",
    "attention-scale": "attention unscaled or scaled otherwise",
    "skip-mlp": "the MLP or the attention of a block skipped",
    "skip-attention": "the MLP or the attention of a block skipped",
    "missing-bias": "a bias missing",
    "half-batch": "half of each batch used",
    "label-smoothing": "label smoothing",
    "loss-scale": "a loss scaled, as by a sum in the place of a mean",
    "same-padding": '"same" padding at stride 2',
    "channels-first-flatten": "flatten over channels first",
    "lstm-forget-bias": "a constant added to the LSTM's forget gate",
    "lstm-gate-order": "the LSTM's gates in another order",
}
# Where a word of the glossary is written otherwise in code.
SPELLINGS = {
    "known difference": "difference",
    "layer kind": "kinds",
    "plan of batches": "batches",
    "steps (of a sequence)": "steps",
    "warm-up debt": "warmup_debt",
    "cold, warm": "cold",
}


@pytest.mark.parametrize("struct", [*STRUCTS, Outcome], ids=lambda struct: struct.__name__)
def test_every_field_of_a_run_is_explained(open_page, struct):
    named = set(re.findall(r"`(\w+)`", open_page("docs/results.md").text))
    assert {field.name for field in msgspec.structs.fields(struct)} <= named


@pytest.mark.parametrize("struct", HEADINGS, ids=lambda struct: struct.__name__)
def test_every_field_stands_in_its_own_table_and_no_other_does(open_page, struct):
    told = {
        name
        for cell in open_page("docs/results.md").table(HEADINGS[struct])
        for name in re.findall(r"\w+", cell)
    }
    assert told - {"field"} == {field.name for field in msgspec.structs.fields(struct)}


def test_every_status_is_named(open_page):
    text = open_page("docs/results.md").text
    assert all(f"`{status}`" in text for status in Status.__args__)


def test_columns_of_the_csv_file_that_are_named_exist(open_page):
    (told,) = re.findall(r"named as here, and (.+) hold", open_page("docs/results.md").text)
    columns = re.findall(r"`(\w+)`", told)
    assert len(columns) == 6
    assert set(columns) <= set(COLUMNS)


def test_facts_hold_no_host_name(open_page):
    assert "no host name" in open_page("docs/results.md").text
    assert "host" not in " ".join(facts.System.__struct_fields__)


def test_the_words_of_the_glossary_are_those_of_the_code(open_page):
    root = open_page("envdoctor").path
    code = "\n".join(path.read_text() for path in root.rglob("*.py")).lower()
    for word in open_page("docs/glossary.md").table("# Glossary"):
        spelled = SPELLINGS.get(word, word)
        assert re.search(rf"\b_?{re.escape(spelled)}", code.replace("\n", " ")), word


def test_the_tiers_are_those_of_the_gate(open_page):
    told = open_page("docs/parity.md").table("## What is compared")
    for tier in compare.TIERS.values():
        _, output, gradient, loss = told[tier.name]
        rate, steps = re.fullmatch(r"(\S+) over (\d+) steps", loss).groups()
        assert [float(output), float(gradient), float(rate)] == [
            tier.output,
            tier.gradient,
            tier.loss,
        ]
        assert int(steps) == tier.loss_steps


def test_the_constants_of_the_probe_are_those_of_the_code(open_page):
    told = open_page("docs/parity.md").table("## The optimiser probe")
    adamw, sgd = optimizer_probe.ADAMW, optimizer_probe.SGD
    assert [float(value) for value in told["gradients"][0].split(",")] == list(
        optimizer_probe.SCRIPT
    )
    assert [float(value) for value in told["learning rate"]] == [
        adamw.learning_rate,
        sgd.learning_rate,
    ]
    assert [float(value) for value in told["betas; momentum"][0].split(",")] == [
        adamw.beta1,
        adamw.beta2,
    ]
    assert float(told["betas; momentum"][1]) == sgd.momentum
    assert float(told["epsilon"][0]) == adamw.epsilon
    assert float(told["weight decay"][0]) == adamw.weight_decay
    assert float(told["first weight"][0]) == optimizer_probe.FIRST_WEIGHT


def test_the_catalogue_is_told_in_full(open_page):
    (told,) = re.findall(r"^The catalogue: (.+)\.$", open_page("docs/parity.md").text, re.MULTILINE)
    assert {difference.name for difference in CATALOGUE} == set(CLAUSES)
    assert {clause.strip() for clause in told.split(";")} == set(CLAUSES.values())


def test_numbers_of_the_gate_are_those_of_the_code(open_page):
    text = open_page("docs/parity.md").text
    assert f"deviation {DISTURBANCE}" in text
    assert (evidence.TRAJECTORY_STEPS, evidence.FEWEST_TRAJECTORY_STEPS) == (20, 10)
    assert f"more than {evidence.TRAJECTORY_FLOPS / 1e9:.0f} GFLOP" in text
    assert f"momentum {evidence.PARITY_OPTIMIZER.momentum}" in text
    assert f"rate {evidence.PARITY_OPTIMIZER.learning_rate}" in text
    assert compare.NEGLIGIBLE == 1e-8
    assert LARGEST_ORACLE_ERROR == 1e-4
    assert (compare.REFERENCE_FACTOR, compare.REFERENCE_SLACK) == (3, 1e-6)
