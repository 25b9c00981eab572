"""The structures of the larger reference workloads, scaled down, through the gate in each backend.

The shipped files of sizes base and large ask for more time than a test has; what they are made of
is proven here on a reduced input.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from envdoctor.bench.caches import Caches
from envdoctor.bench.folder import RunFolder
from envdoctor.bench.plan import Wishes, choose_rows, oracle_row
from envdoctor.bench.prove import Oracle, Suspect
from envdoctor.bench.worker import Host
from envdoctor.detect.cpu import choose_cpus, read_cpu
from envdoctor.plugins import load_plugins
from envdoctor.workload.prepare import prepare

PLUGINS = load_plugins(strangers=False)
BACKENDS = ("numpy", "torch", "tensorflow", "jax")
ROWS = [row for row in choose_rows(PLUGINS, Wishes()).rows if row.backend.name in BACKENDS]

HEAD = """
schema = 1
name = "{name}"
family = "{name}"
summary = "for the gate"
[data]
{data}
[train]
batch = {batch}
steps = 20
loss = "{loss}"
optimizer = {{ kind = "sgd", learning_rate = 0.01, momentum = 0.9 }}
"""
LAYER = "[[layers]]\n{}\n"
IMAGES = 'set = "synthetic"\nview = "image"\nshape = [{0}, {0}, 3]\nclasses = 10\nsamples = 160'


def stem(filters, kernel, **more):
    keys = {"kernel": kernel, "filters": filters, "padding": kernel // 2, **more}
    numbers = "\n".join(f"{key} = {value}" for key, value in keys.items())
    return [
        f'kind = "conv2d"\n{numbers}\nactivation = "none"\nbias = false\ninit = "he_normal"',
        'kind = "batch_norm"\nactivation = "relu"',
    ]


def block(form, filters, shortcut, stride=1, repeat=1):
    return (
        f'kind = "residual_block"\nform = "{form}"\nfilters = {filters}\nstride = {stride}\n'
        f'shortcut = "{shortcut}"\nrepeat = {repeat}\nactivation = "relu"'
    )


ENDING = ['kind = "global_average_pool2d"', 'kind = "dense"\nunits = 10\nactivation = "none"']
DENSE = 'kind = "dense"\nunits = {}\nactivation = "{}"'

NETWORKS = {
    "resnet20": (
        IMAGES.format(8),
        "cross_entropy",
        [
            *stem(4, 3),
            block("basic", 4, "padding", repeat=3),
            block("basic", 8, "padding", stride=2),
            block("basic", 8, "padding", repeat=2),
            block("basic", 16, "padding", stride=2),
            block("basic", 16, "padding", repeat=2),
            *ENDING,
        ],
    ),
    "resnet50": (
        IMAGES.format(32),
        "cross_entropy",
        [
            *stem(4, 7, stride=2),
            'kind = "max_pool2d"\nwindow = 3\nstride = 2\npadding = 1',
            block("bottleneck", 4, "projection"),
            block("bottleneck", 4, "projection"),
            block("bottleneck", 8, "projection", stride=2),
            block("bottleneck", 8, "projection"),
            *ENDING,
        ],
    ),
    "upsampler": (
        'set = "digits"\nview = "image"\nreconstruct = true',
        "mean_squared_error",
        [
            *stem(4, 3),
            'kind = "max_pool2d"\nwindow = 2',
            'kind = "upsample2d"\nfactor = 2',
            'kind = "conv2d"\nfilters = 1\nkernel = 3\npadding = 1\nactivation = "sigmoid"',
        ],
    ),
    "normed": (
        'set = "digits"\nview = "vector"',
        "cross_entropy",
        [
            DENSE.format(12, "none") + "\nbias = false",
            'kind = "batch_norm"\nactivation = "gelu_tanh"',
            DENSE.format(10, "none"),
        ],
    ),
    "reader": (
        'set = "synthetic"\nview = "tokens"\nsteps = 9\nsymbols = 23\nsamples = 160',
        "cross_entropy",
        [
            'kind = "embedding"\nwidth = 6',
            'kind = "lstm"\nunits = 8\nrepeat = 2',
            DENSE.format(23, "none"),
        ],
    ),
}


@pytest.fixture(scope="module")
def host():
    with RunFolder() as folder:
        caches = Caches(folder.path / "compiled")
        yield Host(folder, choose_cpus(read_cpu(), None), worker_seconds=280, caches=caches)


@pytest.fixture(scope="module")
def oracle(host):
    with Oracle(host, oracle_row(PLUGINS)) as found:
        yield found


@pytest.fixture(scope="module")
def expected(oracle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    found = {}

    def by_name(name):
        if name not in found:
            data, loss, layers = NETWORKS[name]
            path = folder / f"{name}.toml"
            head = HEAD.format(name=name, data=data, batch=16, loss=loss)
            path.write_text(head + "".join(LAYER.format(layer) for layer in layers))
            found[name] = oracle.expect(prepare(path, PLUGINS.data_sets(), seed=0))
        return found[name]

    return by_name


COMPILED = [row for row in ROWS if row.mode.compiled and row.mode.name != "graph"]
QUICK = [row for row in ROWS if row not in COMPILED]
FEW_STEPS = 3
"""Of training in float32, from which a deep network with batch norms soon departs by rounding."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("row", QUICK, ids=[row.row.title for row in QUICK])
def test_every_structure_is_certified(host, oracle, expected, row):
    certify_all(host, oracle, expected, row)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("row", COMPILED, ids=[row.row.title for row in COMPILED])
def test_every_structure_is_certified_where_each_compiles_for_long(host, oracle, expected, row):
    certify_all(host, oracle, expected, row)


def certify_all(host, oracle, expected, row):
    # The reference in float64 is checked by finite differences, in its own tests; a mode whose
    # exact maths another one proves compiles for minutes in float64.
    single = row.backend.name == "numpy" or row.mode.exact
    with Suspect(host, row, "fp32" if single else "fp64") as suspect:
        for name in NETWORKS:
            known = expected(name)
            certificate = suspect.certify(oracle, shortened(known) if single else known)
            assert certificate.same_work, f"{name}: {certificate.reason} {certificate.cause}"


def shortened(expected):
    losses = expected.evidence.losses[:FEW_STEPS]
    return replace(
        expected,
        task=replace(expected.task, steps=FEW_STEPS),
        evidence=replace(expected.evidence, losses=losses),
    )
