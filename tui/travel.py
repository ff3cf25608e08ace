"""Carries out where ``:`` and enter lead: to a screen, a run, a dump, a message's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.codes import lookup
from tui.clean import clean
from tui.goto import Goto
from tui.subject import Key

if TYPE_CHECKING:
    from tui.app import ConsoleApp


def travel(app: ConsoleApp, where: Goto) -> None:
    """Go there; where there is nothing, say so."""
    match where.target:
        case "open":
            app.open_run(where.value)
        case "theme":
            app.wardrobe.choose(where.value)
        case "quit":
            app.detach()
        case "help":
            app.show_help("all")
        case "keys":
            from tui.screens.keymap import KeymapScreen

            app.push_screen(KeymapScreen())
        case "restores":
            open_restores(app)
        case "messages":
            open_messages(app, where.value)
        case "explain":
            explain(app, where.value)
        case "dump":
            if (key := _named(app, where.value)) is not None:
                open_dump(app, *key)
        case "only":
            if not where.value:
                app.narrow(None)
            elif (key := _named(app, where.value)) is not None:
                app.narrow(key)
        case name:
            app.run_worker(_screen(app, name, where), exit_on_error=False)


async def _screen(app: ConsoleApp, name: str, where: Goto) -> None:
    await app.action_place(name)
    goto = getattr(app.screen, "goto", None)
    if where.what and callable(goto):
        app.call_after_refresh(goto, where)


def open_dump(app: ConsoleApp, host: str, disk: str) -> None:
    """The story of one disk, over what is shown now."""
    from tui.screens.dump import DumpScreen

    if isinstance(app.screen, DumpScreen):
        if (app.screen.story.host, app.screen.story.disk) == (host, disk):
            return
        app.pop_screen()
    app.push_screen(DumpScreen(host, disk))


def _named(app: ConsoleApp, name: str) -> Key | None:
    """By ``HOST:DISK``, by a handle, or by the only disk that has this text in its name, of this run or else of the
    configuration; None is said."""
    view = app.feed.view
    key = view.handles.get(name)
    if key is None:
        disks = {k: clean(disk.title) for k, disk in view.disks.items()}
        for row in app.known.covers() or []:
            disks.setdefault((row.host, row.disk), clean(row.title))
        near = [k for k, title in disks.items() if title == name] or [
            k for k, title in disks.items() if name and name.lower() in title.lower()]
        key = near[0] if len(near) == 1 else None
    if key is None:
        app.say(f"CON003 no one disk is called {name!r}", bad=True)
    return key


def open_restores(app: ConsoleApp) -> None:
    """The restores that go on, and the last ones."""
    from tui.screens.restores import RestoresScreen

    if not isinstance(app.screen, RestoresScreen):
        app.push_screen(RestoresScreen())


def open_messages(app: ConsoleApp, code: str = "") -> None:
    """All messages, the cursor on the newest with this code."""
    from tui.screens.messages import MessagesScreen

    if not isinstance(app.screen, MessagesScreen):
        app.push_screen(MessagesScreen(code))


def explain(app: ConsoleApp, code: str, text: str = "") -> None:
    """The page of a code."""
    from tui.screens.explain import ExplainScreen

    if code and lookup(code) is None and not text:
        app.say(f"CON003 no message has the code {code!r}", bad=True)
    elif code:
        app.push_screen(ExplainScreen(code, app.look, text))
    else:
        open_messages(app)
