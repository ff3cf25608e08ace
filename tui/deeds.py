"""The shapes of an act on its way: a `Deed` that can be done, a `Fork` of deeds to choose from, or why it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.protocol import operator as op

if TYPE_CHECKING:
    from tui.hand import Done, Hand


@dataclass(frozen=True, slots=True)
class Deed:
    """One act.  ``order`` is said to the driver, or ``call`` made by the hand outside a run; ``command`` is the same
    at a shell.  ``text`` asks first; empty: it is done at once.  ``word`` has to be typed: it cannot be undone."""

    title: str
    command: str
    text: str = ""
    order: op.Order | None = None
    call: Callable[[Hand], Done] | None = None
    word: str = ""
    noted: bool = True
    """Whether a journal has it when it is done."""
    begins: bool = False
    """Whether a run begins by it, which is what is shown then."""


@dataclass(frozen=True, slots=True)
class Option:
    """A letter, a word, what follows from it, and the deed; ``argument`` asks for a text that the deed is made of."""

    letter: str
    name: str
    effect: str
    deed: Callable[[str], Deed | str]
    argument: str = ""
    destructive: bool = False


@dataclass(frozen=True, slots=True)
class Fork:
    """Several ways; nothing is chosen when it opens."""

    title: str
    text: str
    options: tuple[Option, ...]


Offer = Deed | Fork | str
"""A text says why it cannot be done now."""
