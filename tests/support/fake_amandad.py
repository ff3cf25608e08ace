"""An amandad that follows a script: ``python fake_amandad.py SCRIPT`` on a pipe, with Amanda's frames.

The script is JSON: ``features``, ``reply`` (text of the sendbackup reply instead of CONNECT), ``early`` (streams begin
before the ACK) and ``steps``, a list of lists, carried out for each sendbackup:
``mesg TEXT`` · ``data SIZE SEED`` · ``index TEXT`` · ``state TEXT`` · ``eof NAME`` · ``raw HEX`` · ``die`` · ``hang`` ·
``flood NAME TEXT TIMES`` · ``drip NAME TEXT`` (a little of it for ever) ·
``wait PATH`` (until that file exists) · ``end`` (the usual last lines, and end of file everywhere).
``{crc}`` and ``{kib}`` in a TEXT are those of the data so far.  It writes what it saw to ``SCRIPT.seen``.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import struct
import sys
from pathlib import Path

from crc32c import crc32c

HANDLES = {"DATA": 499999, "MESG": 499998, "INDEX": 499997, "STATE": 499996}
INFO = ("sendbackup: info BACKUP=/bin/tar\nsendbackup: info RECOVER_CMD=/bin/tar -xpGf - ...\n"
        "sendbackup: info end\n")
REQ, REP, ACK = 0, 1, 3


def data_of(size: int, seed: int) -> bytes:
    """The bytes that a ``data`` step sends."""
    return random.Random(seed).randbytes(size)


class Peer:
    """One run of the script over stdin and stdout."""

    def __init__(self, script: Path) -> None:
        self.script = script
        self.plan = json.loads(script.read_text())
        self.crc = self.size = 0

    def see(self, text: str) -> None:
        with open(f"{self.script}.seen", "a", encoding="utf-8") as file:
            file.write(text + "\n")

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = os.read(0, size - len(data))
            if not piece:
                self.see("gone")
                sys.exit(0)
            data += piece
        return data

    def next(self) -> tuple[int, bytes]:
        size, handle = struct.unpack(">II", self.exactly(8))
        return handle, self.exactly(size)

    def send(self, handle: int, data: bytes) -> None:
        data = struct.pack(">II", len(data), handle) + data
        try:
            while data:
                data = data[os.write(1, data):]
        except BrokenPipeError:
            self.see("broken pipe")
            sys.exit(0)

    def stream(self, name: str, data: bytes) -> None:
        for at in range(0, len(data), self.plan.get("piece", 32768)):
            self.send(HANDLES[name], data[at:at + self.plan.get("piece", 32768)])

    def serve(self) -> None:
        while True:
            handle, data = self.next()
            if handle in HANDLES.values():
                self.see("confirmed" if not data else "odd")
            if not data or data[0] != REQ:
                continue
            body = data[1:].rstrip(b"\0").decode("utf-8", "surrogateescape")
            self.send(handle, bytes([ACK]) + b"\0")
            if body.startswith("SERVICE noop"):
                self.send(handle, bytes([REP]) + f"OPTIONS features={self.plan['features']};\n".encode() + b"\0")
                continue
            self.see(body)
            reply = self.plan.get("reply")
            names = self.plan.get("streams", ["DATA", "MESG", "INDEX"])
            connect = "CONNECT" + "".join(f" {n} {h if n in names else -1}" for n, h in HANDLES.items()) + "\n"
            self.send(handle, bytes([REP]) + (reply or f"{connect}OPTIONS features=;\n").encode() + b"\0")
            if self.plan.get("early"):
                self.dump()
            while self.next()[1][:1] != bytes([ACK]):
                pass
            if not reply and not self.plan.get("early"):
                self.dump()

    def dump(self) -> None:
        self.crc = self.size = 0
        for verb, *words in self.plan["steps"]:
            match verb, words:
                case "data", [size, seed]:
                    data = data_of(size, seed)
                    self.crc, self.size = crc32c(data, self.crc), self.size + size
                    self.stream("DATA", data)
                case ("mesg" | "index" | "state"), [text]:
                    self.stream(verb.upper(), self.filled(text).encode("utf-8", "surrogateescape"))
                case "flood", [name, text, times]:
                    data = text.encode()
                    for _ in range(times):
                        self.stream(name, data)
                case "drip", [name, text]:
                    while not select.select([], [], [], 0.02)[0]:
                        self.stream(name, text.encode())
                case "eof", [name]:
                    self.send(HANDLES[name], b"")
                case "raw", [text]:
                    os.write(1, bytes.fromhex(text))
                case "wait", [path]:
                    while not Path(path).exists():
                        select.select([], [], [], 0.01)
                case "end", []:
                    self.send(HANDLES["DATA"], b"")
                    self.stream("MESG", self.filled(
                        "sendbackup: size {kib}\nsendbackup: native-CRC {crc}\nsendbackup: client-CRC {crc}\nsendbackup: end\n"
                    ).encode())
                    for name in self.plan.get("streams", ["DATA", "MESG", "INDEX"])[1:]:
                        self.send(HANDLES[name], b"")
                case "die", []:
                    os.kill(os.getpid(), signal.SIGKILL)
                case "hang", []:
                    self.see("hanging")
                    while os.read(0, 1):
                        pass
                    self.see("gone")
                    sys.exit(0)

    def filled(self, text: str) -> str:
        return text.replace("{crc}", f"{self.crc:08x}:{self.size}").replace("{kib}", str(-(-self.size // 1024)))


if __name__ == "__main__":
    Peer(Path(sys.argv[1])).serve()
