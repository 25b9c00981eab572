"""Everything that the doctor knows of Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, remedies
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Framework
    from envdoctor.model.snapshot import Snapshot

MULTI_BACKEND = Version("3.0")
"""The first Keras that chooses between backends."""
BACKENDS = {
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "numpy": "numpy",
    "openvino": "openvino",
}
"""Names that Keras knows, and what to install for them (Keras, Getting started)."""
IMPORT = "import keras; print(keras.backend.backend())"


def find_missing_backend(snapshot: Snapshot) -> Iterator[Finding]:
    """Keras set to a backend that is not installed."""
    environment = snapshot.environment
    keras = environment.frameworks.get("keras")
    release = compat.parse(keras.version) if keras is not None else None
    if keras is None or release is None or release < MULTI_BACKEND:
        return
    backend = keras.details.get("backend", "")
    present = [
        name
        for name in BACKENDS
        if name in environment.frameworks or name in environment.distributions
    ]
    if not backend or backend in present:
        return
    # Keras writes its default into the file by itself, and many a script chooses in its code.
    chosen = backend != "tensorflow" or keras.details.get("backend source") == "KERAS_BACKEND"
    yield Finding(
        id="keras-backend-missing",
        status="fail" if chosen else "info",
        title=f"Keras is set to use {backend}, which is not installed"
        if backend in BACKENDS
        else f"Keras is set to use {backend}, which it does not know",
        evidence=(
            Evidence(fact=f"keras {keras.version}", source="installed packages"),
            Evidence(fact=f"backend {backend}", source=keras.details.get("backend source", "")),
        ),
        cause="Importing Keras raises an error unless a script names another backend first.",
        remedies=_backend_remedies(snapshot, keras, present),
        verify=remedies.run_python(environment, IMPORT),
    )


def _backend_remedies(
    snapshot: Snapshot, keras: Framework, present: list[str]
) -> tuple[Remedy, ...]:
    backend = keras.details["backend"]
    able = [name for name in ("tensorflow", "jax", "torch") if name in present]
    found = []
    if able:
        variable = f"export KERAS_BACKEND={able[0]}"
        found.append(Remedy(command=variable, text=f"Uses {able[0]}, which is installed."))
    if backend in BACKENDS:
        text = f"Installs {backend}, for the CPU unless the package brings more."
        found.append(remedies.install(snapshot.environment, BACKENDS[backend], text=text))
    return tuple(found)


def find_other_tf_keras(snapshot: Snapshot) -> Iterator[Finding]:
    """A tf-keras for another minor version of TensorFlow."""
    environment = snapshot.environment
    keras = environment.frameworks.get("keras")
    tensorflow = environment.frameworks.get("tensorflow")
    found = keras.details.get("tf-keras", "") if keras is not None else ""
    if not found or tensorflow is None:
        return
    wanted, installed = compat.minor(tensorflow.version), compat.minor(found)
    if not wanted or not installed or wanted == installed:
        return
    yield Finding(
        id="tf-keras-version-mismatch",
        status="warn",
        title="tf-keras is for another version of TensorFlow",
        evidence=(
            Evidence(fact=f"tf-keras {found}", source="installed packages"),
            Evidence(fact=f"tensorflow {tensorflow.version}", source="installed packages"),
        ),
        cause="tf-keras uses TensorFlow's internals and is released with each minor version of it.",
        remedies=(
            remedies.install(
                environment,
                f"tf-keras=={wanted}.*",
                text=f"Installs the tf-keras that was released with TensorFlow {wanted}.",
            ),
        ),
        verify=remedies.run_python(environment, "import tf_keras"),
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="keras-backend-missing",
        group="keras",
        summary="Keras set to a backend that is not installed",
        run=find_missing_backend,
        page=Page(
            symptoms=(
                "ModuleNotFoundError: No module named 'tensorflow', from `import keras`",
                "Unable to import backend",
            ),
            why="Keras 3 computes with TensorFlow, JAX or PyTorch and brings none of them. Which "
            "one it takes is said by KERAS_BACKEND, else by keras.json, else it is TensorFlow.",
            seen_by="the variable, the text of keras.json, and the installed packages",
            confirmed_by="python -c 'import keras'",
            remedy="Choose an installed backend, or install the chosen one.",
            sources=("keras#18888", "Keras, Getting started"),
        ),
    ),
    Check(
        id="tf-keras-version-mismatch",
        group="keras",
        summary="a tf-keras of another minor version than TensorFlow",
        run=find_other_tf_keras,
        page=Page(
            symptoms=("ImportError or AttributeError inside tf_keras",),
            why="Every release of tf-keras is made for the TensorFlow of the same minor version.",
            seen_by="both versions",
            remedy="Install the tf-keras of TensorFlow's minor version.",
            sources=("tf-keras, package metadata",),
        ),
    ),
)
