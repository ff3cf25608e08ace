"""Messages of the area: restore."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = ()
