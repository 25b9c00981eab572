"""What MkDocs calls while it builds the site: it adds the pages that are made from the program.

Pages of the repository stay as they are on disk, where a code host shows them too; what a host
understands and MkDocs does not is rewritten here.
"""

# ruff: noqa: INP001

from __future__ import annotations

import re
from pathlib import Path
from posixpath import normpath, relpath
from typing import TYPE_CHECKING

from checks_page import checks_page
from command_pages import command_pages
from mkdocs.structure.files import File
from navigation import navigation

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
OUTSIDE = {"README.md": "start.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "news.md"}
"""Pages beside the folder of documents, and where the site has them."""
LINK = re.compile(r"\[([^\]]*)\]\((?!https?://|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
TITLED = re.compile(r'^```(\w+) title="([^"]+)"$', re.MULTILINE)
LIST_AFTER_TEXT = re.compile(r"^(?![-*\d|>#\s])(.+)\n(?=(?:- |1\. ))", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and those of the root, and build the navigation of them all."""
    pages = {site: (ROOT / name).read_text(encoding="utf-8") for name, site in OUTSIDE.items()}
    pages |= command_pages()
    pages["checks.md"] = checks_page()
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    config.nav = navigation(file.src_uri for file in files.documentation_pages())
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make the text of a page one that MkDocs understands."""
    del config
    place = {site: name for name, site in OUTSIDE.items()}.get(
        page.file.src_uri, f"docs/{page.file.src_uri}"
    )
    fences = FENCE.findall(markdown)
    prose = FENCE.sub("\0", markdown)
    prose = LIST_AFTER_TEXT.sub(r"\1\n\n", prose)
    prose = LINK.sub(lambda link: _link(link, place, page.file.src_uri, files), prose)
    whole = iter(fences)
    text = re.sub("\0", lambda _: next(whole), prose)
    return TITLED.sub(r"`\2`\n\n```\1", text)


def _link(link: re.Match[str], place: str, page: str, files: Files) -> str:
    """A link of the repository as one of the site; the bare text where the site has no target."""
    text, path, anchor = link[1], link[2], link[3] or ""
    target = normpath(f"{place}/../{path}")
    inside = OUTSIDE.get(target, target.removeprefix("docs/"))
    known = target in OUTSIDE or target.startswith("docs/")
    if not known or files.get_file_from_path(inside) is None:
        return text
    return f"[{text}]({relpath(inside, normpath(f'{page}/..'))}{anchor})"
