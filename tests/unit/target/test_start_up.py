from __future__ import annotations

from envdoctor.target.start_up import add_complaints, last_words

PTH = """Error processing line 1 of /env/site-packages/bad.pth:

  Traceback (most recent call last):
    File "<frozen site>", line 195, in addpackage
    File "<string>", line 1, in <module>
  ModuleNotFoundError: No module named 'gone'

Remainder of file ignored
"""
CUSTOM = "Error in sitecustomize; set PYTHONVERBOSE for traceback:\nValueError: no good\n"


def test_what_python_says_is_written_at_the_file_it_concerns():
    files = [
        {"path": "/env/site-packages/bad.pth", "executes": True, "error": ""},
        {"path": "/env/site-packages/good.pth", "executes": True, "error": ""},
    ]
    add_complaints(files, f"noise\n{PTH}{CUSTOM}", {"sitecustomize": "/env/sitecustomize.py"})
    assert [file["error"] for file in files] == [
        "ModuleNotFoundError: No module named 'gone'",
        "",
        "ValueError: no good",
    ]
    assert files[2]["path"] == "/env/sitecustomize.py"


def test_what_is_known_already_is_kept():
    files = [{"path": "/env/site-packages/bad.pth", "executes": True, "error": "known"}]
    add_complaints(files, PTH, {})
    assert files[0]["error"] == "known"


def test_a_quiet_start_adds_nothing():
    files = []
    add_complaints(files, "WARNING: chatter\n", {})
    assert files == []


def test_the_last_words_of_nothing_are_nothing():
    assert last_words(" \n\n") == ""
