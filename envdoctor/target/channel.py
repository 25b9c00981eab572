"""A conversation with a worker: start it, ask, and turn every ending into an outcome."""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import ExitStack, contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from envdoctor.child import protocol
from envdoctor.model.outcome import Outcome, Status
from envdoctor.target.process import Child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection

POLL_SECONDS = 0.2
STOP_SECONDS = 10.0
SHORT_FOLDER = "/tmp"  # noqa: S108  a private folder is made in it
"""Where a socket lies if the path of the temporary folder is too long for its name."""


class WorkerEnded(Exception):
    """The worker cannot go on; the outcome says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@contextmanager
def _listening(key: bytes) -> Iterator[Listener]:
    """A private address for one worker.

    The name of a Unix socket has at most 108 bytes (unix(7)), and a temporary folder may lie deep.
    """
    with ExitStack() as stack:
        try:
            listener = Listener(authkey=key)
        except OSError:
            folder = TemporaryDirectory(prefix="envdoctor-", dir=SHORT_FOLDER)
            listener = Listener(str(Path(stack.enter_context(folder)) / "worker"), authkey=key)
        stack.callback(listener.close)
        yield listener


class Channel:
    """One worker and the private connection to it.

    A context manager; leaving it kills the group.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        seconds: float,
    ) -> None:
        """Start the worker and wait for its hello.

        Args:
            command: the interpreter and the script; the address is appended.
            environment: all of its variables, but the key.
            log: where its output goes.
            seconds: the time limit of each request.

        Raises:
            WorkerEnded: it ended, or did not connect in time.
        """
        self._seconds = seconds
        self._connection: Connection | None = None
        key = secrets.token_bytes(32)
        with _listening(key) as listener:
            self.child = _start(
                [*command, str(listener.address)],
                {**environment, "ENVDOCTOR_KEY": key.hex()},
                log,
            )
            try:
                self._connection = self._accept(listener, key)
                self.hello = self._receive("start")
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            WorkerEnded: the worker answered with an error, died, or took too long.
        """
        assert self._connection is not None
        try:
            protocol.send(self._connection, {"request": request, **arguments})
        except OSError:
            raise self._died(request) from None
        return self._receive(request)

    def stop(self) -> None:
        """Let the worker end in good order, then make sure of it."""
        if self._connection is not None and not self.child.ended():
            try:
                protocol.send(self._connection, {"request": "stop"})
                self.child.wait(STOP_SECONDS)
            except OSError:
                pass
        self.close()

    def close(self) -> None:
        """Kill the group and close the connection."""
        self.child.kill()
        if self._connection is not None:
            self._connection.close()

    def _accept(self, listener: Listener, key: bytes) -> Connection:
        """Wait for the worker to connect, watching that it lives: `accept` alone waits for ever."""
        accepted: list[Connection] = []

        def accept() -> None:
            try:
                accepted.append(listener.accept())
            except (OSError, EOFError, AuthenticationError):
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        deadline = time.monotonic() + self._seconds
        while thread.is_alive() and not self.child.ended() and time.monotonic() < deadline:
            thread.join(POLL_SECONDS)
        if not accepted and thread.is_alive():
            self._release(listener, key)
            thread.join(STOP_SECONDS)
            raise self._died("start") if self.child.ended() else self._late("start")
        if not accepted:
            raise self._died("start")
        return accepted[0]

    @staticmethod
    def _release(listener: Listener, key: bytes) -> None:
        """Connect to ourselves, so that the accepting thread comes back."""
        try:
            Client(listener.address, authkey=key).close()
        except (OSError, EOFError, AuthenticationError):
            return

    def _receive(self, request: str) -> dict[str, Any]:
        assert self._connection is not None
        deadline = time.monotonic() + self._seconds
        try:
            # A child of the worker may hold the connection open after the worker's death, so the
            # end of the file is not enough to know of it.
            while not self._connection.poll(POLL_SECONDS):
                if self.child.ended() and not self._connection.poll(0):
                    raise self._died(request)
                if time.monotonic() > deadline:
                    raise self._late(request)
            answer = self._read(request, deadline)
        except (EOFError, OSError):
            raise self._died(request) from None
        if isinstance(answer.get("error"), dict):
            raise WorkerEnded(_failure(answer["error"]))
        if not isinstance(answer.get("ok"), dict):
            raise self._garbled(request)
        return dict(answer["ok"])

    def _read(self, request: str, deadline: float) -> dict[str, Any]:
        """Read an answer that has begun. A worker may stall in the middle of it: at the limit the
        group is killed, which ends the reading.
        """
        assert self._connection is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            self.child.kill()

        timer = threading.Timer(max(0.0, deadline - time.monotonic()), end)
        timer.start()
        try:
            return protocol.receive(self._connection)
        except ValueError:
            raise self._garbled(request) from None
        except (EOFError, OSError):
            if late.is_set():
                raise self._late(request) from None
            raise
        finally:
            timer.cancel()

    def _garbled(self, request: str) -> WorkerEnded:
        self.child.kill()
        return WorkerEnded(
            Outcome(
                status="failed",
                reason=f"the worker's answer to `{request}` is no message.",
                details=self.child.log_tail(),
            )
        )

    def _late(self, request: str) -> WorkerEnded:
        self.child.kill()
        return WorkerEnded(
            Outcome(
                status="timed_out",
                reason=f"no answer to `{request}` within {self._seconds:g} s; it was stopped.",
                hint="Give it more time with --worker-timeout.",
                details=self.child.log_tail(),
            )
        )

    def _died(self, request: str) -> WorkerEnded:
        closed_only = not self.child.wait(POLL_SECONDS)
        out_of_memory = self.child.killed_from_outside
        ending = "closed its connection" if closed_only else self.child.ending()
        reason = f"the worker {ending} during `{request}`"
        if out_of_memory:
            reason += ", most likely because memory ran out"
        self.child.kill()
        return WorkerEnded(
            Outcome(
                status="out_of_memory" if out_of_memory else "crashed",
                reason=f"{reason}.",
                details=self.child.log_tail(),
            )
        )


def _start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
    try:
        return Child(command, environment, log)
    except OSError as error:
        reason = f"{command[0]} cannot be started ({error.strerror})."
        raise WorkerEnded(Outcome(status="failed", reason=reason)) from error


def _failure(error: Mapping[str, str]) -> Outcome:
    text, kind = _first_line(error.get("text", "")), error.get("kind", "an error")
    if error.get("status") == "unsupported":
        return Outcome(status="unsupported", reason=text)
    status: Status = "out_of_memory" if error.get("status") == "out_of_memory" else "failed"
    reason = f"{kind}: {text}" if text else kind
    return Outcome(status=status, reason=reason, details=error.get("traceback", ""))


def _first_line(text: str) -> str:
    lines = text.splitlines()
    return lines[0][:300] if lines else ""
