from __future__ import annotations

import pytest

from envdoctor_tensorflow import facts

CUDA = """import collections
build_info = collections.OrderedDict([('cpu_compiler', '/usr/bin/clang'),
    ('cuda_compute_capabilities', ['sm_60', 'compute_90']), ('cuda_version', '12.5.1'),
    ('cudnn_version', '9'), ('is_cuda_build', True), ('is_rocm_build', False)])
"""


@pytest.fixture
def look(made, tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "find_library", lambda *_: "")

    def call(text, owner="tensorflow", **fields):
        path = tmp_path / "tensorflow" / facts.BUILD_INFO
        path.parent.mkdir(parents=True)
        if text is not None:
            path.write_text(text)
        owned = made.distribution(owner, "2.21.0", location=str(tmp_path))
        return facts.collect(made.environment({owner: owned}, **fields))

    return call


def test_a_build_for_cuda(look):
    found = look(CUDA)
    assert (found.version, found.cuda, found.cudnn) == ("2.21.0", "12.5.1", "9")
    assert found.details["cuda build"] == "yes"


def test_a_build_for_the_cpu(look):
    text = "import collections\nbuild_info = collections.OrderedDict([('is_cuda_build', False)])\n"
    found = look(text, owner="tensorflow-cpu")
    assert found.cuda is None
    assert found.details["cuda build"] == "no"
    assert found.details["distribution"] == "tensorflow-cpu"


@pytest.mark.parametrize("text", [None, "", "build_info = make()", "((", "build_info = 3"])
def test_a_damaged_file(look, text):
    found = look(text)
    assert (found.version, found.cuda) == ("2.21.0", None)
    assert found.details["unreadable"].endswith("build_info.py")


def test_libdevice_in_a_toolkit(look, tmp_path):
    path = tmp_path / "toolkit" / facts.LIBDEVICE
    path.parent.mkdir(parents=True)
    path.touch()
    found = look(CUDA, variables={"CUDA_HOME": str(tmp_path / "toolkit")})
    assert found.details["libdevice"] == str(path)


def test_nothing_is_there(made):
    assert facts.collect(made.environment()) is None
