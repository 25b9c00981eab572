"""What is said to CUDA, with functions of torch in place of a GPU."""

from __future__ import annotations

import pytest

from envdoctor.child.contract import Setting, Unsupported

torch = pytest.importorskip("torch")


@pytest.fixture
def gpus(monkeypatch):
    """Two GPUs on paper, and flags that stay as they were."""
    chosen = []
    index_of = torch.cuda._utils._get_device_index
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    # The real one asks for the number in the same way, and then the driver.
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: chosen.append(index_of(device)))
    for name in ("set_num_threads", "set_flush_denormal", "ones", "matmul"):
        monkeypatch.setattr(torch, name, lambda *values, **options: None)
    for name in ("benchmark", "allow_tf32"):
        monkeypatch.setattr(torch.backends.cudnn, name, getattr(torch.backends.cudnn, name))
    before = torch.get_float32_matmul_precision()
    yield chosen
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(("name", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_a_gpu_has_a_number_even_if_none_was_said(gpus, name, number):
    from envdoctor_torch import devices

    setting = Setting("eager", device=name)
    devices.prepare(setting)
    assert gpus == [number]
    assert devices.find_device(setting) == torch.device("cuda", number)


@pytest.mark.parametrize(("precision", "tf32"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_only_tf32_allows_tf32(gpus, precision, tf32):
    from envdoctor_torch import devices

    devices.prepare(Setting("eager", precision=precision, device="cuda"))
    assert torch.backends.cudnn.allow_tf32 is tf32
    assert torch.get_float32_matmul_precision() == ("high" if tf32 else "highest")
    assert torch.backends.cudnn.benchmark is True


def test_a_gpu_that_is_not_there_is_named(gpus):
    from envdoctor_torch import devices

    with pytest.raises(Unsupported, match="there is no GPU 2: torch sees 2"):
        devices.find_device(Setting("eager", device="cuda:2"))
