"""Messages between the core and a worker: JSON objects over a `multiprocessing` connection.

Arrays never travel here; they lie in `.npz` files in the run's private folder.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LARGEST_MESSAGE_BYTES = 16_000_000
"""More than any honest message; a larger one is refused by the connection."""


def send(connection: Connection, message: Dict[str, Any]) -> None:
    """Send one message. NaN and infinity are refused: a loss that is one is sent as text."""
    connection.send_bytes(json.dumps(message, allow_nan=False).encode("utf-8"))


def receive(connection: Connection) -> Dict[str, Any]:
    """Wait for the next message.

    Raises:
        EOFError: the other side is gone.
        ValueError: what came is no JSON object.
    """
    message = json.loads(connection.recv_bytes(LARGEST_MESSAGE_BYTES).decode("utf-8"))
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object")  # noqa: TRY004  bad content, not a bug
    return message


def number(value: float) -> Any:
    """A float as JSON can carry it: itself, or the text `nan`, `inf` or `-inf`."""
    return value if value == value and abs(value) != float("inf") else str(value)  # noqa: PLR0124
