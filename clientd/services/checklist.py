"""The two forms of a selfcheck's reply: plain lines, and the JSON messages of Amanda 3.5 (common-src/ammessage.c).

Promises one entry for each thing that was looked at, in the order in which it was.  It does not know what is checked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

from core.wire.features import Features
from core.wire.requests import error_line, features_line

_FEATURES, _WELL, _WRONG = 3600004, 3600055, 3600056
"""Amanda's numbers of the messages whose text is the client's own: a stock amcheck builds the text again from the number and
the message's values."""


class Checklist(Protocol):
    """What a selfcheck says."""

    def well(self, text: str) -> None:
        """Something is as it should be."""

    def wrong(self, text: str) -> None:
        """Something is not."""

    def features(self, features: Features, hostname: str) -> None:
        """What this client understands."""

    def end(self) -> None:
        """That was all."""


class PlainList:
    """``OK text`` and ``ERROR [text]``."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def well(self, text: str) -> None:
        self._say(f"OK {' '.join(text.split())}\n")

    def wrong(self, text: str) -> None:
        self._say(error_line(text))

    def features(self, features: Features, hostname: str) -> None:
        self._say(features_line(features, hostname))

    def end(self) -> None:
        return


class JsonList:
    """Objects with commas between them, after the line ``MESSAGE JSON``."""

    def __init__(self, say: Callable[[str], None], hostname: str) -> None:
        self._say = say
        self._hostname = hostname
        self._any = False

    def well(self, text: str) -> None:
        self._message(_WELL, "info", " ".join(text.split()), "ok_line")

    def wrong(self, text: str) -> None:
        self._message(_WRONG, "error", " ".join(text.split()), "error_line")

    def features(self, features: Features, hostname: str) -> None:
        self._message(_FEATURES, "info", features_line(features, hostname).rstrip("\n"), features=features.text)

    def end(self) -> None:
        self._say("\n" if self._any else "MESSAGE JSON\n")

    def _message(self, code: int, severity: str, text: str, name: str = "", **more: str) -> None:
        fields = {
            "source_filename": "selfcheck.py", "source_line": "1", "severity": severity, "process": "selfcheck",
            "running_on": "amanda-client", "component": "amanda", "module": "taperoom", "code": str(code),
            **({name: text} if name else {}), **more, "hostname": self._hostname, "message": text,
        }
        body = ",\n".join(f"    {json.dumps(key)} : {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items())
        self._say(f"{',' if self._any else 'MESSAGE JSON'}\n  {{\n{body}\n  }}")
        self._any = True
