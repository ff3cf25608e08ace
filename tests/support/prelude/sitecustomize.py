"""Faults for real programs: Python that a program of ours runs before its own, by its module's name.

Tests put this directory into PYTHONPATH and the code into TAPEROOM_TEST_PRELUDES, a JSON object such as
``{"core.taper": "…"}``.  Programs that it does not name are left alone.
"""

import json
import os
import sys

for _module, _code in json.loads(os.environ.get("TAPEROOM_TEST_PRELUDES", "{}")).items():
    if _module in sys.orig_argv:
        exec(_code, {"__name__": "prelude"})
