from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from envdoctor import api, plugins


def _texts(root: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (root / "docs").rglob("*.md"))


@pytest.mark.parametrize("hook", plugins._RECORDS)
def test_every_hook_is_in_the_docs(hook: str, root: Path) -> None:
    assert hook in _texts(root)


@pytest.mark.parametrize("record", [api.Backend, api.Mode], ids=lambda record: record.__name__)
def test_the_guide_names_every_field_of_a_record(record: type, root: Path) -> None:
    guide = (root / "docs" / "guides" / "write-a-backend.md").read_text(encoding="utf-8")
    missing = [f.name for f in fields(record) if not re.search(rf"\b{f.name}\b", guide)]
    assert missing == []


def test_every_layer_is_in_the_guide_to_workloads(root: Path) -> None:
    from envdoctor.child.layers import KINDS

    guide = (root / "docs" / "guides" / "write-a-workload.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in guide] == []


def test_no_link_between_the_pages_is_broken(root: Path) -> None:
    broken = []
    for page in [root / "README.md", *(root / "docs").rglob("*.md")]:
        prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        broken += [
            f"{page.relative_to(root)}: {target}"
            for target in re.findall(r"\]\(([^)#\s]+)", prose)
            if "://" not in target and not (page.parent / target).exists()
        ]
    assert broken == []


def test_what_messages_point_to_is_there(root: Path) -> None:
    pointed = {
        name
        for path in (root / "envdoctor").rglob("*.py")
        for name in re.findall(r"docs/[\w/.-]+\.(?:md|json)", path.read_text(encoding="utf-8"))
    }
    assert [name for name in sorted(pointed) if not (root / name).exists()] == []
