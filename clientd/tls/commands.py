"""``clientd enrol FILE`` and ``clientd listen``: what an operator types on a client.

Errors are one line with their code on stderr; exit code 1, and 2 for a wrong command line.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clientd.settings import Settings, read_settings
from clientd.tls.identity import install
from clientd.tls.listener import listen
from core.errors import TaperoomError, WorldError
from core.wire.bundle import LIMIT


def main(words: Sequence[str]) -> int:
    """Run ``enrol`` or ``listen`` with its arguments; the exit status."""
    parser = argparse.ArgumentParser(prog="clientd", description="The client's end of the transport tls.")
    commands = parser.add_subparsers(dest="command", required=True)
    enrolling = commands.add_parser("enrol", help="install what 'taperoom client enrol HOST' made on the server")
    enrolling.add_argument("file", metavar="FILE", help="- reads stdin")
    listening = commands.add_parser("listen", help="wait for the server, and run an amandad for each of its connections")
    listening.add_argument("--address", default="", help="only this address of this machine")
    listening.add_argument("--port", type=_port, help="another port than the one of the enrolment; 0 takes any")
    for one in (enrolling, listening):
        one.add_argument("--dir", help="where the certificates are, instead of TAPEROOM_CLIENT_TLS or /etc/taperoom-client/tls")
    try:
        given = parser.parse_args(list(words))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 2
    settings = read_settings()
    if given.dir:
        settings = replace(settings, tls=Path(given.dir))
    try:
        return _enrol(given.file, settings) if given.command == "enrol" else listen(settings, given.address, given.port)
    except TaperoomError as fault:
        print(f"clientd: {fault}", file=sys.stderr)
        return fault.exit_code


def _enrol(name: str, settings: Settings) -> int:
    bundle = install(_text(name), settings.tls)
    print(f"{bundle.name} is enrolled with the server of {bundle.org} until {bundle.until}; its key is in {settings.tls}.")
    if name != "-":
        print(f"Remove {name} now: it holds the key as well.")
    print("Listen with: python3 -m clientd listen")
    return 0


def _text(name: str) -> str:
    try:
        with open(0 if name == "-" else name, "rb", closefd=name != "-") as file:
            if name != "-" and os.fstat(file.fileno()).st_mode & 0o077:
                print(f"clientd: others than you may read {name}, which holds a key", file=sys.stderr)
            return file.read(LIMIT + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        said = fault.strerror if isinstance(fault, OSError) else "it is no text"
        raise WorldError("CLT052", f"{name} cannot be read: {said}") from None


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError
    return number
