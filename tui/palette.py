"""The command palette (ctrl+p): every action of the screen below it by name, with its key."""

from __future__ import annotations

from typing import cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.keymap import remapped
from tui.keys import PLACES, actions_of
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
            found.append((f"{action.help}   ({action.key})" + (f"   off: {off}" if off else ""), action.action))
        return found + [(f"{place.name}: {place.help}   ({place.digit})", f"app.place('{place.name}')") for place in PLACES]

    async def discover(self) -> Hits:
        """All of them."""
        for text, action in self._all():
            yield DiscoveryHit(text, self._runner(action))

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for text, action in self._all():
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), self._runner(action))

    def _runner(self, action: str):  # type: ignore[no-untyped-def]
        async def run() -> None:
            await self.screen.run_action(action)

        return run
