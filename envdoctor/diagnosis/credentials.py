"""Hides what could be a credential, by its shape and by the name that stands before it."""

from __future__ import annotations

import math
import re
from collections import Counter

STAND_IN = "<secret>"

_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_[A-Za-z0-9]{16,}"  # Hugging Face
    r"|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}"
    r"|gl(?:pat|dt|rt|cbt)-[\w-]{16,}"  # GitLab
    r"|sk-[A-Za-z0-9_-]{18,}"  # OpenAI, Anthropic
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"  # Amazon
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,}"  # Google
    r"|xox[abeoprs]-[\w-]{10,}"  # Slack
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|dckr_pat_[\w-]{20,}"
    r"|nvapi-[\w-]{20,}|gsk_[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{20,}|dapi[0-9a-f]{32}"
    r"|lsv2_[a-z]{2}_\w{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|glsa_\w{20,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"  # a JSON web token
    r")(?![A-Za-z0-9])"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_IN_URL = re.compile(r"\b([a-z][a-z0-9+.-]*://)([^/\s@'\"]+)@", re.IGNORECASE)
_IN_QUERY = re.compile(
    r"(?i)([?&](?:[\w-]*(?:token|key|signature|secret|password|credential)|sig|auth|code)=)[^&\s'\"#]+"
)
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization\s*[:=]\s*(?:(?:basic|bearer|digest|token)\s+)?+|bearer\s+)[\w.~+/=:-]{6,}"
)
_NAMED = re.compile(
    r"(?i)((?<![A-Za-z])(?:[\w-]*[_-])?(?:token|secret|passwd|password|passphrase|api[_-]?key"
    r"|access[_-]?key(?:[_-]id)?|private[_-]?key|secret[_-]?key|credentials?)"
    r"[\"']?\s*[:=]\s*[\"']?)([^\s\"',;&<>]{6,})"
)
SECRET_WORDS = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|APIKEY|KEY|CREDENTIAL|CREDENTIALS|AUTH"
    r"|COOKIE|PAT|PWD|SESSION"
)
HARMLESS_ENDINGS = re.compile(r"PATH|FILE|DIR|FOLDER|HOME|URL|PARALLELISM|LENGTH")
"""A variable whose name ends so holds no credential, whatever stands before it."""
HARMLESS_NAMES = frozenset({"PWD", "OLDPWD"})
SHORTEST_RANDOM = 24
SHORTEST_HEX = 32
LEAST_BITS_PER_CHARACTER = 3.5
"""Of random base64 of this length nearly all lies above, of words and paths nearly all below."""
_PIECE = re.compile(r"[A-Za-z0-9+/_-]+=*")


def hide_secrets(text: str) -> str:
    """A text without anything that has the shape of a credential, or stands behind its name."""
    text = _PRIVATE_KEY.sub(STAND_IN, text)
    text = _IN_URL.sub(_hide_user, text)
    text = _IN_QUERY.sub(rf"\1{STAND_IN}", text)
    text = _SHAPES.sub(STAND_IN, text)
    text = _HEADER.sub(rf"\1{STAND_IN}", text)
    return _NAMED.sub(_hide_named, text)


def hide_value(name: str, value: str) -> str:
    """The value of a variable without what looks random; nothing of it if the name says so."""
    words = name.upper().split("_")
    telling = any(map(SECRET_WORDS.fullmatch, words)) and not HARMLESS_ENDINGS.fullmatch(words[-1])
    if value and telling and name.upper() not in HARMLESS_NAMES:
        return STAND_IN
    return _PIECE.sub(lambda match: STAND_IN if looks_random(match[0]) else match[0], value)


def looks_random(piece: str) -> bool:
    """Whether a word could be a key: long, without the rhythm of words, and no path."""
    if piece.count("/") > len(piece) / SHORTEST_RANDOM + 1 or piece.startswith("/"):
        return False
    bare = piece.rstrip("=")
    if re.fullmatch(r"(?i)[0-9a-f-]+", bare):
        digits = bare.replace("-", "")
        return len(digits) >= SHORTEST_HEX and not digits.isdigit() and not digits.isalpha()
    kinds = (str.isupper, str.islower, str.isdigit)
    mixed = all(any(map(kind, bare)) for kind in kinds)
    return len(bare) >= SHORTEST_RANDOM and mixed and _bits(bare) >= LEAST_BITS_PER_CHARACTER


def _bits(text: str) -> float:
    """The entropy of its characters."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)


def _hide_user(match: re.Match[str]) -> str:
    scheme, user = match[1], match[2]
    harmless = "ssh" in scheme.lower() and user == "git"
    return match[0] if harmless else f"{scheme}<credentials>@"


def _hide_named(match: re.Match[str]) -> str:
    return match[0] if match[2].isdigit() or match[2] == STAND_IN else f"{match[1]}{STAND_IN}"
