"""Work that nobody times, in a few lanes side by side, with a word from each lane as it goes."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from envdoctor.bench.events import Doing
from envdoctor.target.process import kill_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

POLL_SECONDS = 0.1


class Lanes:
    """Threads that take tasks one after another. Closing the iterator ends every child.

    The threads live until all tasks are done: a child dies with the thread that started it.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._cancelled = threading.Event()
        self._errors: queue.Queue[BaseException] = queue.Queue()
        self._words: queue.Queue[str] = queue.Queue()

    @property
    def cancelled(self) -> bool:
        """Whether a task should begin nothing new."""
        return self._cancelled.is_set()

    def say(self, what: str) -> None:
        """Tell what a task is at."""
        self._words.put(what)

    def run(self, tasks: Sequence[Callable[[], None]], pieces: int) -> Iterator[Doing]:
        """Do all tasks; raises what one of them raised, after all have ended.

        Args:
            tasks: each is called in one of the lanes.
            pieces: how many words are expected in all, which is what progress is counted in.
        """
        waiting: queue.Queue[Callable[[], None]] = queue.Queue()
        for task in tasks:
            waiting.put(task)
        threads = [
            threading.Thread(target=self._work, args=(waiting,), daemon=True)
            for _ in range(min(self._count, len(tasks)))
        ]
        for thread in threads:
            thread.start()
        try:
            yield from self._listen(threads, pieces)
        finally:
            self._end(threads)
        if not self._errors.empty():
            raise self._errors.get()

    def _work(self, waiting: queue.Queue[Callable[[], None]]) -> None:
        while not self.cancelled:
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                break
            try:
                task()
            except BaseException as error:  # noqa: BLE001  raised again where it is waited for
                self._errors.put(error)
                self._cancelled.set()

    def _listen(self, threads: Sequence[threading.Thread], pieces: int) -> Iterator[Doing]:
        said = 0
        while any(thread.is_alive() for thread in threads):
            try:
                what = self._words.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            # The word comes when a piece begins, so those before it are done.
            yield Doing(what, min(1.0, max(0, said - self._count + 1) / max(1, pieces)))
            said += 1

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        """Wait for the lanes; if they were left in mid-work, by ending what they wait for."""
        interrupted = any(thread.is_alive() for thread in threads)
        if interrupted:
            self._cancelled.set()
        for thread in threads:
            while thread.is_alive():
                if interrupted:
                    kill_all()
                thread.join(POLL_SECONDS)
