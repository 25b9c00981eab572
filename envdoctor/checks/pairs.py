"""Distributions that must match each other although their metadata does not see to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, reinstall, remedies, requirements
from envdoctor.checks.evidence import all_of, installed_ones
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.checks.requirements import Unmet
    from envdoctor.model.environment import Environment
    from envdoctor.model.snapshot import Snapshot

TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-gpu")
KERAS_3_DEFAULT = Version("2.16")
"""The first TensorFlow whose Keras is Keras 3 (its release notes)."""
TRANSFORMERS_WITHOUT_TENSORFLOW = 5
"""The first major of Transformers without TensorFlow."""
SWITCHED_ON = frozenset({"1", "true", "yes", "on"})
SWITCHED_OFF = frozenset({"0", "false", "no", "off"})


def torchvision(snapshot: Snapshot) -> Iterator[Finding]:
    """A torchvision that was made for another torch, or for another kind of build."""
    environment = snapshot.environment
    torch, vision = environment.version_of("torch"), environment.version_of("torchvision")
    if not torch or not vision:
        return
    declared = _declared(environment, "torchvision")
    wanted, builds = compat.torch_for_torchvision(vision), _other_build(torch, vision)
    known = compat.torchvision_for(torch) is not None
    wrong = wanted is not None and known and compat.minor(torch) not in wanted
    if not (declared or wrong or builds):
        return
    made_for = (
        f"torchvision {vision} is made for torch {all_of(wanted)}" if wrong and wanted else ""
    )
    facts = [str(each) for each in declared] + [each for each in (made_for, builds) if each]
    yield Finding(
        id="torchvision-torch-mismatch",
        status="fail",
        title=f"torchvision {vision} does not fit torch {torch}",
        evidence=(
            *installed_ones(environment, "torch", "torchvision"),
            *(Evidence(fact=fact) for fact in facts),
        ),
        cause="torchvision's operators are compiled against one release and one build of torch; "
        "with another they are not registered: `operator torchvision::nms does not exist`.",
        remedies=_torchvision_remedies(environment, torch, bool(declared or wrong)),
        verify=remedies.run_python(environment, "import torchvision; torchvision.ops.nms"),
    )


def _declared(environment: Environment, name: str) -> list[Unmet]:
    return [
        each
        for each in requirements.unmet(environment)
        if each.by.name == name and each.name == "torch" and each.found
    ]


def _other_build(torch: str, other: str) -> str:
    """How two builds differ in what they were compiled for; empty if they may go together."""
    ours, theirs = reinstall.torch_build(torch), reinstall.torch_build(other)
    kinds = [compat.cuda_of(each).partition(".")[0] or each for each in (ours, theirs)]
    if not ours or not theirs or kinds[0] == kinds[1]:
        return ""
    return f"the builds differ: {ours} and {theirs}"


def _torchvision_remedies(
    environment: Environment, torch: str, other_version: bool
) -> tuple[Remedy, ...]:
    partner = compat.torchvision_for(torch)
    text = "Take the torchvision that was made for this torch, from the same index."
    if partner is None:
        return (Remedy(text="Take both from one index in one command, at their newest."),)
    if reinstall.by_conda(environment, "torch"):
        spec = f"torchvision={partner}"
        return (reinstall.conda_install(environment, spec, text=text),)
    index = reinstall.index_option(torch)
    wanted = [f"torchvision=={partner}.*"]
    if other_version:
        wanted.insert(0, f"torch=={Version(torch).public}")
        options = index
    else:
        options = f"{reinstall.FORCED} {index}"
    return (remedies.install(environment, *wanted, options=options.strip(), text=text),)


def torchaudio(snapshot: Snapshot) -> Iterator[Finding]:
    """A torchaudio of another release than torch's."""
    environment = snapshot.environment
    torch = compat.parse(environment.version_of("torch"))
    audio = compat.parse(environment.version_of("torchaudio"))
    if torch is None or audio is None or torch.release[:2] == audio.release[:2]:
        return
    newer = audio.release[:2] > torch.release[:2]
    stable = audio.release[:2] >= Version(compat.newest_torchaudio()).release[:2]
    if newer:
        cause = (
            "Its library asks for functions that this torch does not have yet: the import ends "
            "with `undefined symbol`. torchaudio 2.11 declares no torch at all, so that pip sees "
            "nothing wrong."
        )
    elif stable:
        cause = (
            "torchaudio has had no release since, and is built on torch's stable interface: it is "
            "expected to work. If its import fails, this is why."
        )
    else:
        cause = "Until 2.10 its library is compiled against one release of torch, and loads with "
        cause += "no other."
    yield Finding(
        id="torchaudio-torch-skew",
        status="fail" if newer else "info" if stable else "warn",
        title=f"torchaudio {audio} is not of the same release as torch {torch}",
        evidence=installed_ones(environment, "torch", "torchaudio"),
        cause=cause,
        remedies=() if stable and not newer else _torchaudio_remedies(environment, str(torch)),
        verify=remedies.run_python(environment, "import torchaudio"),
    )


def _torchaudio_remedies(environment: Environment, torch: str) -> tuple[Remedy, ...]:
    partner = compat.torchaudio_for(torch)
    if not partner:
        newest = compat.newest_torchaudio()
        text = f"Take the newest torchaudio, or go without: {newest} was the last."
        return (remedies.install(environment, f"torchaudio=={newest}.*", text=text),)
    options = f"--no-deps {reinstall.index_option(torch)}".strip()
    text = "Take the torchaudio of this torch; it has the same number."
    return (remedies.install(environment, f"torchaudio=={partner}.*", options=options, text=text),)


def keras(snapshot: Snapshot) -> Iterator[Finding]:
    """Something that wants Keras 2 where there is only Keras 3."""
    environment = snapshot.environment
    version = compat.parse(environment.version_of(*TENSORFLOW))
    if version is None or version < KERAS_3_DEFAULT or "tf-keras" in environment.distributions:
        return
    known = compat.tensorflow_tested(str(version)) is not None
    legacy = environment.variables.get("TF_USE_LEGACY_KERAS", "")
    transformers = compat.parse(environment.version_of("transformers"))
    using = environment.variables.get("USE_TF", "").lower() not in SWITCHED_OFF
    remedy = remedies.install(
        environment,
        f"tf-keras=={version.major}.{version.minor}.*" if known else "tf-keras",
        text="Install Keras 2 under its new name, of TensorFlow's own release.",
    )
    facts = installed_ones(environment, *TENSORFLOW, "keras", "transformers")
    if legacy.lower() in SWITCHED_ON:
        yield Finding(
            id="keras3-vs-tf-keras",
            status="fail",
            title="TF_USE_LEGACY_KERAS asks for tf-keras, which is not installed",
            evidence=(
                Evidence(fact=f"TF_USE_LEGACY_KERAS={legacy}", source="environment"),
                *facts,
            ),
            cause="With this variable tf.keras is Keras 2, from the package tf-keras; without the "
            "package every use of tf.keras ends with an ImportError.",
            remedies=(
                remedy,
                Remedy(
                    command="unset TF_USE_LEGACY_KERAS",
                    text="Or use Keras 3 in all that runs here.",
                ),
            ),
            verify=remedies.run_python(environment, "import tf_keras"),
        )
    elif (
        transformers is not None and transformers.major < TRANSFORMERS_WITHOUT_TENSORFLOW and using
    ):
        yield Finding(
            id="keras3-vs-tf-keras",
            status="warn",
            title=f"Transformers {transformers} cannot use Keras 3, and tf-keras is missing",
            evidence=facts,
            cause="Its models for TensorFlow are written for Keras 2; what imports them, even by "
            "way of a pipeline, ends with `Your currently installed version of Keras is Keras 3`.",
            remedies=(
                remedy,
                Remedy(
                    command="export USE_TF=0",
                    text="Or, if you use Transformers with PyTorch, let it leave TensorFlow alone.",
                ),
            ),
            verify=remedies.run_python(environment, "import tf_keras"),
        )


CHECKS = (
    Check(
        id="torchvision-torch-mismatch",
        group="packages",
        summary="a torchvision that was made for another torch",
        run=torchvision,
        page=Page(
            symptoms=("RuntimeError: operator torchvision::nms does not exist",),
            why="Each torchvision is compiled against one release of torch. Since 0.29.1 its "
            "metadata asks for torch>=2.14 only, and builds for different CUDA majors were never "
            "told apart by metadata.",
            seen_by="The versions of both, what torchvision declares, the table of pairs, and the "
            "local tags of both, such as +cu126.",
            confirmed_by="Importing torchvision.",
            remedy="Install both from one index in one command.",
            sources=("pytorch#157648", "vision#8985", "pytorch#122494", "sdnext#3531"),
        ),
    ),
    Check(
        id="torchaudio-torch-skew",
        group="packages",
        summary="a torchaudio of another release than torch's",
        run=torchaudio,
        page=Page(
            symptoms=("OSError: libtorchaudio.so: undefined symbol: torch_library_impl",),
            why="torchaudio ends at 2.11, which declares no torch and is built on torch's stable "
            "interface; it needs torch 2.11 or newer. Older ones fit one release of torch only.",
            seen_by="The versions of both.",
            confirmed_by="Importing torchaudio.",
            remedy="Install the torchaudio with the number of torch, up to 2.11.",
            sources=("audio#4142", "audio#4189", "atrain_core#47", "Wan2GP#1701"),
        ),
    ),
    Check(
        id="keras3-vs-tf-keras",
        group="packages",
        summary="something that wants Keras 2 where there is only Keras 3",
        run=keras,
        page=Page(
            symptoms=(
                "ValueError: Your currently installed version of Keras is Keras 3",
                "ModuleNotFoundError: No module named 'tf_keras'",
            ),
            why="Since TensorFlow 2.16 tf.keras is Keras 3; Keras 2 lives on as tf-keras, which "
            "must be installed by itself and have TensorFlow's number.",
            seen_by="The versions of tensorflow, keras, tf-keras and transformers, and the "
            "variables TF_USE_LEGACY_KERAS and USE_TF.",
            remedy="Install the tf-keras with TensorFlow's number, or do without TensorFlow.",
            sources=("transformers#36410", "transformers#27377", "agent-zero#410"),
        ),
    ),
)
