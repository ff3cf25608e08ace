"""Every message that an operator may read has a code here, and a page.

A code is three letters for the area and three digits; requests and notices may append the
severity letter of the mainframe's habit (A act, D decide, E error, W warning, I information) when
shown.  One module an area, so that adding a message touches one file.  `taperoom explain CODE`
prints the page.
"""

from __future__ import annotations

from core.codes import amanda, client, config, console, dump, holding, neighbour, plan, prove, push, restore, run, tape, tls
from core.codes.page import Page

AREAS = (config, plan, client, tls, push, dump, holding, tape, neighbour, run, restore, prove, console, amanda)

PAGES: dict[str, Page] = {page.code: page for area in AREAS for page in area.PAGES}


def lookup(code: str) -> Page | None:
    """The page of ``code``; a trailing severity letter and lower case are accepted."""
    code = code.strip().upper()
    return PAGES.get(code) or PAGES.get(code[:-1])
