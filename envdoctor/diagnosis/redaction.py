"""Hides what is private in whatever leaves the machine: a report, a saved file.

Names of people and hosts, addresses, identities of devices and anything that could be a credential
go; versions, hashes of packages, paths below the home folder and PCI addresses stay, because a
diagnosis needs them. What looks like a secret is taken for one.
"""

from __future__ import annotations

import getpass
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from envdoctor.diagnosis.addresses import hide_addresses
from envdoctor.diagnosis.credentials import hide_secrets, hide_value

if TYPE_CHECKING:
    from collections.abc import Collection

T = TypeVar("T")

ORDINARY_NAMES = re.compile(
    r"root|user|admin|test|dev|developer|guest|ubuntu|debian|fedora|centos|ec2-user|opc"
    r"|jovyan|runner|vscode|docker|container|nobody|python|data|work|home|app|build|ci|pi"
    r"|linux|windows|localhost|localdomain|local|host|machine|server|node|main|master"
    r"|worker|default",
    re.IGNORECASE,
)
"""Names of accounts and hosts that say nothing of anybody."""
SHORTEST_NAME = 3
_HOMES = re.compile(
    r"(?<![\w.~/\\-])(?:/home/(?!linuxbrew\b)[^/\s:'\",;]+|/Users/(?!Shared\b)[^/\s:'\",;]+"
    r"|[A-Za-z]:\\+Users\\+(?!Public\b)[^\\\s:'\",;]+|/root(?=[/\s:'\",;]|$))"
)
_UUID = re.compile(
    r"(?i)\b(GPU-|MIG-)?([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
)
_SHORT_UUID = re.compile(r"\b(GPU-|MIG-)([0-9a-f]{8})\b(?!-[0-9a-f])")
_SERIAL = re.compile(
    r"(?i)(\bserial(?:[ _-]?(?:number|no\.?))?\s*[:=]\s*|\bS/N\s*[:=]?\s*)[\w-]{4,}"
)


@dataclass
class Redactor:
    """Hides what is private; the same identity gets the same stand-in wherever it appears."""

    home: str = ""
    user: str = ""
    host: str = ""
    kept: Collection[str] = ()
    """Words that are no names of people here: those of distributions."""
    _numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of_this_machine(cls, kept: Collection[str] = ()) -> Redactor:
        """One that knows the names of this user and this host."""
        try:
            home, user = str(Path.home()), getpass.getuser()
        except (OSError, KeyError, RuntimeError):
            home, user = "", ""
        return cls(home=home, user=user, host=platform.node(), kept=kept)

    def apply(self, value: T) -> T:
        """The same record without what is private."""
        return msgspec.convert(self.plain(msgspec.to_builtins(value)), type(value))

    def plain(self, value: Any, key: str = "", *, variables: bool = False) -> Any:
        """Plain data without what is private; keys stay as they are.

        Args:
            value: anything made of dictionaries, lists and texts.
            key: of the field that it stands in.
            variables: whether it is the value of a variable of the user's, which may hold anything.
        """
        if isinstance(value, str):
            return self.text(hide_value(key, value) if variables else value, key)
        if isinstance(value, list | tuple):
            return [self.plain(each, key, variables=variables) for each in value]
        if isinstance(value, dict):
            inside = variables or key == "variables"
            return {name: self.plain(each, name, variables=inside) for name, each in value.items()}
        return value

    def text(self, text: str, key: str = "") -> str:
        """A text without what is private.

        Args:
            text: anything.
            key: of the field that it stands in; a version is never an address.
        """
        text = hide_secrets(text)
        text = _SERIAL.sub(r"\1<serial>", text)
        text = _UUID.sub(self._number, text)
        text = _SHORT_UUID.sub(self._number, text)
        if "version" not in key and key != "specifier":
            text = hide_addresses(text, self.kept)
        return self._names(self._home(text))

    def _number(self, match: re.Match[str]) -> str:
        prefix, begin = match[1] or "", match[2].lower()
        number = self._numbers.setdefault(prefix.upper() + begin, len(self._numbers) + 1)
        return f"{prefix}<uuid {number}>"

    def _home(self, text: str) -> str:
        if len(self.home) > 1:
            own = rf"(?<![\w.~-]){re.escape(self.home)}(?![\w.-])"
            text = re.sub(own, "~", text)
        return _HOMES.sub("~", text)

    def _names(self, text: str) -> str:
        for name, stand_in in (
            (self.host, "<host>"),
            (self.host.partition(".")[0], "<host>"),
            (self.user, "<user>"),
        ):
            ordinary = ORDINARY_NAMES.fullmatch(name) or name.lower() in self.kept
            if len(name) >= SHORTEST_NAME and not ordinary:
                text = re.sub(
                    rf"(?i)(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", stand_in, text
                )
        return text
