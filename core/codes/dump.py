"""Messages of the area: dump."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = ()
