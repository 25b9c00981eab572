from __future__ import annotations

import json
import math
from multiprocessing import Pipe

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envdoctor.child import protocol

FEW = settings(max_examples=50)

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


class Tape:
    """A connection to itself."""

    def __init__(self):
        self.messages = []

    def send_bytes(self, data):
        self.messages.append(data)

    def recv_bytes(self, limit):
        return self.messages.pop(0)


@FEW
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), PLAIN))
def test_a_message_arrives_as_it_was_sent(message):
    tape = Tape()
    protocol.send(tape, message)
    assert protocol.receive(tape) == json.loads(json.dumps(message)) == message


def test_messages_keep_their_order_through_a_real_connection():
    here, there = Pipe()
    with here, there:
        for number in range(3):
            protocol.send(here, {"number": number})
        assert [protocol.receive(there)["number"] for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value):
    tape = Tape()
    with pytest.raises(ValueError, match="not JSON compliant"):
        protocol.send(tape, {"loss": [value]})
    assert tape.messages == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"3", b"null", b"\xff"])
def test_what_is_no_object_is_refused(data):
    tape = Tape()
    tape.send_bytes(data)
    with pytest.raises(ValueError):  # noqa: PT011  three kinds of bad content, one type
        protocol.receive(tape)


def test_the_end_of_the_other_side_is_seen():
    here, there = Pipe()
    there.close()
    with here, pytest.raises(EOFError):
        protocol.receive(here)


def test_a_message_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(protocol, "LARGEST_MESSAGE_BYTES", 10)
    here, there = Pipe()
    with here, there:
        protocol.send(here, {"text": "x" * 100})
        with pytest.raises(OSError, match="bad message length"):
            protocol.receive(there)


@FEW
@given(st.floats())
def test_a_loss_survives_the_way_whatever_it_is(value):
    tape = Tape()
    protocol.send(tape, {"loss": protocol.number(value)})
    back = float(protocol.receive(tape)["loss"])
    assert back == value or (math.isnan(back) and math.isnan(value))
