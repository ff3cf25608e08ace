"""`python -P -m core.taper CONFIG STORAGE`: writes dumps to the volumes of one storage.

stdin and stdout are the driver's pipe (`core.protocol.taper`), stderr is free text.  One taper at a time holds the
changer of a storage.  Exit code 0 after QUIT, end of input or SIGTERM; 2 for a wrong configuration.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from core.errors import TaperoomError, UsageError
from core.lossy import lose_what_cannot_be_said
from core.model.site import Site, Storage
from core.taper.pipe import Pipe, wake_on_sigterm
from core.taper.scribe import Scribe, protected_by_catalogue
from core.taper.service import Service


def main(argv: list[str] | None = None) -> int:
    """Run the taper; its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if len(words) != 2:
        print("usage: python -P -m core.taper CONFIG STORAGE", file=sys.stderr)
        return 2
    from core.config.load import load_site

    try:
        site = load_site(Path(words[0]))
        scribe = Scribe(site, storage_of(site, words[1]), protected_by_catalogue)
    except TaperoomError as fault:
        print(f"taper: {fault}", file=sys.stderr)
        return fault.exit_code
    gc.freeze()  # what was imported stays; collections need not look at it
    Service(Pipe(wake=wake_on_sigterm()), scribe).run()
    return 0


def storage_of(site: Site, name: str) -> Storage:
    """The storage of that name.  UsageError TAP001."""
    storage = site.storages.get(name)
    if storage is None:
        raise UsageError("TAP001", f"there is no storage {name}", f"the configuration has {', '.join(site.storages)}")
    return storage


if __name__ == "__main__":
    lose_what_cannot_be_said()
    sys.exit(main())
