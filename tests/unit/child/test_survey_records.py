"""RECORD files against folders: what is missing, cut short, or claimed twice."""

from __future__ import annotations

import os

import pytest

from envdoctor.child.inspection.distributions import installed
from envdoctor.child.inspection.folders import Folders


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def put(site):
    """Installs a distribution by hand: files with contents, and further lines of its RECORD."""

    def install(name, files, extra="", version="1.0", requires=()):
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        lines = [f"Requires-Dist: {each}" for each in requires]
        head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines]
        (info / "METADATA").write_text("\n".join(head) + "\n\nRequires-Dist: not-a-header\n")
        record = ""
        for path, content in files.items():
            target = site / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            quoted = f'"{path}"' if "," in path else path
            record += f"{quoted},sha256={hash(content)},{len(content)}\n"
        (info / "RECORD").write_text(f"{record}{extra}{info.name}/RECORD,,\n")
        return info

    return install


@pytest.fixture
def look(site):
    def found():
        there = installed([str(site)], Folders())
        return there, {each["name"]: each for each in there.distributions}

    return found


def test_what_is_there_is_counted_and_weighed(put, look):
    put("Sound_Thing", {"sound/a.py": b"12345", "sound/deep/b.py": b"123"})
    _, found = look()
    sound = found["sound-thing"]
    assert (sound["files"], sound["size_bytes"], sound["broken"]) == (3, 8, "")
    assert (sound["missing_count"], sound["resized"]) == (0, [])


def test_missing_files_are_counted_and_ten_are_named(put, look, site):
    put("holey", {f"holey/m{number:02}.py": b"x" for number in range(12)})
    for file in (site / "holey").iterdir():
        file.unlink()
    _, found = look()
    assert found["holey"]["missing_count"] == 12
    assert found["holey"]["missing"] == [f"holey/m{number:02}.py" for number in range(10)]


def test_a_whole_folder_that_is_gone_is_missing(put, look, site):
    put("gone", {"gone/a.py": b"x", "gone/b.h": b"x"})
    (site / "gone").rename(site / "elsewhere")
    assert look()[1]["gone"]["missing_count"] == 2


def test_a_file_that_was_cut_short_is_resized(put, look, site):
    put("cut", {"cut/_C.so": b"x" * 100})
    (site / "cut" / "_C.so").write_bytes(b"x" * 99)
    assert look()[1]["cut"]["resized"] == ["cut/_C.so"]


def test_headers_are_counted_by_the_record_and_not_looked_for(put, look, site):
    put("heads", {"heads/include/deep/a.h": b"12345", "heads/a.h": b"123"})
    (site / "heads" / "include").rename(site / "elsewhere")
    (site / "heads" / "a.h").write_bytes(b"1")
    found = look()[1]["heads"]
    assert (found["files"], found["size_bytes"]) == (3, 8)
    assert (found["missing_count"], found["resized"]) == (0, [])


def test_conda_may_change_sizes(put, look, site):
    info = put("cut", {"cut/a.py": b"prefix"})
    (info / "INSTALLER").write_text("conda\n")
    (site / "cut" / "a.py").write_bytes(b"longer prefix")
    assert look()[1]["cut"]["resized"] == []


@pytest.mark.parametrize(
    "line",
    [
        "plain/__pycache__/a.cpython-311.pyc,,",
        "../../../bin/plain,sha256=x,5",
        "../../Scripts/plain.exe,sha256=x,5",
        "plain-1.0.dist-info/INSTALLER,sha256=x,4",
    ],
)
def test_byte_code_commands_and_metadata_are_nobodys_loss(put, look, line):
    put("plain", {"plain/a.py": b"x"}, extra=f"{line}\n")
    found = look()[1]["plain"]
    assert (found["missing_count"], found["broken"]) == (0, "")


def test_a_name_with_a_comma_is_one_name(put, look):
    put("comma", {"comma/a,b.py": b"x"})
    assert look()[1]["comma"]["missing_count"] == 0


@pytest.mark.parametrize("link", ["loop", "nowhere"])
def test_a_link_that_leads_nowhere_is_a_missing_file(put, look, site, link):
    put("linked", {"linked/a.py": b"x"})
    (site / "linked" / "a.py").unlink()
    (site / "linked" / "a.py").symlink_to("a.py" if link == "loop" else "/no/such/file")
    assert look()[1]["linked"]["missing"] == ["linked/a.py"]


@pytest.mark.parametrize(
    "text", ["no entry at all\n", "a.py,sha256=x,many\n", "a\0b.py,,1,2,3,x\n"]
)
def test_damaged_lines_are_counted(put, look, text):
    put("odd", {"odd/a.py": b"x"}, extra=text)
    assert "lines of its RECORD are damaged" in look()[1]["odd"]["broken"]


def test_a_record_of_any_bytes_is_read(put, look, site):
    info = put("bytes", {"bytes/a.py": b"x"})
    (info / "RECORD").write_bytes(b"bytes/a.py,sha256=x,1\n\xff\xfe,sha256=x,1\n")
    assert look()[1]["bytes"]["missing_count"] == 1


def test_files_that_two_claim_with_other_contents_clash(put, look):
    put("one", {"shared/a.py": b"ours", "shared/b.py": b"equal"})
    put("two", {"shared/a.py": b"theirs", "shared/b.py": b"equal"})
    there, _ = look()
    assert there.clashes == [{"owners": ["one", "two"], "paths": ["shared/a.py"], "count": 2}]


def test_equal_files_such_as_those_of_a_namespace_are_no_clash(put, look):
    put("one", {"space/__init__.py": b"", "space/one.py": b"1"})
    put("two", {"space/__init__.py": b"", "space/two.py": b"2"})
    assert look()[0].clashes == []


def test_a_leftover_is_named_and_is_no_distribution(put, look, site):
    (site / "~orch").mkdir()
    (site / "~orch-2.0.dist-info").mkdir()
    there, found = look()
    assert there.leftovers == [str(site / "~orch"), str(site / "~orch-2.0.dist-info")]
    assert found == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "METADATA is missing"),
        (b"", "METADATA names no name"),
        (b"\xff\xff\0", "METADATA names no name"),
        (b"Name: odd-name\n", "METADATA names no version"),
    ],
)
def test_damaged_metadata_is_data(site, look, text, said):
    info = site / "Odd_Name-3.1.dist-info"
    info.mkdir()
    if text is not None:
        (info / "METADATA").write_bytes(text)
    found = look()[1]["odd-name"]
    assert found["version"] == "3.1"
    assert found["broken"] == said


def test_only_headers_are_requirements(put, look):
    put("needy", {}, requires=["numpy>=1", "extra-thing; extra == 'x'"])
    assert look()[1]["needy"]["requires"] == ["numpy>=1", "extra-thing; extra == 'x'"]


def test_an_old_egg_info_is_read_too(site, look):
    folder = site / "Old_Egg-2.0-py3.11.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Name: Old_Egg\nVersion: 2.0\n")
    (folder / "requires.txt").write_text(
        "six\n[:python_version < '3']\nold\n[test]\npytest\n[test:os_name == 'nt']\nwin\n"
    )
    found = look()[1]["old-egg"]
    assert found["version"] == "2.0"
    assert found["requires"] == ["six", "old ; python_version < '3'"]


@pytest.mark.parametrize(
    ("text", "url", "editable"),
    [
        ('{"url": "file:///src", "dir_info": {"editable": true}}', "file:///src", True),
        ('{"url": "https://x/y.whl", "archive_info": {}}', "https://x/y.whl", False),
        ("[]", "", False),
        ("{", "", False),
    ],
)
def test_where_it_came_from(put, look, text, url, editable):
    info = put("direct", {})
    (info / "direct_url.json").write_text(text)
    found = look()[1]["direct"]
    assert (found["direct_url"], found["editable"]) == (url, editable)


def test_runtimes_of_openmp_are_found_by_name(put, look, site):
    files = ["a.libs/libgomp-e98.so.1.0.0", "t/lib/libiomp5.so", "t/libomp.dylib", "t/compile.py"]
    put("omp", dict.fromkeys(files, b"x"))
    names = [os.path.relpath(path, site) for path in look()[0].openmp]
    assert sorted(names) == sorted(files[:3])


def test_a_folder_that_is_on_the_path_twice_counts_once(put, site, tmp_path):
    put("once", {"once.py": b"x"})
    (tmp_path / "again").symlink_to(site)
    there = installed([str(site), str(tmp_path / "again")], Folders())
    assert [each["name"] for each in there.distributions] == ["once"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read what it likes")
def test_a_folder_that_may_not_be_read_is_said_and_misses_nothing(put, site):
    put("locked", {"locked/a.py": b"x"})
    (site / "locked").chmod(0)
    folders = Folders()
    there = installed([str(site)], folders)
    (site / "locked").chmod(0o755)
    assert there.distributions[0]["missing_count"] == 0
    assert folders.refused == {str(site / "locked"): "Permission denied"}
