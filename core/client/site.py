"""Which configuration a state directory belongs to: the console knows the directory, everything beyond a run needs the site.

Promises to give a site only if its ``state_dir`` is the one that was asked for.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.client.runs import list_runs, view_of
from core.errors import TaperoomError, UsageError
from core.model.site import Site

_BACK = 5
"""So many runs are asked for their configuration."""


def open_site(state_dir: Path, config: str = "") -> Site:
    """The site whose state is in ``state_dir``: by ``config``, ``TAPEROOM_CONFIG``, or what its last runs say.

    UsageError CFG001 when none of them leads to it, or the one that ``config`` names is faulty (CFG002, CFG003).
    """
    from core.config.load import load_site

    if config:
        return load_site(Path(config))
    named = os.environ.get("TAPEROOM_CONFIG", "")
    tried: list[str] = []
    for name in filter(None, [named, *_named_by_runs(state_dir)]):
        if name in tried:
            continue
        tried.append(name)
        try:
            site = load_site(Path(name))
        except TaperoomError:
            continue
        if site.state_dir.resolve() == state_dir.resolve():
            return site
    from core.client.bundle import cache_dir

    if state_dir.resolve().is_relative_to(cache_dir().resolve()):
        raise UsageError("CFG001", "only this run is here, from an exported file; its site is elsewhere",
                         "look at the rest of it where it was backed up")
    looked = f"; tried {', '.join(tried)}" if tried else ""
    raise UsageError("CFG001", f"no configuration was found whose state is in {state_dir}{looked}",
                     "name one with --config FILE or in TAPEROOM_CONFIG")


def _named_by_runs(state_dir: Path) -> list[str]:
    """What the newest runs were started with."""
    found = []
    for run in reversed(list_runs(state_dir)[-_BACK:]):
        began = view_of(run).began
        if began is not None and began.config.startswith("/"):
            found.append(began.config)
    return found
