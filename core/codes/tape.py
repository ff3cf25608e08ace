"""Messages of the area: tape."""

from core.codes.page import Page

PAGES: tuple[Page, ...] = ()
