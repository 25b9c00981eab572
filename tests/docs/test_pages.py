"""Rules that every page keeps."""

from __future__ import annotations

import re
import shlex
import subprocess

import click
import pytest

from envdoctor.cli.main import main

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def anchors(page):
    """What a heading of a page can be linked by, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", page.prose, re.MULTILINE)
    bare = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in bare}


def options():
    """Every option of every command."""
    commands = [main, *main.commands.values()]
    groups = [each for each in commands[1:] if isinstance(each, click.Group)]
    commands += [each for group in groups for each in group.commands.values()]
    parameters = [param for each in commands for param in each.params]
    return {name for each in parameters for name in (*each.opts, *each.secondary_opts)}


def parse(line):
    """Parse an `envdoctor` line with click itself, without running it."""
    _, *arguments = shlex.split(line)
    while arguments[0].startswith("-"):
        assert arguments.pop(0) in options()
    parent = click.Context(main, info_name="envdoctor")
    main.commands[arguments[0]].make_context(arguments[0], arguments[1:], parent)


def test_links_lead_somewhere(page, open_page):
    for link in LINK.findall(page.prose):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(open_page(target)), link


def test_commands_are_understood(page):
    for line in page.commands():
        parse(line)


def test_a_command_that_does_not_exist_is_noticed():
    with pytest.raises(KeyError):
        parse("envdoctor examine")
    with pytest.raises(Exception, match="No such option"):
        parse("envdoctor bench --fast")


def test_options_in_the_text_exist(page):
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", COMMENT.sub("", page.prose)))
    assert mentioned <= options()


def test_shell_blocks_parse(page):
    for block in page.blocks("sh"):
        subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


def test_make_targets_exist(page, open_page):
    makefile = open_page("Makefile").text
    for target in re.findall(
        r"\bmake ([a-z][a-z-]*)", "\n".join(re.findall(r"`(make .*?)`", page.text))
    ):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_document_is_reachable(page, open_page):
    if page.path.parent.name != "docs" and "docs" not in page.path.parts:
        return
    pages = [open_page(path) for path in page.path.parents[0].glob("*.md")]
    pages += [open_page("docs/index.md"), open_page("README.md")]
    targets = {
        (other.path.parent / link.partition("#")[0]).resolve()
        for other in pages
        if other.path != page.path
        for link in LINK.findall(other.prose)
    }
    assert page.path.resolve() in targets


def test_no_emojis(page):
    assert not re.search("[\U0001f000-\U0001ffff\u2600-\u27bf]", page.text)
