"""Devices, threads and precision: everything that is set once for the process.

Only the device of the setting stays visible, so that all of the program is placed on it without
being told.
"""

from __future__ import annotations

import contextlib
from typing import Optional

import tensorflow as tf

from envdoctor.child.contract import DeviceMemory, Setting, Unsupported
from envdoctor_tensorflow.precision import require_precision

_KINDS = {"cpu": "CPU", "cuda": "GPU", "gpu": "GPU"}


def prepare(setting: Setting) -> None:
    """Choose the device, set threads and precision."""
    # The context may exist already; it then has the threads that the environment gave it.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(setting.threads)
        tf.config.threading.set_inter_op_parallelism_threads(setting.threads)
    tf.config.experimental.enable_tensor_float_32_execution(setting.precision == "tf32")
    kind, _, index = setting.device.partition(":")
    if kind not in _KINDS or not (index or "0").isdigit():
        raise Unsupported(f"device {setting.device} is not available")
    gpus = [_find_gpu(int(index or 0))] if _KINDS[kind] == "GPU" else []
    require_precision(setting.precision, gpus[0] if gpus else None)
    try:
        tf.config.set_visible_devices(gpus, "GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, enable=True)
    except RuntimeError as error:
        raise Unsupported("this process uses TensorFlow on another device already") from error


def _find_gpu(index: int) -> tf.config.PhysicalDevice:
    if not tf.test.is_built_with_gpu_support():
        raise Unsupported("this TensorFlow is built without GPU support")
    gpus = tf.config.list_physical_devices("GPU")
    if index >= len(gpus):
        raise Unsupported(f"there is no GPU {index}: TensorFlow sees {len(gpus)}")
    return gpus[index]


def reset_peak() -> None:
    """Let the peak of the memory on the device begin at the present level."""
    if tf.config.get_visible_devices("GPU"):
        tf.config.experimental.reset_memory_stats("GPU:0")


def device_memory() -> Optional[DeviceMemory]:
    """The peak since `reset_peak`; None on the host."""
    if not tf.config.get_visible_devices("GPU"):
        return None
    return DeviceMemory(allocated_bytes=tf.config.experimental.get_memory_info("GPU:0")["peak"])


def wait() -> None:
    """Return when every device has finished what it was given."""
    tf.test.experimental.sync_devices()
