"""A framework whose library aborts on load, as one built for another processor does."""

from __future__ import annotations

import os
import signal

os.kill(os.getpid(), signal.SIGILL)
