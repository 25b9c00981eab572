"""The batches that a running `fit` trains on, as they are ordered."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Iterator, Optional, Tuple, Union

if TYPE_CHECKING:
    from torch import Tensor

    Order = Union[Tuple[Tensor, bool], Event, None]

ENDLESS = 1 << 40


class Feed:
    """A loader that waits for orders, and yields the rows of a batch on the device.

    It claims a length, because Lightning would fetch one batch ahead of a loader that has none,
    and the latest step would wait for the next order.
    """

    def __init__(self) -> None:
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self.updates = True
        """Whether the latest batch is to change the parameters."""
        self.failure: Optional[BaseException] = None
        """What ended the `fit`."""

    def __len__(self) -> int:
        """More batches than will ever be ordered."""
        return ENDLESS

    def __iter__(self) -> Iterator[Tensor]:
        """The rows of each batch, until the feed is closed; asked for when a step is done."""
        while True:
            order = self._orders.get()
            if order is None:
                return
            if isinstance(order, Event):
                order.set()
                continue
            rows, self.updates = order
            yield rows

    def order(self, rows: Tensor, *, updates: bool) -> None:
        """Order a step on the batch with these rows of the training set."""
        self._orders.put((rows, updates))

    def mark(self) -> Event:
        """An event that is set when everything ordered before is done."""
        event = Event()
        self._orders.put(event)
        return event

    def close(self) -> None:
        """Order the end."""
        self._orders.put(None)
