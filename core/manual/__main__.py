"""``python -P -m core.manual DIR``: the manual pages, written into DIR.

`make docs` writes ``docs/man``, and the package installs them below ``share/man``; a test fails when they are stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from core.manual import commands, programs, settings


def pages() -> dict[str, str]:
    """File name to text of every page."""
    made = [commands.page(), settings.page(), *programs.pages()]
    names = [f"{page.name}({page.section})" for page in made]
    return {f"{page.name}.{page.section}": page.text(names) for page in made}


def write(directory: Path) -> None:
    """Write all pages; what is no page any more goes."""
    directory.mkdir(parents=True, exist_ok=True)
    found = pages()
    for old in directory.glob("*.[1-9]"):
        if old.name not in found:
            old.unlink()
    for name, text in found.items():
        (directory / name).write_text(text, encoding="ascii")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
