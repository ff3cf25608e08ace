"""Restoring: what was on a disk at a moment (`ls`, `dates`), getting it back (`restore`), and how by hand (`recipe`)."""

from core.restore.browse import Entry, Shown, dates, ls
from core.restore.byhand import Recipe, recipe, recipe_for
from core.restore.forecast import Forecast
from core.restore.recover import Progress, Recovery, Result, restore

__all__ = ["Entry", "Forecast", "Progress", "Recipe", "Recovery", "Result", "Shown", "dates", "ls", "recipe", "recipe_for",
           "restore"]
