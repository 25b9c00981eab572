"""Conversations with real children, each with one habit."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from multiprocessing import current_process
from pathlib import Path

import pytest

from envdoctor.target import channel as channel_module
from envdoctor.target.channel import Channel, WorkerEnded

PRELUDE = """
import os, signal, struct, sys, time
from multiprocessing.connection import Client
from envdoctor.child import protocol

def connect(key=os.environ["ENVDOCTOR_KEY"]):
    return Client(sys.argv[1], authkey=bytes.fromhex(key))

def say(answer):
    protocol.send(core, {"ok": answer})

def hear():
    return protocol.receive(core)
"""
GREET = """
core = connect()
say({"pid": os.getpid()})
"""
LONGEST_NAME_BYTES = 108
"""Of a Unix socket: unix(7)."""
FOR_EVER = "time.sleep(600)\n"


@pytest.fixture
def open_channel(tmp_path, mark):
    """Starts a child that does this after the prelude; it is gone when the test is over."""
    opened = []

    def begin(script, seconds=280.0):
        channel = Channel(
            [sys.executable, "-c", PRELUDE + script],
            {**os.environ, **mark.variables},
            tmp_path / "log",
            seconds,
        )
        opened.append(channel)
        return channel

    yield begin
    for channel in opened:
        channel.close()


@pytest.fixture
def greeted(open_channel):
    """The same, after a proper hello."""
    return lambda script: open_channel(GREET + script)


def ending_of(act):
    with pytest.raises(WorkerEnded) as caught:
        act()
    return caught.value.outcome


def test_a_request_is_answered(greeted):
    channel = greeted("say(hear())")
    assert channel.hello["pid"] == channel.child.pid
    assert channel.ask("weigh", grams=3) == {"request": "weigh", "grams": 3}


def test_a_late_hello_is_heard(open_channel):
    channel = open_channel(
        f"time.sleep(0.5); core = connect(); time.sleep(0.5); say({{}}); {FOR_EVER}"
    )
    assert channel.hello == {}


@pytest.mark.parametrize("script", [FOR_EVER, f"core = connect(); {FOR_EVER}"])
def test_no_hello_ends_at_the_limit(open_channel, mark, script):
    outcome = ending_of(lambda: open_channel(script, seconds=1.0))
    assert outcome.status == "timed_out"
    assert "no answer to `start` within 1 s" in outcome.reason
    assert mark.survivors() == []


@pytest.mark.parametrize("script", ["sys.exit(3)", "core = connect(); sys.exit(3)"])
def test_a_death_before_the_hello_is_seen_at_once(open_channel, script):
    outcome = ending_of(lambda: open_channel(script))
    assert outcome.status == "crashed"
    assert outcome.reason == "the worker ended by itself with exit code 3 during `start`."


def test_the_last_words_of_the_dead_are_kept(open_channel):
    outcome = ending_of(lambda: open_channel("sys.exit('no such device')"))
    assert outcome.details == "no such device"


def test_a_program_that_cannot_be_started_is_an_ending(tmp_path):
    outcome = ending_of(lambda: Channel([str(tmp_path / "gone")], {}, tmp_path / "log", 5.0))
    assert outcome.status == "failed"


def test_a_wrong_key_is_refused(open_channel, mark):
    outcome = ending_of(lambda: open_channel(f"connect('00' * 32); {FOR_EVER}"))
    assert outcome.status == "crashed"
    assert mark.survivors() == []


def test_the_key_is_not_in_the_command_line(greeted):
    process = Path("/proc") / str(greeted(FOR_EVER).child.pid)
    (key,) = re.findall(r"ENVDOCTOR_KEY=(\w{64})", (process / "environ").read_text())
    assert key not in (process / "cmdline").read_text()


def test_a_death_during_a_request_names_the_signal(greeted):
    channel = greeted("hear(); os.kill(os.getpid(), signal.SIGBUS)")
    outcome = ending_of(lambda: channel.ask("step"))
    assert outcome.status == "crashed"
    assert outcome.reason == "the worker was killed by SIGBUS (bus error) during `step`."


def test_a_death_between_requests_is_seen_at_the_next_one(greeted):
    channel = greeted("os._exit(7)")
    assert channel.child.wait(30.0)
    outcome = ending_of(lambda: channel.ask("step"))
    assert outcome.reason == "the worker ended by itself with exit code 7 during `step`."


def test_a_kill_from_outside_is_taken_for_the_end_of_memory(greeted):
    channel = greeted("hear(); os.kill(os.getpid(), signal.SIGKILL)")
    outcome = ending_of(lambda: channel.ask("step"))
    assert outcome.status == "out_of_memory"
    assert "most likely because memory ran out" in outcome.reason


def test_a_death_is_seen_though_a_grandchild_holds_the_connection(greeted, mark):
    channel = greeted(
        f"hear()\nif os.fork() == 0: {FOR_EVER}\nos.kill(os.getpid(), signal.SIGSEGV)"
    )
    outcome = ending_of(lambda: channel.ask("step"))
    assert "SIGSEGV" in outcome.reason
    assert mark.survivors() == []


def test_an_answer_that_was_sent_before_death_is_heard(greeted):
    channel = greeted("hear(); say({'last': 1}); os._exit(1)")
    assert channel.ask("step") == {"last": 1}


def test_a_hang_ends_at_the_limit(greeted, mark):
    channel = greeted(f"signal.signal(signal.SIGTERM, signal.SIG_IGN); hear(); {FOR_EVER}")
    channel._seconds = 0.5
    outcome = ending_of(lambda: channel.ask("step"))
    assert outcome.status == "timed_out"
    assert outcome.reason == "no answer to `step` within 0.5 s; it was stopped."
    assert mark.survivors() == []


def test_a_stopped_process_ends_at_the_limit(greeted, mark):
    channel = greeted("hear(); os.kill(os.getpid(), signal.SIGSTOP)")
    channel._seconds = 0.5
    assert ending_of(lambda: channel.ask("step")).status == "timed_out"
    assert mark.survivors() == []


@pytest.mark.timeout(120)
def test_half_an_answer_ends_at_the_limit(greeted):
    channel = greeted(
        f"hear(); os.write(core.fileno(), struct.pack('!i', 100) + b'abc'); {FOR_EVER}"
    )
    channel._seconds = 0.5
    assert ending_of(lambda: channel.ask("step")).status == "timed_out"


def test_megabytes_of_chatter_block_nobody(greeted):
    channel = greeted(
        "hear(); print('x' * 8_000_000); print('last words'); sys.stdout.flush(); say({})"
    )
    assert channel.ask("step") == {}
    assert channel.child.log_tail().endswith("last words")
    assert len(channel.child.log_tail()) <= 4000


@pytest.mark.parametrize("rubbish", ["b'no json'", "b'[]'", "b'{}'", "b'\\xff'", "b'{\"ok\": 1}'"])
def test_rubbish_is_an_ending(greeted, mark, rubbish):
    channel = greeted(f"hear(); core.send_bytes({rubbish}); {FOR_EVER}")
    assert ending_of(lambda: channel.ask("step")).status in {"failed", "crashed"}


def test_an_answer_beyond_all_measure_is_an_ending(greeted):
    channel = greeted(
        f"hear(); core.send_bytes(bytes(protocol.LARGEST_MESSAGE_BYTES + 1)); {FOR_EVER}"
    )
    assert ending_of(lambda: channel.ask("step")).status in {"failed", "crashed"}


def test_a_closed_connection_is_an_ending_though_the_process_lives(greeted, mark):
    channel = greeted(f"hear(); core.close(); {FOR_EVER}")
    outcome = ending_of(lambda: channel.ask("step"))
    assert outcome.status == "crashed"
    assert "connection" in outcome.reason
    assert mark.survivors() == []


def test_stop_lets_the_worker_end_by_itself(greeted):
    channel = greeted("hear(); sys.exit(0)")
    channel.stop()
    assert channel.child.ending() == "ended by itself with exit code 0"


def test_stop_ends_a_worker_that_does_not_listen(greeted, mark, monkeypatch):
    monkeypatch.setattr(channel_module, "STOP_SECONDS", 0.2)
    greeted(FOR_EVER).stop()
    assert mark.survivors() == []


def test_leaving_the_context_ends_the_child(greeted, mark):
    with pytest.raises(KeyboardInterrupt), greeted(FOR_EVER):
        raise KeyboardInterrupt
    assert mark.survivors() == []


def test_an_interruption_while_waiting_for_the_hello_ends_the_child(
    open_channel, mark, monkeypatch
):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Channel, "_receive", lambda *_: interrupt(0))
    with pytest.raises(KeyboardInterrupt):
        open_channel(GREET + FOR_EVER)
    assert mark.survivors() == []


def test_the_limit_counts_from_each_request(greeted):
    channel = greeted("\nwhile True: hear(); time.sleep(0.4); say({})")
    channel._seconds = 6.0
    begun = time.monotonic()
    while time.monotonic() - begun < 6.5:
        channel.ask("step")


def test_a_temporary_folder_may_lie_deeper_than_a_socket_can_be_named(
    greeted, tmp_path, monkeypatch
):
    deep = tmp_path / ("d" * LONGEST_NAME_BYTES)
    deep.mkdir()
    # Where `multiprocessing` has put its sockets since the first one of this process.
    monkeypatch.setitem(current_process()._config, "tempdir", str(deep))
    # A short folder of its own, because tests beside this one use the common one.
    with tempfile.TemporaryDirectory(dir=channel_module.SHORT_FOLDER) as short:
        monkeypatch.setattr(channel_module, "SHORT_FOLDER", short)
        channel = greeted("hear()\nsay({'seen': 1})\n" + FOR_EVER)
        assert channel.ask("anything") == {"seen": 1}
        assert not list(Path(short).iterdir())
