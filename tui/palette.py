"""The command palette (ctrl+p): every action of the screen below it by name, with its key; typing finds those of other screens,
too, and leads there."""

from __future__ import annotations

from typing import cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.keymap import remapped
from tui.keys import ACTIONS, PLACES, Action, actions_of
from tui.screens.base import ConsoleScreen


class Actions(Provider):
    """All actions from the one table."""

    def _all(self) -> list[tuple[str, str]]:
        screen = cast(ConsoleScreen, self.screen)
        where = getattr(screen, "where", "all")
        actor, subject = screen.console_app.actor, screen.subject()
        found = []
        held = screen.console_app.store.chosen.keys
        for action in remapped(actions_of(where, in_time=screen.console_app.player.playing is not None), held):
            off = actor.why_not(action.act, subject) if action.act else ""
            text = f"{_word(action)}: {action.help}   ({action.key})"
            found.append((text + (f"   off: {off}" if off else ""), action.action))
        return found + [(f"{place.name}: {place.help}   ({place.digit})", f"app.place('{place.name}')") for place in PLACES]

    def _elsewhere(self) -> list[tuple[str, str]]:
        """Actions of other screens: where they are."""
        where, held = getattr(self.screen, "where", "all"), cast(ConsoleScreen, self.screen).console_app.store.chosen.keys
        return [(f"{place.name}: {_word(action)}: {action.help}   ({place.digit} {action.key})", f"app.place('{place.name}')")
                for action in remapped(list(ACTIONS), held) if where not in action.where
                for place in PLACES if place.name in action.where]

    async def discover(self) -> Hits:
        """All of them."""
        for text, action in self._all():
            yield DiscoveryHit(text, self._runner(action))

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for text, action in self._all() + self._elsewhere():
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), self._runner(action))

    def _runner(self, action: str):  # type: ignore[no-untyped-def]
        async def run() -> None:
            await self.screen.run_action(action)

        return run


def _word(action: Action) -> str:
    """What an action is called: its name, and the word of the hint row where that is another."""
    name = action.id.rpartition(".")[2].replace("_", " ")
    return name if action.hint in ("", name) else f"{name}, {action.hint}"
