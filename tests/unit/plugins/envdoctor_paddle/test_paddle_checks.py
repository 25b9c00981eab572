"""Facts of PaddlePaddle from files, and the checks on sick and on nearly sick environments."""

from __future__ import annotations

import pytest

from envdoctor_paddle.facts import collect

BUILDS = "paddle-two-builds"
THREADS = "paddle-thread-count-unreadable"
CPU_BUILD = """
full_version     = '3.3.1'
cuda_version     = 'False'
cudnn_version    = 'False'
hip_version      = None
commit           = '7688495538f4'
"""
GPU_BUILD = """
full_version     = '3.3.1'
cuda_version     = '12.6'
cudnn_version    = '9.5.1'
hip_version      = 'False'
commit           = '7688495538f4'
"""


@pytest.fixture
def case(made, tmp_path):
    """A snapshot with these distributions, over the files of one build."""

    def make(installed, said=CPU_BUILD, **fields):
        folder = tmp_path / "paddle" / "version"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text(said)
        here = {
            name: made.distribution(name, text, location=str(tmp_path))
            for name, text in installed.items()
        }
        paddle = collect(made.environment(here))
        frameworks = {"paddle": paddle} if paddle is not None else {}
        return made.snapshot(environment=made.environment(here, frameworks=frameworks, **fields))

    return make


def test_a_build_for_the_cpu(case):
    found = case({"paddlepaddle": "3.3.1"}).environment.frameworks["paddle"]
    assert (found.version, found.cuda, found.cudnn, found.rocm) == ("3.3.1", None, None, None)
    assert found.details == {"distributions": "paddlepaddle", "commit": "7688495538f4"}


def test_a_build_for_cuda(case):
    found = case({"paddlepaddle-gpu": "3.3.1"}, GPU_BUILD).environment.frameworks["paddle"]
    assert (found.cuda, found.cudnn, found.rocm) == ("12.6", "9.5.1", None)


@pytest.mark.parametrize("said", ["", "full_version = ("])
def test_files_that_say_nothing(case, said):
    found = case({"paddlepaddle": "3.2.0"}, said).environment.frameworks["paddle"]
    assert (found.version, found.cuda) == ("3.2.0", None)


def test_nothing_is_there(made):
    assert collect(made.environment({"paddle": "1.0.2", "paddleocr": "3.0.0"})) is None


def test_two_builds(run, case):
    installed = {"paddlepaddle": "3.3.1", "paddlepaddle-gpu": "3.3.0"}
    (finding,) = run(BUILDS, case(installed))
    assert finding.status == "warn"
    assert finding.evidence[-1].fact == "the files are of a CPU build"
    remove, install = (remedy.command for remedy in finding.remedies)
    assert remove.endswith("pip uninstall -y paddlepaddle paddlepaddle-gpu")
    assert install.endswith("--force-reinstall --no-deps paddlepaddle-gpu==3.3.0")
    assert "CUDA 12.6" in run(BUILDS, case(installed, GPU_BUILD))[0].evidence[-1].fact


@pytest.mark.parametrize(
    "installed", [{"paddlepaddle": "3.3.1"}, {"paddlepaddle": "3.3.1", "paddleocr": "3.0.0"}, {}]
)
def test_one_build(run, case, installed):
    assert run(BUILDS, case(installed)) == []


@pytest.mark.parametrize(("said", "meant"), [("4,2", "4"), (" 4 , 2", "4"), ("all", "1")])
def test_a_thread_count_that_is_no_number(run, case, said, meant):
    snapshot = case({"paddlepaddle": "3.3.1"}, variables={"OMP_NUM_THREADS": said})
    (finding,) = run(THREADS, snapshot)
    assert finding.remedies[0].command == f"export OMP_NUM_THREADS={meant}"


@pytest.mark.parametrize("variables", [{}, {"OMP_NUM_THREADS": "4"}, {"OMP_NUM_THREADS": ""}])
def test_a_thread_count_that_paddle_reads(run, case, variables):
    assert run(THREADS, case({"paddlepaddle": "3.3.1"}, variables=variables)) == []


def test_threads_of_another_framework(run, case):
    assert run(THREADS, case({}, variables={"OMP_NUM_THREADS": "4,2"})) == []
