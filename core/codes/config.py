"""Messages of the area: config."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = ()
