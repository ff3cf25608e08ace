"""Style sheets are parsed once for each theme, however often Textual asks.

Textual 8.2 parses every style sheet anew whenever a mode is entered for the first time, and for each app: a tenth of a second
or two between a key and what it shows. What comes out depends on the text and the theme's variables alone.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

MOST = 2000
"""Parsed texts that are kept: some hundred for each theme that was worn."""

_parsed: dict[tuple[object, ...], list[RuleSet]] = {}


def share() -> None:
    """From now on, for all style sheets of this process.  What Textual calls otherwise one day stays as it is."""
    plain = getattr(Stylesheet, "_parse_rules", None)
    if plain is None or hasattr(plain, "__wrapped__"):
        return

    @wraps(plain)
    def parse_rules(
        self: Stylesheet, css: str, read_from: CSSLocation, is_default_rules: bool = False, tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        variables: dict[str, Any] = getattr(self, "_variables", {})
        key = (css, read_from, is_default_rules, tie_breaker, scope, frozenset(variables.items()))
        found = _parsed.get(key)
        if found is None:
            found = plain(self, css, read_from, is_default_rules, tie_breaker, scope)
            if len(_parsed) >= MOST:
                _parsed.clear()
            _parsed[key] = found
        return found

    Stylesheet._parse_rules = parse_rules  # type: ignore[method-assign]
