"""Opens the page with the beginning of a file, which is read in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.clean import clean
from tui.door import Tree
from tui.fetch import Fetch
from tui.panes.layout import Row
from tui.panes.preview import preview_rows
from tui.screens.page import PageScreen

if TYPE_CHECKING:
    from core.client.browse import Peek
    from tui.app import ConsoleApp


def open_preview(app: ConsoleApp, tree: Tree, path: str) -> None:
    """Over what is shown now."""
    found: Fetch[Peek] = Fetch()
    app.known.ask(found, lambda: tree.peek(path))

    def rows() -> list[Row]:
        if found.value is not None:
            return preview_rows(path, found.value)
        said = found.error or "reading …"
        return [((f"/{clean(path)}", "title"),), (), ((said, "bad" if found.error else "muted"),), ((found.hint, "muted"),)]

    app.push_screen(PageScreen("Beginning of a file", rows, app.look))
