"""Messages of the area: run."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = ()
