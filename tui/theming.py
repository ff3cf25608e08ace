"""Themes as Textual wants them: each colour of a `themes.palette.Palette` becomes a ``$tr-…`` variable of the styles.

A theme that fails is told and the old one stays; nothing here ends the console.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from textual.theme import BUILTIN_THEMES
from textual.theme import Theme as TextualTheme

from themes.loader import DEFAULT as DEFAULT
from themes.loader import OWN, load_themes
from themes.palette import COLOURS, Theme
from tui.preferences import folder

PREFIX = "taperoom-"
"""Keeps our names apart from those that come with Textual."""


def users_folder() -> Path:
    """Where an operator's own themes are."""
    return folder() / "themes"


def marks() -> frozenset[tuple[str, int, int]]:
    """Name, time and size of each of an operator's own theme files: changes when one of them does."""
    found: set[tuple[str, int, int]] = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(users_folder()):
            if entry.name.endswith(".toml"):
                with contextlib.suppress(OSError):
                    state = entry.stat()
                    found.add((entry.name, state.st_mtime_ns, state.st_size))
    return frozenset(found)


def textual_theme(theme: Theme) -> TextualTheme:
    """The theme for `App.register_theme`."""
    colours = theme.palette
    variables = {f"tr-{name.replace('_', '-')}": getattr(colours, name) for name in COLOURS}
    plain = colours.selected == "ansi_default"
    variables |= {
        "tr-cursor-style": "reverse" if plain else "none",
        "tr-muted-style": "dim" if theme.terminal else "none",
        "block-cursor-background": colours.selected, "block-cursor-foreground": colours.on_selected,
        "block-cursor-text-style": "reverse" if plain else "none",
        "input-cursor-background": colours.foreground, "input-cursor-foreground": colours.background,
        "input-cursor-text-style": "reverse" if theme.terminal else "none",
        "input-selection-background": colours.selected,
    }
    if theme.terminal:  # without these the default stylesheet of Textual 8.2 does not resolve
        base = BUILTIN_THEMES["ansi-dark" if theme.dark else "ansi-light"].variables
        variables = {**base, **variables}
    return TextualTheme(
        name=PREFIX + theme.name, primary=colours.focus, secondary=colours.focus, warning=colours.attention,
        error=colours.bad, success=colours.good, accent=colours.focus, foreground=colours.foreground,
        background=colours.background, surface=colours.surface, panel=colours.surface, dark=theme.dark,
        variables=variables, ansi=theme.terminal)


def available() -> tuple[dict[str, TextualTheme], list[str]]:
    """All themes by our name, ours and the operator's, and what is wrong with the files that are none."""
    found, problems = load_themes(OWN, users_folder())
    return {name: textual_theme(theme) for name, theme in found.items()}, problems


def chosen(asked: str, kept: str, names: Collection[str], environment: Mapping[str, str]) -> str:
    """The theme to begin with: what was ``asked`` for now, else what this terminal can show, else what was ``kept``, perhaps
    for another one."""
    if asked and asked in names:
        return asked
    if environment.get("NO_COLOR") or environment.get("TERM", "") in ("vt100", "vt220"):
        return "mono"
    if environment.get("TERM", "") in ("linux", "ansi") and kept not in ("mono", "sixteen"):
        return "sixteen"
    return kept if kept in names else DEFAULT
