"""The little XML that Amanda speaks: elements with text, two attributes, no document type (common-src/amxml.c).

Promises a writer with Amanda's ``encoding="raw"`` form for odd values and a strict reader that is bounded in depth and
number and knows no entity but the five of XML and character numbers.  It does not know which elements exist.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.errors import ProtocolError

_MAX_DEPTH = 8
_MAX_ELEMENTS = 100_000
_ODD = re.compile(r"[^!#-%(-;=?-\[\]-~]")
_TOKEN = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9_-]{0,63})((?:\s+[a-z]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*(/?)>")
_ATTRIBUTE = re.compile(r"([a-z]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_ENTITY = re.compile(r"&([^;&]{0,8});?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


@dataclass(slots=True)
class Element:
    """One element: its name, its own text (decoded) and its children."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Element]:
        """The children of that name, in order."""
        return (child for child in self.children if child.name == name)

    def value(self, name: str, default: str = "") -> str:
        """The text of the only child of that name.  ProtocolError when there are several."""
        found = list(self.all(name))
        if len(found) > 1:
            raise ProtocolError(f"XML: {len(found)} '{name}' elements")
        return found[0].text if found else default


def write(name: str, value: str) -> str:
    """``<name>value</name>``; a value with blanks, quotes, brackets, control or non-ASCII characters as base64."""
    if value == "" or not _ODD.search(value):
        return f"<{name}>{value}</{name}>"
    data = value.encode("utf-8", "surrogateescape")
    shown = _ODD.sub(lambda found: "_" * len(found[0].encode("utf-8", "surrogateescape")), value)
    return f'<{name} encoding="raw" raw="{b64encode(data).decode("ascii")}">{shown}</{name}>'


def read(text: str) -> list[Element]:
    """The elements that ``text`` consists of, one after the other.  ProtocolError when it is anything else."""
    top = Element("")
    open_elements: list[tuple[Element, str | None]] = [(top, None)]
    at = count = 0
    while True:
        mark = text.find("<", at)
        current, raw = open_elements[-1]
        plain = text[at:mark if mark >= 0 else len(text)]
        if current is top and plain.strip():
            raise ProtocolError(f"XML: text {plain.strip()[:40]!r} outside of elements")
        if current is not top and raw is None:
            current.text += _entities(plain)
        if mark < 0:
            break
        token = _TOKEN.match(text, mark)
        if token is None:
            raise ProtocolError(f"XML: {text[mark:mark + 40]!r} is no element")
        at = token.end()
        closing, name, attributes, empty = token.groups()
        if closing:
            _close(open_elements, name, bool(attributes or empty))
            continue
        count += 1
        if len(open_elements) > _MAX_DEPTH or count > _MAX_ELEMENTS:
            raise ProtocolError("XML: too deep or too many elements")
        raw = _raw(attributes)
        element = Element(name, raw or "")
        current.children.append(element)
        if not empty:
            open_elements.append((element, raw))
    if len(open_elements) > 1:
        raise ProtocolError(f"XML: '{open_elements[-1][0].name}' element is not closed")
    return top.children


def _close(open_elements: list[tuple[Element, str | None]], name: str, more: bool) -> None:
    element = open_elements[-1][0]
    if more or len(open_elements) == 1 or element.name != name:
        raise ProtocolError(f"XML: '</{name}>' closes nothing")
    open_elements.pop()
    if element.children:
        element.text = element.text.strip()


def _raw(attributes: str) -> str | None:
    if not attributes:
        return None
    found = {name: double or single for name, double, single in _ATTRIBUTE.findall(attributes)}
    if set(found) != {"encoding", "raw"} or found["encoding"] != "raw":
        raise ProtocolError(f"XML: Invalid attributes {attributes.strip()[:40]!r}")
    try:
        value = b64decode(found["raw"], validate=True)
    except ValueError:
        raise ProtocolError("XML: a raw value is no base64") from None
    if b"\0" in value:
        raise ProtocolError("XML: a raw value holds a NUL")
    return value.decode("utf-8", "surrogateescape")


def _entities(text: str) -> str:
    return _ENTITY.sub(_entity, text) if "&" in text else text


def _entity(found: re.Match[str]) -> str:
    name = found[1]
    if found[0].endswith(";"):
        if name in _NAMED:
            return _NAMED[name]
        number = re.fullmatch(r"#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))", name)
        if number:
            code = int(number[1], 16) if number[1] else int(number[2])
            if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000:
                return chr(code)
    raise ProtocolError(f"XML: {found[0]!r} is no entity")
