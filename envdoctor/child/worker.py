"""The worker: answers the core's requests until it is told to stop or the core is gone.

Whatever the framework raises becomes an answer; whatever kills the process is seen by the core.
"""

from __future__ import annotations

import os
import platform
import traceback
from multiprocessing.connection import Client
from typing import TYPE_CHECKING, Any, Callable, Dict

from envdoctor.child import protocol
from envdoctor.child.memory import read_memory

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_OUT_OF_MEMORY = (
    "out of memory", "outofmemory", "resource_exhausted", "cannot allocate memory",
    "status_alloc_failed",
)  # fmt: skip
"""Words of every framework; the last are of cuBLAS and cuDNN, which take memory of their own."""


def main(address: str, key: bytes) -> int:
    """Connect to the core and serve it; returns the exit code."""
    with Client(address, authkey=key) as connection:
        protocol.send(
            connection,
            {
                "ok": {
                    "pid": os.getpid(),
                    "python": platform.python_version(),
                    "memory": read_memory(),
                }
            },
        )
        try:
            serve(connection)
        except (EOFError, ConnectionError):
            return 1  # the core is gone; there is nobody to tell
    return 0


def serve(connection: Connection) -> None:
    """Answer requests until `stop`."""
    handlers: Dict[str, Callable[..., Dict[str, Any]]] = {}
    while True:
        message = protocol.receive(connection)
        name = str(message.pop("request"))
        if name == "stop":
            protocol.send(connection, {"ok": {}})
            return
        protocol.send(connection, _answer(handlers, name, message))


def _answer(
    handlers: Dict[str, Callable[..., Dict[str, Any]]], name: str, arguments: Dict[str, Any]
) -> Dict[str, Any]:
    try:
        if not handlers:
            handlers.update(_load_handlers())
        return {"ok": handlers[name](**arguments)}
    except BaseException as error:  # noqa: BLE001  a framework may raise anything, SystemExit too
        return {"error": _describe(error)}


def _load_handlers() -> Dict[str, Callable[..., Dict[str, Any]]]:
    """The session's requests; here, because it imports NumPy, which may be what is broken."""
    from envdoctor.child.session import Session

    return Session().handlers()


def _describe(error: BaseException) -> Dict[str, Any]:
    text = str(error).strip()
    lowered = f"{type(error).__name__} {text}".lower()
    if type(error).__name__ == "Unsupported":
        status = "unsupported"
    elif isinstance(error, MemoryError) or any(word in lowered for word in _OUT_OF_MEMORY):
        status = "out_of_memory"
    else:
        status = "failed"
    return {
        "status": status,
        "kind": type(error).__name__,
        "text": text[:2000],
        "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__))[
            -8000:
        ],
    }
