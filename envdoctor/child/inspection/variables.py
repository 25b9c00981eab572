"""The variables that change what frameworks and Python do; no secrets."""

from __future__ import annotations

import os
import re
from typing import Dict

_NAMES = """
    CC CONDA_PREFIX CUDNN_PATH CXX DYLD_LIBRARY_PATH LC_ALL LANG LD_LIBRARY_PATH LD_PRELOAD
    PYTHONHASHSEED PYTHONHOME PYTHONMALLOC PYTHONNOUSERSITE PYTHONPATH PYTHONSAFEPATH
    PYTHONSTARTUP PYTHONUSERBASE REQUESTS_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE TEMP TMP TMPDIR
    USE_JAX USE_TF USE_TORCH VIRTUAL_ENV XDG_CACHE_HOME
"""
NAMES = frozenset(_NAMES.split())
PREFIXES = (
    "CONDA_", "CUDA_", "CUBLAS_", "CUDNN_", "GPU_", "HF_", "HIP_", "HSA_", "JAX_", "KERAS_", "KMP_",
    "LIBTPU_", "MKL_", "NCCL_", "NUMEXPR_", "NVIDIA_", "OMP_", "OPENBLAS_", "PJRT_",
    "PYTORCH_", "ROCM_", "ROCR_", "TF_", "TORCH", "TPU_", "TRANSFORMERS_", "TRITON_",
    "VECLIB_", "XLA_",
)  # fmt: skip
TERRAFORM = ("TF_CLI_", "TF_TOKEN_", "TF_VAR_")
"""Of another program; they look like TensorFlow's and may hold what is to be kept secret."""
SECRET = re.compile("TOKEN|KEY|SECRET|PASS|CREDENTIAL|AUTH|COOKIE", re.IGNORECASE)
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def variables() -> Dict[str, str]:
    """Those that matter, with credentials cut out of addresses."""
    return {
        name: CREDENTIALS.sub("***@", value)
        for name, value in sorted(os.environ.items())
        if _matters(name) and not SECRET.search(name)
    }


def _matters(name: str) -> bool:
    if name.startswith(TERRAFORM):
        return False
    return name in NAMES or name.startswith(PREFIXES) or name.lower().endswith("_proxy")
