"""Reads theme files.  A bad file never stops the console: it becomes one sentence with its code, the others load.

A theme file is TOML: ``name``, ``title``, ``dark`` and a table ``[colours]`` with every name of
`themes.palette.Palette`.  With ``terminal = true`` the colours are the terminal's own (``ansi_red`` …).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any

from themes.palette import COLOURS, Palette, Theme

OWN = Path(__file__).parent
"""Where the themes that come with the console are."""

DEFAULT = "night"

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_ANSI = re.compile(r"ansi_(default|(bright_)?(black|red|green|yellow|blue|magenta|cyan|white))")
_KEYS = {"name": str, "title": str, "dark": bool, "terminal": bool, "colours": dict}


def load_theme(path: Path) -> Theme:
    """The theme of one file.  ValueError with a sentence when it is none, OSError when it cannot be read."""
    data = tomllib.loads(path.read_text("utf-8"))
    for key, value in data.items():
        if key not in _KEYS:
            raise ValueError(f"{key!r} is no key of a theme{_nearest(key, _KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise ValueError(f"{key} has to be {_KEYS[key].__name__}")
    colours: dict[str, Any] = data.get("colours", {})
    terminal = bool(data.get("terminal", False))
    for key, value in colours.items():
        if key not in COLOURS:
            raise ValueError(f"{key!r} is no colour of a theme{_nearest(key, COLOURS)}")
        form = _ANSI if terminal else _HEX
        if not (isinstance(value, str) and form.fullmatch(value)):
            example = "ansi_bright_red" if terminal else "#1c2b3a"
            raise ValueError(f"{key} = {value!r} is no colour; write it like {example!r}")
    if missing := [name for name in COLOURS if name not in colours]:
        raise ValueError(f"the colours {', '.join(missing)} are missing")
    name = str(data.get("name", path.stem))
    return Theme(name, str(data.get("title", name)), bool(data.get("dark", True)), Palette(**colours), terminal)


def load_themes(*folders: Path) -> tuple[dict[str, Theme], list[str]]:
    """The themes of all ``folders`` by name, a later folder winning, and a sentence for each file that is none."""
    found: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = load_theme(path)
            except (ValueError, OSError) as fault:
                problems.append(f"{path.name}: {fault}")
            else:
                found[theme.name] = theme
    return found, problems


def _nearest(key: str, names: Any) -> str:
    near = difflib.get_close_matches(key, list(names), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
