"""A `Trainer.fit` that goes on in a thread of its own, one step for each order.

Lightning's loop calls us, and the caller of a trainer calls it: the loop runs in a thread, as long
as the trainer lives. Orders are queued, so that within a block of steps nobody waits for another.
"""

from __future__ import annotations

import weakref
from threading import Thread
from typing import TYPE_CHECKING, Any, Mapping

from lightning.pytorch import Trainer

if TYPE_CHECKING:
    from torch import Tensor

    from envdoctor_lightning.feed import Feed
    from envdoctor_lightning.module import Step

LOOK_SECONDS = 1.0
"""How often a wait looks whether the thread is still there."""


class Fit:
    """A running `fit`; it ends when nobody holds it any more."""

    def __init__(self, module: Step, feed: Feed, options: Mapping[str, Any]) -> None:
        """Start it.

        Args:
            module: what is trained, with its training set.
            feed: the batches, which the module knows too.
            options: device and precision, for Lightning's Trainer.
        """
        self._feed = feed
        self._thread = Thread(target=_run, args=(module, feed, options), daemon=True)
        self._thread.start()
        weakref.finalize(self, feed.close)

    def step(self, rows: Tensor, *, updates: bool = True) -> None:
        """Order a step; returns at once."""
        self._feed.order(rows, updates=updates)

    def wait(self) -> None:
        """Return when every step that was ordered is done; raises what ended the `fit`."""
        done = self._feed.mark()
        while not done.wait(LOOK_SECONDS):
            if not self._thread.is_alive():
                raise self._feed.failure or RuntimeError("Lightning's fit has ended by itself")


def _run(module: Step, feed: Feed, options: Mapping[str, Any]) -> None:
    """Fit until the feed is closed. It must not hold the `Fit`, whose end closes the feed."""
    try:
        trainer = Trainer(barebones=True, max_epochs=1, **options)
        trainer.fit(module, train_dataloaders=feed)
    except BaseException as error:  # noqa: BLE001  whoever waits raises it
        feed.failure = error
