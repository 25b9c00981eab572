"""What the files of an installed TensorFlow say of its build, without importing it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.child.cuda_files import find_file, find_library, libraries_on_the_path
from envdoctor.child.package_files import constants, package_folder
from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

DISTRIBUTIONS = (
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-intel",
    "tensorflow-macos",
    "tensorflow-rocm",
    "tensorflow-gpu",
    "tensorflow-cpu-aws",
    "tf-nightly",
    "tf-nightly-cpu",
)
"""Those that own the package `tensorflow`."""
BUILD_INFO = "python/platform/build_info.py"
_BUILDS = {"True": "yes", "False": "no"}
LIBDEVICE = "nvvm/libdevice/libdevice.10.bc"


def collect(environment: Environment) -> Framework | None:
    """TensorFlow, from the text of its build information; None if it is not installed.

    Details: `distribution`, `cuda build` (`yes`, `no`, or nothing if unknown), `unreadable` (a
    file that could not be read), `system cudnn`, `libdevice`, `library path` (CUDA libraries on
    LD_LIBRARY_PATH).
    """
    owner = next((name for name in DISTRIBUTIONS if name in environment.distributions), "")
    module = environment.modules.get("tensorflow", "")
    if not owner and not module:
        return None
    distribution = environment.distributions.get(owner)
    location = distribution.location if distribution is not None else ""
    folder = Path(package_folder(module, location, "tensorflow"))
    build = _pairs(constants(str(folder / BUILD_INFO)).get("build_info"))
    cuda, cudnn = (_version(build.get(name)) for name in ("cuda_version", "cudnn_version"))
    library_path = environment.variables.get("LD_LIBRARY_PATH", "")
    details = {
        "distribution": owner,
        "cuda build": _BUILDS.get(str(build.get("is_cuda_build")), ""),
        "unreadable": "" if build else str(folder / BUILD_INFO),
        "system cudnn": _find_cudnn(cudnn, library_path, environment.interpreter.prefix),
        "libdevice": _find_libdevice(environment),
        "library path": "\n".join(libraries_on_the_path(library_path)),
    }
    return Framework(
        name="tensorflow",
        version=environment.version_of(owner),
        cuda=cuda or None,
        cudnn=cudnn or None,
        location=str(folder),
        details={key: text for key, text in details.items() if text},
    )


def _pairs(said: object) -> dict[str, object]:
    """The build information; empty if the file holds anything else than pairs."""
    try:
        return dict(said)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return {}


def _version(said: object) -> str:
    """A version as the build information has it: `12.5.1`, `9`, `64_112` on old Windows builds."""
    text = str(said or "")
    return text if text.replace(".", "").isdigit() else ""


def _find_cudnn(cudnn: str, library_path: str, prefix: str) -> str:
    major = cudnn.partition(".")[0]
    return find_library(f"libcudnn.so.{major}", library_path, prefix) if major else ""


def _find_libdevice(environment: Environment) -> str:
    variables = environment.variables
    named = [variables.get(name, "") for name in ("CUDA_HOME", "CUDA_PATH", "CUDA_DIR")]
    sites = {each.location for each in environment.distributions.values() if each.location}
    wheels = [f"{site}/nvidia/{part}" for site in sorted(sites) for part in ("cuda_nvcc", "cu13")]
    return find_file(
        LIBDEVICE, [*named, environment.interpreter.prefix, *wheels, "/usr/local/cuda"]
    )
