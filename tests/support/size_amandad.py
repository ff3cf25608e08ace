"""An amandad that answers sendsize by a script: ``python size_amandad.py SCRIPT`` on a pipe, with Amanda's frames.

The script is JSON: ``features``; ``noop`` (``answer``, ``hang``, ``garbage``, ``die``, ``error``); ``steps`` for
sendsize, a list of lists: ``all KIB`` (that size for each full, a tenth for each other level) · ``prep TEXT`` ·
``rep TEXT`` · ``nak TEXT`` · ``raw HEX`` · ``wait PATH`` (until that file exists) · ``die`` · ``hang``.
What it saw goes to ``SCRIPT.seen``.
"""

from __future__ import annotations

import json
import os
import re
import select
import struct
import sys
from pathlib import Path

REQ, REP, PREP, ACK, NAK = 0, 1, 2, 3, 4
FEATURES = "ffffffff9efefbfffffffffffffff3fffbf71f"


def exactly(size: int) -> bytes:
    """So many bytes of stdin; the end of the program at its end."""
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            sys.exit(0)
        data += piece
    return data


def send(handle: int, kind: int, text: str) -> None:
    """One control packet in one frame."""
    body = bytes([kind]) + text.encode("utf-8", "surrogateescape") + b"\0"
    os.write(1, struct.pack(">II", len(body), handle) + body)


def hang() -> None:
    """Until the end of time; the end of stdin is not noticed."""
    while True:
        select.select([], [], [], 60)


def sizes(request: str, kib: int) -> str:
    """A reply with ``kib`` for a full of each disk, a tenth for each other level."""
    lines = [f"OPTIONS features={FEATURES};"]
    for dle in re.findall(r"<dle>(.*?)</dle>", request, re.DOTALL):
        named = re.search(r"<disk[^>]*>(.*?)</disk>", dle)
        assert named is not None
        for level in re.findall(r"<level>(\d+)", dle):
            lines.append(f"{named[1]} {level} SIZE {kib if level == '0' else kib // 10}")
    return "\n".join(lines) + "\n"


def serve(script: Path) -> None:
    """Answer until the end of stdin."""
    plan = json.loads(script.read_text())

    def see(text: str) -> None:
        with open(f"{script}.seen", "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text + "\n")

    see("started")
    while True:
        size, handle = struct.unpack(">II", exactly(8))
        data = exactly(size)
        if not data or data[0] != REQ:
            continue
        request = data[1:].rstrip(b"\0").decode("utf-8", "surrogateescape")
        see(request)
        noop = plan.get("noop", "answer") if request.startswith("SERVICE noop") else ""
        if noop == "hang":
            hang()
        if noop == "die":
            print("amandad: no such service here", file=sys.stderr)
            sys.exit(3)
        if noop == "garbage":
            os.write(1, b"Welcome to web1!\n")
            hang()
        send(handle, ACK, "")
        if noop:
            send(handle, REP, "ERROR [this is not my server]\n" if noop == "error"
                 else f"OPTIONS features={plan.get('features', FEATURES)};\n")
            continue
        for verb, *words in plan["steps"]:
            match verb, words:
                case "all", [kib]:
                    send(handle, REP, sizes(request, kib))
                case ("prep" | "rep" | "nak"), [text]:
                    send(handle, {"prep": PREP, "rep": REP, "nak": NAK}[verb], text)
                case "raw", [text]:
                    os.write(1, bytes.fromhex(text))
                case "wait", [path]:
                    while not Path(path).exists():
                        select.select([], [], [], 0.01)
                case "die", []:
                    sys.exit(3)
                case "hang", []:
                    hang()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
