"""Other keys for the actions of `tui.keys`: what an operator wrote down, as Textual takes it and as the hints show it.  Pure.

``keys`` maps the id of an action to its keys, as in the table.  An id that there is not is told, and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tui.keys import ACTIONS, PLACES, TIME, Action

RESERVED = frozenset({"escape", "ctrl+c", "ctrl+q", "ctrl+p", "tab", "shift+tab", "up", "down", "pageup", "pagedown", "j", "k",
                      "g", "G", "home", "end", *(place.digit for place in PLACES)})
"""Keys that lists, dialogs and screens need for themselves."""

_SHOWN = {"slash": "/", "colon": ":", "question_mark": "?", "at": "@", "equals_sign": "=", "minus": "-", "plus": "+",
          "full_stop": ".", "comma": ",", "left_square_bracket": "[", "right_square_bracket": "]", "exclamation_mark": "!",
          "semicolon": ";", "less_than_sign": "<", "greater_than_sign": ">",
          "number_sign": "#", "asterisk": "*", "percent_sign": "%", "ampersand": "&"}


def shown(keys: str) -> str:
    """The first of some keys, as it is written on a keyboard."""
    first = keys.partition(",")[0]
    return _SHOWN.get(first, first)


def remapped(actions: Iterable[Action], keys: Mapping[str, str]) -> list[Action]:
    """The actions with the keys that they have now."""
    return [replace(action, keys=keys[action.id], shown=shown(keys[action.id])) if action.id in keys else action
            for action in actions]


def textual_keymap(keys: Mapping[str, str]) -> dict[str, str]:
    """For `App.set_keymap`: an action has a binding on each of its screens."""
    found: dict[str, str] = {}
    for action in ACTIONS:
        if action.id in keys:
            found |= {f"{where}.{action.id}": keys[action.id] for where in action.where}
    return found | {action.id: keys[action.id] for action in TIME if action.id in keys}


def problems(keys: Mapping[str, str]) -> list[str]:
    """One sentence for each entry that cannot hold."""
    known = {action.id: action for action in (*ACTIONS, *TIME)}
    found = [f"{name!r} is no action; Settings (9) lists them" for name in keys if name not in known]
    for name in keys:
        if name in known and (why := clash(known[name], keys[name], {k: v for k, v in keys.items() if k != name})):
            found.append(f"{name} = {keys[name]!r}: {why}")
    return found


def clash(action: Action, wanted: str, keys: Mapping[str, str]) -> str:
    """Why an action cannot have these keys while the others have ``keys``; empty when it can."""
    for key in wanted.split(","):
        if key in RESERVED:
            return f"{shown(key)} is needed for moving and leaving"
        for other in remapped(ACTIONS, keys):
            meets = "all" in other.where or "all" in action.where or bool(set(other.where) & set(action.where))
            if other.id != action.id and meets and key in other.keys.split(","):
                return f"{shown(key)} is the key of: {other.help}"
    return ""
