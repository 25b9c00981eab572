from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from envdoctor.diagnosis.mutes import expired, holding, read_mutes
from envdoctor.errors import InputError

KNOWN = {"shm-too-small", "pip-not-of-this-python"}
GOOD = '[[mute]]\nid = "shm-too-small"\nreason = "no workers"\nuntil = 2027-01-31\n'


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "envdoctor.toml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_no_file_is_no_mute(tmp_path: Path) -> None:
    assert read_mutes(tmp_path, tmp_path / "config", KNOWN) == []


def test_a_mute_holds_until_its_day(write) -> None:
    mutes = read_mutes(write(GOOD), None, KNOWN)
    assert holding(mutes, date(2027, 1, 31)) == {"shm-too-small": "no workers"}
    assert expired(mutes, date(2027, 1, 31)) == ()
    assert holding(mutes, date(2027, 2, 1)) == {}
    (told,) = expired(mutes, date(2027, 2, 1))
    assert "shm-too-small ended on 2027-01-31" in told
    assert "envdoctor.toml, mute 1" in told


def test_a_mute_without_a_day_holds_for_ever(write) -> None:
    (mute,) = read_mutes(write(GOOD.replace("until = 2027-01-31", "")), None, KNOWN)
    assert mute.holds(date(9999, 1, 1))


def test_a_day_may_be_text(write) -> None:
    (mute,) = read_mutes(write(GOOD.replace("2027-01-31", '"2027-01-31"')), None, KNOWN)
    assert mute.until == date(2027, 1, 31)


def test_all_files_are_read(write, tmp_path: Path) -> None:
    write(GOOD)
    write(
        '[tool.envdoctor]\nmute = [{id = "pip-not-of-this-python", reason = "a wrapper"}]\n',
        "pyproject.toml",
    )
    user = tmp_path / "config"
    user.mkdir()
    (user / "envdoctor.toml").write_text('[[mute]]\nid = "shm-too-small"\nreason = "mine"\n')
    found = [(mute.id, mute.reason) for mute in read_mutes(tmp_path, user, KNOWN)]
    assert found == [
        ("shm-too-small", "mine"),
        ("shm-too-small", "no workers"),
        ("pip-not-of-this-python", "a wrapper"),
    ]
    # What the project says comes after what the user says.
    assert holding(read_mutes(tmp_path, user, KNOWN), date(2026, 1, 1))["shm-too-small"] == (
        "no workers"
    )


@pytest.mark.parametrize("text", ["[project]\nname = 'x'\n", "[project\n", "[tool.other]\na = 1\n"])
def test_a_pyproject_that_says_nothing_of_us_is_left_alone(write, text: str) -> None:
    assert read_mutes(write(text, "pyproject.toml"), None, KNOWN) == []


MISTAKES = {
    "[[mute]]\nid = 'x'": "`reason`",
    "[[mute]]\nreason = 'x'": "`id`",
    "[[mute]]\nid = 'shm-too-small'\nreason = ' '": "`reason`",
    "[[mute]]\nid = 3\nreason = 'x'": "`id`",
    "[[mute]]\nid = 'shm-to-small'\nreason = 'x'": "no check called `shm-to-small`",
    "[[mute]]\nid = 'shm-too-small'\nreason = 'x'\nuntli = 2027-01-01": "`untli`",
    "[[mute]]\nid = 'shm-too-small'\nreason = 'x'\nuntil = 'soon'": "soon",
    "[[mute]]\nid = 'shm-too-small'\nreason = 'x'\nuntil = 2027-01-01T00:00:00": "no day",
    "[[mutes]]\nid = 'x'": "`mutes`",
    "mute = 'all'": "list of tables",
    "mute = ['all']": "list of tables",
    "[[mute": "no valid TOML",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_one_sentence_with_the_file_and_the_key(write, text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_mutes(write(text), None, KNOWN)
    assert "envdoctor.toml" in caught.value.sentence
    assert MISTAKES[text] in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_bytes_that_are_no_text_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "envdoctor.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="no valid TOML"):
        read_mutes(tmp_path, None, KNOWN)


def test_any_id_is_taken_when_plugins_were_left_out(write) -> None:
    (mute,) = read_mutes(write(GOOD.replace("shm-too-small", "of-a-stranger")), None, None)
    assert mute.id == "of-a-stranger"
