from __future__ import annotations

import pytest

from envdoctor_transformers.facts import collect

IGNORED, UNREAD = "transformers-disables-torch", "transformers-cache-unread"
SOURCE = """
def is_torch_available():
    if parsed_version < version.parse("2.6.0"):
        logger.warning_once(f"Disabling PyTorch because PyTorch >= 2.6 is required but found {v}")
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "transformers" / "utils").mkdir(parents=True)
    (tmp_path / "transformers" / "utils" / "import_utils.py").write_text(SOURCE)
    return tmp_path


@pytest.fixture
def case(made, site):
    def make(version="5.23.0", torch=None, **fields):
        installed = {"transformers": made.distribution("transformers", version, location=str(site))}
        frameworks = {"transformers": collect(made.environment(installed, **fields))}
        if torch:
            frameworks["torch"] = made.framework("torch", torch)
            installed["torch"] = made.distribution("torch", torch)
        return made.snapshot(
            environment=made.environment(installed, frameworks=frameworks, **fields)
        )

    return make


def test_what_the_files_say(made, case, site):
    found = case().environment.frameworks["transformers"]
    assert (found.version, found.details) == ("5.23.0", {"least torch": "2.6"})
    assert collect(made.environment()) is None
    (site / "transformers" / "utils" / "import_utils.py").unlink()
    assert case().environment.frameworks["transformers"].details == {}


def test_a_torch_that_is_too_old(run, case):
    (finding,) = run(IGNORED, case(torch="2.5.1+cu124"))
    assert finding.status == "fail"
    assert "2.6" in finding.title
    assert "'torch>=2.6'" in finding.remedies[0].command


@pytest.mark.parametrize("torch", [None, "2.6.0", "2.13.0+cpu", "?"])
def test_a_torch_that_is_used(run, case, torch):
    assert run(IGNORED, case(torch=torch)) == []


def test_a_folder_that_nobody_reads(run, case):
    (finding,) = run(UNREAD, case(variables={"TRANSFORMERS_CACHE": "/big/models"}))
    assert finding.status == "warn"
    assert finding.evidence[0].fact == "TRANSFORMERS_CACHE=/big/models"


@pytest.mark.parametrize(
    ("version", "variables"),
    [
        ("4.57.1", {"TRANSFORMERS_CACHE": "/big/models"}),
        ("5.23.0", {"TRANSFORMERS_CACHE": "/big/models", "HF_HOME": "/big"}),
        ("5.23.0", {"HF_HUB_CACHE": "/big/models"}),
        ("?", {"TRANSFORMERS_CACHE": "/big/models"}),
    ],
)
def test_a_folder_that_is_read(run, case, version, variables):
    assert run(UNREAD, case(version, variables=variables)) == []
