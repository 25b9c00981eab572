from __future__ import annotations

import pytest

from envdoctor_torch.facts import collect

VERSION = """from typing import Optional
__version__ = '2.9.1+cu126'
debug = False
cuda: Optional[str] = '12.6'
git_version = 'abc'
hip: Optional[str] = None
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "torch" / "lib").mkdir(parents=True)
    return tmp_path


def look(made, site, version="2.9.1", others=None, **fields):
    torch = made.distribution("torch", version, location=str(site))
    return collect(made.environment({"torch": torch, **(others or {})}, **fields))


def test_a_build_for_cuda(made, site):
    (site / "torch" / "version.py").write_text(VERSION)
    (site / "torch" / "lib" / "libgomp-a34b3233.so.1").touch()
    found = look(made, site, others={"nvidia-cudnn-cu12": "9.5.1.17", "nvidia-cudnn-cu13": "9.20"})
    assert (found.version, found.cuda, found.rocm) == ("2.9.1+cu126", "12.6", None)
    assert found.cudnn == "9.5.1.17"
    assert found.details["local tag"] == "cu126"
    assert found.details["libgomp"] == "1"
    assert "unreadable" not in found.details


def test_a_build_for_rocm(made, site):
    text = VERSION.replace("'12.6'", "None").replace("hip: Optional[str] = None", "hip = '6.4'")
    (site / "torch" / "version.py").write_text(text)
    library = site / "torch" / "lib" / "rocblas" / "library"
    library.mkdir(parents=True)
    for name in ("TensileLibrary_gfx90a.dat", "Kernels.so-000-gfx1030.hsaco", "x_gfx90a.co"):
        (library / name).touch()
    found = look(made, site)
    assert (found.cuda, found.rocm) == (None, "6.4")
    assert found.details["rocm_architectures"] == "gfx1030 gfx90a"


@pytest.mark.parametrize("text", [None, "", "(((", "cuda = open('x')", "\0", "\udcff"])
def test_a_damaged_version_file(made, site, text):
    if text is not None:
        data = text.encode("utf-8", "surrogateescape")
        (site / "torch" / "version.py").write_bytes(data)
    found = look(made, site)
    assert (found.version, found.cuda) == ("2.9.1", None)
    assert found.details["unreadable"].endswith("version.py")


def test_the_module_that_would_be_imported_counts(made, site, tmp_path):
    source = tmp_path / "checkout" / "torch"
    source.mkdir(parents=True)
    (source / "version.py").write_text(VERSION)
    found = look(made, site, modules={"torch": str(source / "__init__.py")})
    assert found.location == str(source)


def test_libraries_on_the_path(made, site, tmp_path):
    folder = tmp_path / "cuda"
    folder.mkdir()
    (folder / "libcublas.so.12.1.3").touch()
    (folder / "libcublas.so.12").symlink_to("libcublas.so.12.1.3")
    (folder / "libother.so.1").touch()
    found = look(made, site, variables={"LD_LIBRARY_PATH": f"{folder}::/nowhere"})
    assert found.details["library path"] == f"{folder}/libcublas.so.12 libcublas.so.12.1.3"


def test_nothing_is_there(made):
    assert collect(made.environment()) is None
