"""Which lines of the pipes are about one disk: those with a handle or a file of it, and those that name it.  Pure.

A handle is known when the journal has told it, so `learn` again as the run goes on.  What this does not know: lines about
all disks at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.events.view import RunView
from core.model.quoting import quote
from tui.clean import clean


class About:
    """One disk; ``takes`` a line when it is about it."""

    def __init__(self, host: str, disk: str) -> None:
        self.host, self.disk = host, disk
        self.handles: set[str] = set()
        self.files: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Host and disk."""
        return self.host, self.disk

    def add(self, handles: Iterable[str] = (), files: Iterable[str] = ()) -> bool:
        """Handles and holding files that belong to it; whether there was a new one."""
        before = len(self.handles) + len(self.files)
        self.handles.update(handle for handle in handles if handle)
        self.files.update(file for file in files if file)
        if len(self.handles) + len(self.files) == before:
            return False
        self._pattern = None
        return True

    def learn(self, view: RunView) -> bool:
        """What the run knows to be of this disk; whether there was anything new."""
        mine = [write for write in view.writes.values() if (write.host, write.disk) == self.key]
        handles = [handle for handle, key in view.handles.items() if key == self.key]
        files = [file for file, found in view.files.items() if found[:2] == self.key]
        known = view.disks.get(self.key)
        return self.add([*handles, *(write.handle for write in mine)],
                        [*files, *(write.file for write in mine), known.file if known else ""])

    def takes(self, text: str) -> bool:
        """Whether a line (as `clean` left it) is about this disk."""
        if self._pattern is None:
            self._pattern = self._made()
        return self._pattern.search(text) is not None

    def _made(self) -> re.Pattern[str]:
        names = re.escape(clean(f"{quote(self.host)} {quote(self.disk)}"))
        title = re.escape(clean(f"{self.host}:{self.disk}"))
        # A name ends where its word ends: web1:/ is not web1:/home, and a chunk of a file has a dot and a number after it.
        found = [rf"(?<!\S){names}(?!\S)", rf"(?<![^\s\"(]){title}(?![^\s\",;:)])"]
        found += [rf"(?<![\d-]){re.escape(handle)}(?![\d-])" for handle in sorted(self.handles)]
        found += [rf"{re.escape(clean(file))}(?![\w/])" for file in sorted(self.files)]
        return re.compile("|".join(found))
