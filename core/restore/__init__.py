"""Restoring: what was on a disk at a moment (`ls`, `dates`), getting it back (`restore`), and how by hand (`recipe`)."""

from core.restore.browse import Entry, Shown, dates, ls
from core.restore.byhand import Recipe, recipe, recipe_for
from core.restore.recover import Progress, Result, restore

__all__ = ["Entry", "Progress", "Recipe", "Result", "Shown", "dates", "ls", "recipe", "recipe_for", "restore"]
