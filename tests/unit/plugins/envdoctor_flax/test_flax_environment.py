from __future__ import annotations

import pytest

from envdoctor.child.setting import Setting
from envdoctor_flax.plugin import envdoctor_backends, environment


def test_threads_and_the_cpu_alone():
    found = environment(Setting("nnx", threads=3))
    assert (found["PJRT_NPROC"], found["JAX_PLATFORMS"]) == ("3", "cpu")


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_is_left_to_jax(device):
    assert "JAX_PLATFORMS" not in environment(Setting("nnx", device=device))


def test_the_mode_says_what_it_stands_on():
    (backend,) = envdoctor_backends()
    assert [mode.needs for mode in backend.modes] == [("jax", "optax")]
