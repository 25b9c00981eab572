"""Tools around the frameworks: pairs that are known not to work, and what has no maintainer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, remedies, requirements
from envdoctor.checks.evidence import installed_ones
from envdoctor.checks.pairs import KERAS_3_DEFAULT, TENSORFLOW
from envdoctor.model.finding import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment
    from envdoctor.model.snapshot import Snapshot

NUMPY_WITHOUT_BOOL8 = Version("2.0")
"""NumPy 2.0 removed the alias that gym's checker uses (its release notes)."""
SETUPTOOLS_WITHOUT_PKG_RESOURCES = Version("82")
"""The release that removed pkg_resources (history of setuptools)."""
TENSORBOARD_WITHOUT_PKG_RESOURCES = Version("2.21")
"""The first release that does not import it (tensorboard#7107, UniLab#1465)."""
JAX_WITHOUT_DEFINE_BOOL_STATE = Version("0.4.26")
FLAX_WITHOUT_DEFINE_BOOL_STATE = Version("0.8")
"""Both from sax#32."""
LAST_TORCH_OF_TORCHTEXT = Version("2.4")
"""torchtext 0.18, its last release, fits torch 2.3 (text#2272)."""
TRANSFORMERS_5 = Version("5.0")
OLDEST_TORCH_OF_TRANSFORMERS_5 = Version("2.4")
"""As its own message says it."""


def gym(snapshot: Snapshot) -> Iterator[Finding]:
    """The predecessor of Gymnasium beside NumPy 2."""
    environment = snapshot.environment
    numpy = _version(environment, "numpy")
    if "gym" not in environment.distributions or numpy is None or numpy < NUMPY_WITHOUT_BOOL8:
        return
    yield Finding(
        id="gym-unmaintained",
        status="warn",
        title=f"gym does not work with NumPy {numpy}, and will not be mended",
        evidence=installed_ones(environment, "gym", "numpy"),
        cause="Its checker of environments uses numpy.bool8, which NumPy 2 does not have: the "
        "first step ends with an AttributeError. gym has had no maintainer since 2022; Gymnasium "
        "carries it on.",
        remedies=(
            remedies.install(
                environment,
                "gymnasium",
                text="Install Gymnasium and write `import gymnasium as gym`.",
            ),
        ),
        verify=remedies.run_python(environment, "import gymnasium"),
    )


def tensorboard(snapshot: Snapshot) -> Iterator[Finding]:
    """A TensorBoard that imports pkg_resources where setuptools has it no more."""
    environment = snapshot.environment
    board, setuptools = _version(environment, "tensorboard"), _version(environment, "setuptools")
    if board is None or board >= TENSORBOARD_WITHOUT_PKG_RESOURCES:
        return
    if setuptools is None or setuptools < SETUPTOOLS_WITHOUT_PKG_RESOURCES:
        return
    first = str(TENSORBOARD_WITHOUT_PKG_RESOURCES) + ".0"
    if requirements.allows(environment, "tensorboard", first):
        remedy = remedies.install(
            environment, f"tensorboard>={first}", text="Take a TensorBoard that does without it."
        )
    else:
        remedy = remedies.install(
            environment,
            f"setuptools<{SETUPTOOLS_WITHOUT_PKG_RESOURCES}",
            text="Take an older setuptools: something here asks for this TensorBoard.",
        )
    yield Finding(
        id="tensorboard-setuptools",
        status="warn",
        title=f"TensorBoard {board} does not start with setuptools {setuptools}",
        evidence=installed_ones(environment, "tensorboard", "setuptools"),
        cause="It imports pkg_resources, which setuptools 82 removed: the command ends with "
        "`No module named 'pkg_resources'`. Writing logs is not affected.",
        remedies=(remedy,),
        verify=f"{remedies.python(environment)} -m tensorboard.main --version",
    )


def flax(snapshot: Snapshot) -> Iterator[Finding]:
    """A Flax that uses what JAX has removed."""
    environment = snapshot.environment
    ours, jax = _version(environment, "flax"), _version(environment, "jax")
    if ours is None or jax is None:
        return
    if ours >= FLAX_WITHOUT_DEFINE_BOOL_STATE or jax < JAX_WITHOUT_DEFINE_BOOL_STATE:
        return
    yield Finding(
        id="flax-jax-mismatch",
        status="fail",
        title=f"Flax {ours} cannot be imported with JAX {jax}",
        evidence=installed_ones(environment, "flax", "jax"),
        cause="It uses an internal function of JAX that later releases do not have: `'Config' "
        "object has no attribute 'define_bool_state'`. Its metadata sets no upper bound.",
        remedies=(
            remedies.install(
                environment,
                f"flax>={FLAX_WITHOUT_DEFINE_BOOL_STATE}",
                f"jax=={jax}",
                text="Take a Flax for this JAX.",
            ),
            remedies.install(
                environment,
                f"jax<{JAX_WITHOUT_DEFINE_BOOL_STATE}",
                f"jaxlib<{JAX_WITHOUT_DEFINE_BOOL_STATE}",
                text="Or keep Flax, for code that needs it, with a JAX of its time.",
            ),
        ),
        verify=remedies.run_python(environment, "import flax"),
    )


def transformers(snapshot: Snapshot) -> Iterator[Finding]:
    """A Transformers that has no framework to run models with, or disables the one there is."""
    environment = snapshot.environment
    ours, torch = _version(environment, "transformers"), _version(environment, "torch")
    least = _least_torch_of_transformers(environment, ours)
    if ours is None or torch is None or least is None or torch >= least:
        return
    newer = remedies.install(
        environment, f"torch>={least}", text="Take a torch that this Transformers uses."
    )
    older = remedies.install(
        environment,
        f"transformers<{ours.major}",
        text=f"Or take the last Transformers before {ours.major}, which uses older ones.",
    )
    yield Finding(
        id="transformers-disables-torch",
        status="fail",
        title=f"Transformers {ours} does not use torch {torch}: it wants {least} or newer",
        evidence=installed_ones(environment, "transformers", "torch"),
        cause=f"It says `Disabling PyTorch because PyTorch >= {least} is required` and goes on "
        "without: no model can be loaded. Its metadata does not require torch, so that pip sees "
        "nothing wrong.",
        remedies=(newer, *((older,) if ours >= TRANSFORMERS_5 else ())),
        verify=remedies.run_python(
            environment, "import transformers; assert transformers.is_torch_available()"
        ),
    )


def _least_torch_of_transformers(
    environment: Environment, version: Version | None
) -> Version | None:
    """What its own files say; where nobody has read them, what is known of version 5."""
    framework = environment.frameworks.get("transformers")
    said = compat.parse(framework.details.get("least torch", "")) if framework else None
    if said is None and version is not None and version >= TRANSFORMERS_5:
        return OLDEST_TORCH_OF_TRANSFORMERS_5
    return said


def transformers_alone(snapshot: Snapshot) -> Iterator[Finding]:
    """A Transformers without any framework."""
    environment = snapshot.environment
    ours = _version(environment, "transformers")
    backends = ("torch",) if ours is None or ours >= TRANSFORMERS_5 else ("torch", "jax")
    if ours is None or any(name in environment.distributions for name in backends):
        return
    if ours < TRANSFORMERS_5 and any(name in environment.distributions for name in TENSORFLOW):
        return
    yield Finding(
        id="transformers-without-backend",
        status="info",
        title="Transformers is installed without a framework to run models with",
        evidence=installed_ones(environment, "transformers"),
        cause="Tokenizers and configurations work; models need PyTorch.",
    )


def torchtext(snapshot: Snapshot) -> Iterator[Finding]:
    """The last torchtext beside a torch that it was not built for."""
    environment = snapshot.environment
    text, torch = _version(environment, "torchtext"), _version(environment, "torch")
    if text is None or torch is None or torch < LAST_TORCH_OF_TORCHTEXT:
        return
    yield Finding(
        id="torchtext-unmaintained",
        status="fail",
        title=f"torchtext cannot be imported with torch {torch}",
        evidence=installed_ones(environment, "torchtext", "torch"),
        cause="Its development ended with 0.18 for torch 2.3; with a newer torch its library does "
        "not load: `undefined symbol` in libtorchtext.so.",
        remedies=(
            remedies.uninstall(
                environment,
                "torchtext",
                text="Do without it: there is no release for this torch. Tokenizers and data sets "
                "are in the packages tokenizers and datasets.",
            ),
        ),
    )


def tensorflow_addons(snapshot: Snapshot) -> Iterator[Finding]:
    """The add-ons beside a TensorFlow whose Keras they do not know."""
    environment = snapshot.environment
    version = _version(environment, *TENSORFLOW)
    legacy = environment.variables.get("TF_USE_LEGACY_KERAS", "").lower() in {"1", "true"}
    if "tensorflow-addons" not in environment.distributions or legacy:
        return
    if version is None or version < KERAS_3_DEFAULT:
        return
    yield Finding(
        id="tensorflow-addons-unmaintained",
        status="fail",
        title=f"TensorFlow Addons does not work with TensorFlow {version}",
        evidence=(
            *installed_ones(environment, "tensorflow-addons", *TENSORFLOW, "keras"),
            Evidence(fact="Keras 3 is the default from TensorFlow 2.16", source="release notes"),
        ),
        cause="The project ended in May 2024 with a release for Keras 2; with Keras 3 its import "
        "ends with `No module named 'keras.src.engine'`.",
        remedies=(
            remedies.uninstall(
                environment,
                "tensorflow-addons",
                text="Do without it: most of its layers, losses and optimisers are in Keras 3.",
            ),
        ),
    )


def _version(environment: Environment, *names: str) -> Version | None:
    return compat.parse(environment.version_of(*names))


CHECKS = (
    Check(
        id="gym-unmaintained",
        group="packages",
        summary="the predecessor of Gymnasium beside NumPy 2",
        run=gym,
        page=Page(
            symptoms=("AttributeError: module 'numpy' has no attribute 'bool8'",),
            why="gym has had no maintainer since Gymnasium was forked from it in 2022, and uses "
            "what NumPy 2 has removed.",
            seen_by="The distributions gym and numpy.",
            remedy="Install gymnasium; for most programs the name of the import is all to change.",
            sources=("gym#3167", "gym#3294", "Gymnasium#1094"),
        ),
    ),
    Check(
        id="tensorboard-setuptools",
        group="packages",
        summary="a TensorBoard that does not start with the installed setuptools",
        run=tensorboard,
        page=Page(
            symptoms=("ModuleNotFoundError: No module named 'pkg_resources'",),
            why="TensorBoard up to 2.20 imports pkg_resources, and setuptools 82 removed it.",
            seen_by="The versions of both.",
            confirmed_by="Starting `tensorboard`.",
            remedy="Take TensorBoard 2.21 or newer, or setuptools before 82.",
            sources=("tensorboard#7003", "tensorboard#7107", "assume#774"),
        ),
    ),
    Check(
        id="flax-jax-mismatch",
        group="packages",
        summary="a Flax that is too old for the installed JAX",
        run=flax,
        page=Page(
            symptoms=("AttributeError: 'Config' object has no attribute 'define_bool_state'",),
            why="Flax before 0.8 uses an internal function that JAX removed in 0.4.26.",
            seen_by="The versions of both.",
            confirmed_by="Importing flax.",
            remedy="Upgrade flax.",
            sources=("sax#32",),
        ),
    ),
    Check(
        id="transformers-disables-torch",
        group="packages",
        summary="a torch that is too old for the installed Transformers",
        run=transformers,
        page=Page(
            symptoms=(
                "Disabling PyTorch because PyTorch >= 2.4 is required but found 2.3.0",
                "PyTorch was not found. Models won't be available",
            ),
            why="PyTorch is no requirement in the metadata of Transformers. It looks for it when "
            "it is imported, and leaves one alone that is older than it is written for, which is "
            "2.4 for Transformers 5.",
            seen_by="The versions of both, and the text of transformers/utils/import_utils.py.",
            confirmed_by="transformers.is_torch_available() is False.",
            remedy="Take a newer torch, or Transformers before 5.",
            sources=("Lumos#8", "minimind#588"),
        ),
    ),
    Check(
        id="transformers-without-backend",
        group="packages",
        summary="Transformers without a framework to run models with",
        run=transformers_alone,
        page=Page(
            symptoms=("None of PyTorch, TensorFlow >= 2.0, or Flax have been found.",),
            why="Transformers requires no framework by itself. Those who want tokenizers only "
            "need none.",
            seen_by="The distributions.",
            remedy="Install PyTorch, if you want to run models.",
            sources=("transformers#27214", "exo#392"),
        ),
    ),
    Check(
        id="torchtext-unmaintained",
        group="packages",
        summary="torchtext beside a torch that it was not built for",
        run=torchtext,
        page=Page(
            symptoms=("OSError: libtorchtext.so: undefined symbol",),
            why="torchtext ended with 0.18 for torch 2.3, and sets no upper bound for torch.",
            seen_by="The versions of both.",
            confirmed_by="Importing torchtext.",
            remedy="Do without torchtext, or stay with torch 2.3.",
            sources=("text#2272", "text#2283", "pytorch#151006"),
        ),
    ),
    Check(
        id="tensorflow-addons-unmaintained",
        group="packages",
        summary="TensorFlow Addons beside Keras 3",
        run=tensorflow_addons,
        page=Page(
            symptoms=("ModuleNotFoundError: No module named 'keras.src.engine'",),
            why="TensorFlow Addons ended in May 2024, before it knew Keras 3, which is the "
            "default since TensorFlow 2.16.",
            seen_by="The distributions.",
            confirmed_by="Importing tensorflow_addons.",
            remedy="Use what Keras 3 has, or tf-keras with TF_USE_LEGACY_KERAS=1.",
            sources=("addons#2865", "addons#2870"),
        ),
    ),
)
