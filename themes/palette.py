"""What a theme has to say: the colours of the console by their use, never by their hue.

The console always writes a word and a glyph beside a colour, so a theme may well have few of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme, each ``#rrggbb`` or, in a theme that uses the terminal's own, ``ansi_…``."""

    background: str
    """Behind everything."""
    surface: str
    """Behind the status row, the hints and dialogs."""
    foreground: str
    """Ordinary text, and what is under way."""
    muted: str
    """What waits or is idle: still to be read, so AA as well."""
    rule: str
    """Lines between panes."""
    focus: str
    """Title of the pane with the keyboard; keys in the hints."""
    selected: str
    """Behind the row of the cursor."""
    on_selected: str
    """Text of the row of the cursor."""
    good: str
    """Done, on a volume."""
    attention: str
    """Wants an operator, is partial or strange, is tried again."""
    bad: str
    """Failed or missing."""


COLOURS = tuple(field.name for field in fields(Palette))

TEXT_ON: tuple[tuple[str, str], ...] = (
    *((text, ground) for text in ("foreground", "muted", "focus", "good", "attention", "bad")
      for ground in ("background", "surface")),
    ("on_selected", "selected"),
)
"""Each pair of text and ground that the console puts together; all must reach WCAG AA."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme: ``name`` is what an operator types, ``title`` what a list shows.

    ``terminal``: the colours are the terminal's own (``ansi_…``), whatever they are.
    """

    name: str
    title: str
    dark: bool
    palette: Palette
    terminal: bool = False
