"""``python -P -m clientd`` is amandad."""

from __future__ import annotations

import sys

from clientd.amandad import main

if __name__ == "__main__":
    sys.exit(main())
