"""Starts the inspection: a script that lies in the private folder, beside a copy of the rest.

python start.py ANSWER_FILE CURRENT_FOLDER MODULE...
"""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH100, PTH119, PTH120

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    private = os.path.dirname(os.path.abspath(__file__))
    library = os.path.dirname(os.__file__)
    if sys.path[:1] == [private]:  # not so where PYTHONSAFEPATH is set
        del sys.path[0]
    entries = list(sys.path)
    # Only what lies in the standard library is imported: a `json.py` on the path of the user is
    # something to report, not something to stumble over.
    sys.path[:] = [private] + [
        entry
        for entry in entries
        if entry == library or os.path.basename(entry) in {"lib-dynload", "DLLs"}
    ]
    from envdoctor.child.inspection.report import write

    sys.path[:] = entries
    sys.path_importer_cache.pop(private, None)
    write(sys.argv[1], sys.argv[2], sys.argv[3:])
