"""The dump programs that this client has: a new one is a module and a line here."""

from __future__ import annotations

from clientd.programs.application import Application
from clientd.programs.contract import Program
from clientd.programs.gnutar import GnuTar
from core.errors import WorldError
from core.wire.dle_xml import Dle

PROGRAMS: dict[str, Program] = {program.name: program for program in (GnuTar(),)}


def find_program(name: str) -> Program:
    """The program of a request.  WorldError CLT024."""
    program = PROGRAMS.get(name)
    if program is None:
        raise WorldError("CLT024", f"this client does not know the dump program {name!r}")
    return program


def program_of(dle: Dle) -> Program:
    """The program that a disk of a request is dumped with.  WorldError CLT024."""
    return Application(dle.program) if dle.application else find_program(dle.program)
