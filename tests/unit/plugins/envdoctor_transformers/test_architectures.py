"""Which workloads are a published model, asked in a child, which may import the framework."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None or importlib.util.find_spec("torch") is None,
    reason="Transformers is not installed",
)
ROOT = Path(__file__).parents[4]
PROGRAM = """
import json
from dataclasses import replace

from envdoctor.child import layers as kinds
from envdoctor.child.contract import Unsupported
from envdoctor.child.job import Workload
from envdoctor_transformers.architectures import build_model

steps, width = 4, 8
block = kinds.TransformerBlock("b", (steps, width), (steps, width), 2, 16, True, "gelu_tanh", 1e-5, 0.5)
decoder = [
    kinds.Embedding("e", (steps,), (steps, width), 7),
    kinds.PositionEmbedding("p", (steps, width), (steps, width)),
    block,
    replace(block, name="c"),
    kinds.LayerNorm("n", (steps, width), (steps, width), 1e-5),
    kinds.Unembedding("u", (steps, width), (steps, 7), "e"),
]
cases = {
    "gpt2": decoder,
    "one block": [*decoder[:3], *decoder[4:]],
    "unlike": [*decoder[:3], replace(block, name="c", hidden=12), *decoder[4:]],
    "not causal": [*decoder[:2], replace(block, causal=False), *decoder[4:]],
    "epsilon": [*decoder[:4], replace(decoder[4], epsilon=1e-6), decoder[5]],
    "scale": [*decoder[:2], replace(block, scale=1.0), *decoder[4:]],
    "activation": [*decoder[:2], replace(block, activation="none"), *decoder[4:]],
    "no position": [decoder[0], *decoder[2:]],
    "no block": [*decoder[:2], *decoder[4:]],
}
found = {}
for name, layers in cases.items():
    workload = Workload(name, tuple(layers), "cross_entropy", 2, (steps,), 7)
    try:
        model, bindings = build_model(workload)
    except Unsupported as reason:
        found[name] = str(reason)
    else:
        found[name] = [
            type(model.model).__name__,
            model.model.config._attn_implementation,
            sorted(bindings) if name == "one block" else len(bindings),
            {id(each.parameter) for each in bindings.values()}
            == {id(each) for each in model.parameters()},
        ]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "plugins"))),
        "HF_HUB_OFFLINE": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def test_a_decoder_is_gpt2_and_every_parameter_is_bound(found):
    assert found["gpt2"] == ["GPT2LMHeadModel", "sdpa", 4 + 2 * 12, True]
    names = found["one block"][2]
    assert {"e.table", "p.table", "n.scale", "n.offset", "b.qkv.kernel"} < set(names)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("unlike", "blocks that are not all alike"),
        ("not causal", "a decoder whose steps see later ones"),
        ("epsilon", "one epsilon for all of their norms"),
        ("scale", "scale scores by the root"),
        ("activation", "no activation none"),
        ("no position", "no published architecture has these layers"),
        ("no block", "no published architecture has these layers"),
    ],
)
def test_what_no_config_can_say_is_refused_with_the_reason(found, case, reason):
    assert reason in found[case]
