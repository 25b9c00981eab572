"""Why JAX has no such device, in its own words where it has any."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from envdoctor.child.contract import Unsupported

jax = pytest.importorskip("jax")


@pytest.fixture
def answer(monkeypatch):
    """What is raised when a GPU is asked for."""

    def use(error):
        def local_devices(backend=None):
            if backend is not None:
                raise RuntimeError(error)
            return [SimpleNamespace(platform="cpu")]

        monkeypatch.setattr(jax, "local_devices", local_devices)
        from envdoctor_jax.devices import find_device

        with pytest.raises(Unsupported) as found:
            find_device("cuda")
        return str(found.value)

    return use


def test_a_platform_without_a_plugin(answer):
    said = answer("Unknown backend cuda. Available backends are ['cpu']")
    assert said == "this JAX has no device cuda, only cpu"


def test_a_plugin_that_does_not_start(answer):
    said = answer("Backend 'cuda' failed to initialize: CUDA_ERROR_SYSTEM_NOT_READY\nmore")
    assert said == (
        "this JAX has no device cuda, only cpu: "
        "Backend 'cuda' failed to initialize: CUDA_ERROR_SYSTEM_NOT_READY"
    )
