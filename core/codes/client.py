"""Messages of the area: client."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = ()
