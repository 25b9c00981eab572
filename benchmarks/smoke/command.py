"""The command line of envdoctor from a checkout that is not installed.

By `sys.path` and not by PYTHONPATH, which the children would inherit and `check` would see.
Its first argument is the folder with the metadata of the plugins.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # The first entry is the folder of this script, which is nobody's affair.
    _, metadata, *sources = sys.argv[: sys.argv.index("--")]
    sys.argv[1 : sys.argv.index("--") + 1] = []
    sys.path[0:1] = [*sources, metadata]
    from envdoctor.cli import run

    run()


if __name__ == "__main__":
    main()
