"""Last-value figures that are not journalled: what moves every second while a run lives.

The driver replaces ``status.json`` with them about once a second; after the run they are worthless.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from core.events.event import QuestionAsked


@dataclass(slots=True)
class Gauges:
    """``progress``: handle to (KiB written, KiB before compression).  ``holding``: path to (KiB free for dumps, KiB
    allotted, KiB of files).  ``waiting``: ``HOST:DISK`` to why it waits.  ``network``: KiB/s allotted per interface.
    ``consoles``: who is attached.  ``waits``: ``HOST:DISK`` to (constraint in a word, when it lifts, 0 unknown).
    ``tapers``: taper to (why it waits, when that lifts).  ``runway``: holding disk to (KiB left, KiB/s in, KiB/s out, when it
    is full, 0 not as things stand).  ``act``: by when somebody must act (0: nobody must), and why.
    ``costs``: number of an open request to what its choices mean by now, as far as that is not what was asked; ``texts``: to
    what it says itself by now, if that is not what it said then."""

    at: float = 0.0
    progress: dict[str, tuple[int, int]] = field(default_factory=dict)
    holding: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    network: dict[str, int] = field(default_factory=dict)
    consoles: list[str] = field(default_factory=list)
    waits: dict[str, tuple[str, float]] = field(default_factory=dict)
    tapers: dict[str, tuple[str, float]] = field(default_factory=dict)
    runway: dict[str, tuple[int, float, float, float]] = field(default_factory=dict)
    act: tuple[float, str] = (0.0, "")
    costs: dict[int, dict[str, str]] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)

    def as_of_now(self, asked: QuestionAsked) -> QuestionAsked:
        """A request with what it says and its choices mean by now."""
        effects, text = self.costs.get(asked.id, {}), self.texts.get(asked.id, asked.text)
        if not effects and text == asked.text:
            return asked
        return replace(asked, text=text, choices=tuple(
            replace(choice, effect=effects.get(choice.name, choice.effect)) for choice in asked.choices))


def encode(gauges: Gauges) -> bytes:
    """The whole of ``status.json``."""
    return json.dumps({
        "at": gauges.at, "progress": gauges.progress, "holding": gauges.holding, "waiting": gauges.waiting,
        "network": gauges.network, "consoles": gauges.consoles, "waits": gauges.waits, "tapers": gauges.tapers,
        "runway": gauges.runway, "act": gauges.act, "costs": gauges.costs, "texts": gauges.texts,
    }).encode()


def decode(data: bytes) -> Gauges:
    """Gauges of ``status.json``; empty ones when it is not readable."""
    try:
        plain = json.loads(data)
        return Gauges(
            float(plain["at"]), {k: (int(a), int(b)) for k, (a, b) in plain["progress"].items()},
            {k: (int(a), int(b), int(c)) for k, (a, b, c) in plain["holding"].items()}, dict(plain["waiting"]),
            dict(plain["network"]), [str(name) for name in plain["consoles"]],
            {k: (str(a), float(b)) for k, (a, b) in plain.get("waits", {}).items()},
            {k: (str(a), float(b)) for k, (a, b) in plain.get("tapers", {}).items()},
            {k: (int(a), float(b), float(c), float(d)) for k, (a, b, c, d) in plain.get("runway", {}).items()},
            _act(plain.get("act", (0.0, ""))),
            {int(id): {str(name): str(effect) for name, effect in effects.items()}
             for id, effects in plain.get("costs", {}).items()},
            {int(id): str(text) for id, text in plain.get("texts", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Gauges()


def _act(plain: object) -> tuple[float, str]:
    match plain:
        case [(int() | float()) as by, str() as text]:
            return float(by), text
    return 0.0, ""
