"""Messages of the area: holding."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = ()
