"""The screens by name, imported when they are first gone to: the first paint does not wait for the others."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from textual.command import Provider
from textual.screen import Screen

from tui.keys import PLACES


def _mode(name: str) -> Callable[[], Screen[None]]:
    def build() -> Screen[None]:
        module = importlib.import_module(f"tui.screens.{name}")
        return module.__dict__[f"{name.capitalize()}Screen"]()  # type: ignore[no-any-return]

    return build


def commands() -> type[Provider]:
    """The command palette's source."""
    from tui.palette import Actions

    return Actions


MODES: dict[str, str | Callable[[], Screen[Any]]] = {place.name: _mode(place.name) for place in PLACES}
