"""Whether a framework meets the needs, by the facts; what no page says is unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs
from packaging.version import Version

from envdoctor.checks.compat_table import table
from envdoctor.choose.records import Judged, Reason, Source
from envdoctor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envdoctor.choose.data import Fact, Facts, Framework
    from envdoctor.choose.data import Python as PythonRange
    from envdoctor.choose.records import Answer

PYTHON = "python"
_PYTHON = re.compile(r"python=(3\.\d{1,2})")
_BEST: tuple[Answer, ...] = ("yes", "partly", "unknown", "no")
_TABLES = {"torch": "torch", "tensorflow": "tensorflow", "jax": "jaxlib"}
"""The frameworks whose Python versions the doctor's own table knows, by the name it has there."""
TABLE = "envdoctor's table of compatibility"


@dataclass(frozen=True)
class Needs:
    """What is asked for."""

    names: tuple[str, ...] = ()
    """In the order given, without `python=`."""
    python: str = ""
    """`3.14`."""

    @property
    def texts(self) -> tuple[str, ...]:
        """As the user wrote them."""
        return (*self.names, *([f"{PYTHON}={self.python}"] if self.python else []))


def parse(texts: Sequence[str], facts: Facts) -> Needs:
    """The needs that the words mean.

    Raises:
        InputError: one that nobody knows, or two versions of Python.
    """
    known = [need.name for need in facts.needs]
    names: list[str] = []
    pythons: list[str] = []
    for text in texts:
        match = _PYTHON.fullmatch(text)
        if match:
            pythons.append(match[1])
        elif text in known:
            names.append(text)
        else:
            raise InputError(
                f"there is no need called `{text}`.", f"Known: {', '.join(known)}, python=3.14."
            )
    if len(set(pythons)) > 1:
        raise InputError("only one version of Python can be needed.", f"{', '.join(pythons)}.")
    return Needs(tuple(dict.fromkeys(names)), pythons[0] if pythons else "")


def judge(framework: Framework, needs: Needs, facts: Facts) -> tuple[Judged, ...]:
    """The answer to each need."""
    judged = [_judge(framework, name, needs, facts) for name in needs.names]
    if needs.python:
        judged.append(_judge_python(framework, needs.python, facts))
    return tuple(judged)


def _judge(framework: Framework, name: str, needs: Needs, facts: Facts) -> Judged:
    """By the framework's own facts, or by those of what it runs on."""
    own = [
        fact
        for fact in facts.facts
        if (fact.framework, fact.need) == (framework.name, name)
        and fact.with_ in {"", *needs.names}
    ]
    if own:
        # A fact that holds where both needs are asked for says more than one about the need alone.
        fact = max(own, key=lambda each: bool(each.with_))
        return Judged(need=name, answer=fact.answer, reason=_told(fact))
    need = next(each for each in facts.needs if each.name == name)
    if not (need.derived and framework.through):
        return Judged(need=name, answer="unknown")
    others = [
        (base, _judge(facts.framework(base), name, needs, facts)) for base in framework.through
    ]
    return _through(others)


def _through(others: list[tuple[str, Judged]]) -> Judged:
    """The best answer of what a framework runs on: it can be told to run on that one."""
    base, best = min(others, key=lambda pair: _BEST.index(pair[1].answer))
    if best.reason is None:
        return best
    source = structs.replace(best.reason.source, confidence="medium")
    reason = Reason(text=f"through {base}: {best.reason.text}", source=source)
    return structs.replace(best, reason=reason)


def _told(fact: Fact) -> Reason:
    return Reason(text=fact.says, source=_source(fact))


def _source(fact: Fact | PythonRange) -> Source:
    return Source(kind="fact", where=fact.source, seen=fact.seen, confidence=fact.confidence)


def _judge_python(framework: Framework, python: str, facts: Facts) -> Judged:
    """Whether there is a build for a Python, of the framework and of what it runs on."""
    own = _python_of(framework.name, python, facts)
    if not framework.through or own.answer == "no":
        return own
    others = [
        (base, _judge_python(facts.framework(base), python, facts)) for base in framework.through
    ]
    below = _through(others)
    return below if _BEST.index(below.answer) >= _BEST.index(own.answer) else own


def _python_of(name: str, python: str, facts: Facts) -> Judged:
    need = f"{PYTHON}={python}"
    if name in _TABLES:
        return _by_table(name, python)
    found = next((each for each in facts.pythons if each.framework == name), None)
    if found is None or Version(python) < Version(found.oldest):
        return Judged(need=need, answer="unknown")
    reason = Reason(
        text=f"builds for Python {found.oldest} to {found.newest}", source=_source(found)
    )
    new = Version(python) > Version(found.newest)
    return Judged(need=need, answer="no" if new else "yes", reason=reason)


def _by_table(name: str, python: str) -> Judged:
    need, rows = f"{PYTHON}={python}", table()["python_wheels"][_TABLES[name]]
    source = Source(kind="fact", where=TABLE, seen=table()["valid_as_of"], confidence="high")
    if python not in rows:
        return Judged(need=need, answer="unknown")
    wheels = rows[python]
    if wheels is None:
        text = f"no release of {name} has a build for Python {python}"
        return Judged(need=need, answer="no", reason=Reason(text=text, source=source))
    text = f"the newest release with a build for Python {python} is {wheels['newest']}"
    return Judged(need=need, answer="yes", reason=Reason(text=text, source=source))
