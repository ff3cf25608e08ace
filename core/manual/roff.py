"""One manual page in the macros of man(7): text in, roff out; nothing that is said can become a macro."""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}


def escape(text: str) -> str:
    """``text`` so that roff shows it as it stands."""
    return "".join(_ESCAPES.get(c) or (c if " " <= c <= "~" else f"\\[u{ord(c):04X}]") for c in text)


class Page:
    """A page that grows from its head to its end."""

    def __init__(self, name: str, section: int, title: str) -> None:
        """``title``: what stands behind the name in its first line, such as ``network backup``."""
        self.name, self.section = name, section
        self._lines = [
            '.\\" Made by "make docs" from the code; change it there.',
            f'.TH {_quoted(name.upper())} {section} "" "Taperoom" "Taperoom"', ".SH NAME",
            f"{escape(name)} \\- {escape(title)}"]

    def heading(self, text: str) -> None:
        """A section; one that is named after a table of the configuration is written as that is."""
        self._lines.append(f".SH {_quoted(text if text.startswith('[') else text.upper())}")

    def part(self, text: str) -> None:
        """A part of a section."""
        self._lines.append(f".SS {_quoted(text)}")

    def paragraph(self, text: str) -> None:
        """A paragraph; its own line ends mean nothing."""
        self._lines += [".PP", _filled(" ".join(text.split()))]

    def item(self, tag: str, *texts: str) -> None:
        """A term and what it means, in one paragraph or several."""
        self._lines += [".TP", f".B {_quoted(tag)}", _filled(" ".join(texts[0].split())) if texts and texts[0] else "\\&"]
        for text in texts[1:]:
            self._lines += [".IP", _filled(" ".join(text.split()))]

    def example(self, lines: Iterable[str]) -> None:
        """Lines as they stand."""
        self._lines += [".PP", ".in +4n", ".nf", *(_safe(escape(line)) for line in lines), ".fi", ".in"]

    def synopsis(self, command: str, rest: str = "") -> None:
        """How a program is called."""
        self._lines += [f".B {_quoted(command)}", *([_filled(rest)] if rest else []), ".br"]

    def text(self, also: Iterable[str] = ()) -> str:
        """The whole; ``also``: pages such as ``taperoom(1)``."""
        lines = list(self._lines)
        names = [name for name in also if name != f"{self.name}({self.section})"]
        if names:
            lines += [".SH SEE ALSO"]
            for at, name in enumerate(names):
                word, _, section = name.partition("(")
                comma = "," if at < len(names) - 1 else ""
                lines.append(f".BR {escape(word)} ({section}{comma}")
        return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + escape(text).replace('"', "\\(dq") + '"'


def _filled(text: str) -> str:
    """Sentence by sentence, as roff likes it."""
    return _safe(escape(text).replace(". ", ".\n"))


def _safe(text: str) -> str:
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in text.split("\n"))
