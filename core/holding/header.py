"""The block that stands before every dump: on a volume, in a holding chunk, on the way to the taper.

Promises the bytes of Amanda 3.5.1 (common-src/fileheader.c: `build` as build_header, `parse` as parse_file_header):
a text, then NULs up to `HEADER_SIZE`.  `parse` takes any bytes and never fails; what is no header is WEIRD, and what the
block's seal (`core.holding.seal`) tells of damage is in `Header.note`.
Knows nothing of files, volumes or how a dump is made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any as _Any

from core.holding.seal import unseal
from core.model import quoting
from core.model.dump import NO_CRC, Crc

HEADER_SIZE = 32768
"""Bytes of a header on vtapes, in holding chunks and on pipes."""
HEADER_KIB = HEADER_SIZE // 1024
_KEPT_FREE = 2048  # bytes; a DLE that leaves less than this is left out, as in Amanda
_RESTORE = "To restore, position tape at start of file and run:"
_DD = re.compile(r"\tdd if=<tape> (?:bs=(\d{1,7})k )?skip=1 ?")


class Kind(StrEnum):
    """What follows the header, in Amanda's words; EMPTY is a block of NULs, WEIRD is not Amanda's."""

    TAPESTART = "TAPESTART"
    TAPEEND = "TAPEEND"
    FILE = "FILE"
    CONT_FILE = "CONT_FILE"
    SPLIT_FILE = "SPLIT_FILE"
    NOOP = "NOOP"
    EMPTY = "EMPTY"
    WEIRD = "WEIRD"


DUMPS = frozenset({Kind.FILE, Kind.CONT_FILE, Kind.SPLIT_FILE})
"""The kinds that stand before data of a dump."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Programs other than gzip that the data went through, named on the first line; texts without blanks."""

    crypt: str = ""
    server_compress: str = ""
    client_compress: str = ""
    server_encrypt: str = ""
    client_encrypt: str = ""
    server_decrypt_option: str = ""
    client_decrypt_option: str = ""


NO_FILTERS = Filters()
_FILTER_WORDS = {
    "crypt": "crypt",
    "server_custom_compress": "server_compress", "client_custom_compress": "client_compress",
    "server_encrypt": "server_encrypt", "client_encrypt": "client_encrypt",
    "server_decrypt_option": "server_decrypt_option", "client_decrypt_option": "client_decrypt_option",
}


@dataclass(frozen=True, slots=True)
class Header:
    """One header.  ``part``/``parts`` count from 1 and matter for SPLIT_FILE only (−1: not known how many);
    ``comp`` is ``N``, ``.gz``, ``.Z`` or ``cust``; ``orig_kib`` 0 and CRCs of 0 are unknown; ``decrypt`` and
    ``uncompress`` are commands without their ``|``; ``blocksize`` KiB is what `parse` found in the dd line; ``note`` is
    what was wrong with the block that it was read from, such as ``byte 17 of its header is damaged``; ``sealed``: that
    block bore our checksum, which Amanda does not write."""

    kind: Kind
    datestamp: str = ""
    host: str = ""
    disk: str = ""
    level: int = 0
    part: int = 1
    parts: int = 1
    comp: str = "N"
    program: str = ""
    filters: Filters = NO_FILTERS
    label: str = ""
    application: str = ""
    cont_filename: str = ""
    partial: bool = False
    orig_kib: int = 0
    native: Crc = NO_CRC
    client: Crc = NO_CRC
    server: Crc = NO_CRC
    dle_xml: str = ""
    decrypt: str = ""
    uncompress: str = ""
    recover: str = ""
    blocksize: int = field(default=0, compare=False)
    note: str = field(default="", compare=False)
    sealed: bool = field(default=False, compare=False)

    @property
    def is_dump(self) -> bool:
        """Whether data of a dump follows."""
        return self.kind in DUMPS

    @property
    def encrypted_by(self) -> str:
        """What encrypted the dump; empty when nothing did.  No dump of ours is: such a one is Amanda's."""
        filters = self.filters
        return filters.client_encrypt or filters.server_encrypt or (filters.crypt if filters.crypt != "N" else "")

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What names the dump: host, disk, datestamp, level."""
        return (self.host, self.disk, self.datestamp, self.level)


def build(header: Header, *, size: int = HEADER_SIZE, bs: int | None = 32) -> bytes:
    """``header`` as ``size`` bytes; ``bs`` KiB goes into the dd line, None leaves it out.

    ValueError when a field cannot be written (a blank in a word, a line end in a line) or the text is too long.
    """
    block = text(header, size=size, bs=bs)
    return block + bytes(size - len(block))


def text(header: Header, *, size: int = HEADER_SIZE, bs: int | None = 32) -> bytes:
    """The same without the NULs: what Amanda keeps beside an index as ``.header``.  ValueError as `build`."""
    match header.kind:
        case Kind.TAPESTART:
            lines = [f"AMANDA: TAPESTART DATE {_word(header.datestamp)} TAPE {_word(header.label)}"]
        case Kind.TAPEEND:
            lines = [f"AMANDA: TAPEEND DATE {_word(header.datestamp)}"]
        case Kind.NOOP:
            lines = ["AMANDA: NOOP"]
        case Kind.FILE | Kind.CONT_FILE | Kind.SPLIT_FILE:
            lines = _dump_lines(header, size, bs)
        case Kind.EMPTY | Kind.WEIRD:
            raise ValueError(f"a header of kind {header.kind} cannot be written")
    raw = _encode(lines)
    if len(raw) > size and header.dle_xml:
        raw = _encode(_dump_lines(header, 0, bs))
    if len(raw) > size:
        raise ValueError(f"the header needs {len(raw)} bytes, more than {size}")
    if b"\0" in raw:
        raise ValueError("a NUL cannot be written in a header")
    return raw


def _encode(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n\f\n").encode("utf-8", "surrogateescape")


def _dump_lines(header: Header, size: int, bs: int | None) -> list[str]:
    lines = [_first_line(header)]
    if header.cont_filename:
        lines.append("CONT_FILENAME=" + _line(header.cont_filename))
    if header.application:
        lines.append("APPLICATION=" + _line(header.application))
    if header.partial:
        lines.append("PARTIAL=YES")
    if header.orig_kib > 0:
        lines.append(f"ORIGSIZE={header.orig_kib}")
    for name, crc in (("NATIVE", header.native), ("CLIENT", header.client), ("SERVER", header.server)):
        if crc.value:
            lines.append(f"{name}-CRC={crc}")
    if header.dle_xml and len(header.dle_xml.encode("utf-8", "surrogateescape")) < size - _KEPT_FREE:
        body = header.dle_xml.removesuffix("\n").split("\n")
        end = _delimiter(body)
        lines += ["DLE=<<" + end, *body, end]
    commands = [f"{_line(command)} |" for command in (header.decrypt, header.uncompress) if command]
    commands = [*commands, _line(header.recover), ""] if header.recover else [""]
    blocks = f"bs={bs}k " if bs else ""
    return [*lines, _RESTORE, f"\tdd if=<tape> {blocks}skip=1 | " + " ".join(commands)]


def _first_line(header: Header) -> str:
    part = f" part {header.part}/{header.parts} " if header.kind is Kind.SPLIT_FILE else ""
    program = _word(header.program)
    if program.lower().endswith(".exe"):
        program = program[:-4]
    # Two blanks after a FILE's disk: Amanda puts an empty word where a SPLIT_FILE has its part number.
    line = (f"AMANDA: {header.kind} {_word(header.datestamp)} {_word(header.host)} {quoting.quote(header.disk)} {part}"
            f" lev {header.level} comp {_word(header.comp)} program {program}")
    for word, name in _FILTER_WORDS.items():
        value: str = getattr(header.filters, name)
        if value:
            line += f" {word} {_word(value)}"
    return line


def _delimiter(body: list[str]) -> str:
    taken, end, number = set(body), "ENDDLE", 0
    while end in taken:
        number += 1
        end = f"ENDDLE{number}"
    return end


def _word(value: str) -> str:
    if not value or any(char <= " " or char in '"\x7f' for char in value):
        raise ValueError(f"{value[:60]!r} cannot be a word of a header")
    return value


def _line(value: str) -> str:
    if "\n" in value or "\f" in value:
        raise ValueError(f"{value[:60]!r} cannot be a line of a header")
    return value


def parse(block: bytes) -> Header:
    """The header of a block's bytes, as leniently as Amanda reads it; unknown lines are passed over.  Never raises.

    Of a sealed block one damaged byte is undone, and told in ``note``; one that is damaged worse is WEIRD with a ``note``.
    """
    found = unseal(bytes(block[:HEADER_SIZE]))
    if not found.whole:
        return Header(Kind.WEIRD, note=found.note)
    header = _parse(found.block)
    return replace(header, note=found.note, sealed=found.sealed) if found.note or found.sealed else header


def _parse(block: bytes) -> Header:
    raw = block.split(b"\0", 1)[0]
    if not raw:
        return Header(Kind.EMPTY if not any(block) else Kind.WEIRD)
    first, rest = _cut_first_line(raw.decode("utf-8", "surrogateescape"))
    words = quoting.split_lenient(first)
    if words[0] not in ("AMANDA:", "NETDUMP:"):
        return Header(Kind.WEIRD)
    match words[1:]:
        case ["TAPESTART", "DATE", stamp, "TAPE", label, *_] if label:
            return Header(Kind.TAPESTART, datestamp=stamp, label=label)
        case ["TAPEEND", "DATE", stamp, *_]:
            return Header(Kind.TAPEEND, datestamp=stamp)
        case ["NOOP", *_]:
            return Header(Kind.NOOP)
        case [("FILE" | "CONT_FILE" | "SPLIT_FILE") as kind, stamp, host, disk, *more]:
            found = _parse_first(Kind(kind), [word for word in more if word])
            if found is not None:
                found.update(datestamp=stamp, host=host, disk=disk)
                _parse_rest(rest, found)
                return Header(**found)
    return Header(Kind.WEIRD)


def _cut_first_line(whole: str) -> tuple[str, str]:
    """At the first newline outside double quotes: a quoted disk name may hold one."""
    inside = skip = False
    for at, char in enumerate(whole):
        if skip:
            skip = False
        elif char == "\\":
            skip = True
        elif char == '"':
            inside = not inside
        elif char == "\n" and not inside:
            return whole[:at], whole[at + 1:]
    return whole, ""


def _parse_first(kind: Kind, words: list[str]) -> dict[str, _Any] | None:
    """What follows the disk on the first line; None when the line is not Amanda's."""
    found: dict[str, _Any] = {"kind": kind}
    if kind is Kind.SPLIT_FILE:
        part = re.fullmatch(r"(\d{1,9})/(-1|\d{1,9}|UNKNOWN)", words[1]) if words[:1] == ["part"] and words[1:] else None
        if part is None:
            return None
        found.update(part=int(part[1]), parts=-1 if part[2] == "UNKNOWN" else int(part[2]))
        words = words[2:]
    match words:
        case ["lev", level, "comp", comp, "program", program, *options] if re.fullmatch(r"[0-9]{1,4}", level):
            found.update(level=int(level), comp=".Z" if comp == "C" else comp, program=program)
        case _:
            return None
    pairs = zip(options[::2], options[1::2], strict=False)
    filters = {_FILTER_WORDS[word]: value for word, value in pairs if word in _FILTER_WORDS}
    if filters.get("crypt") == "N":
        del filters["crypt"]
    found["filters"] = Filters(**filters)
    return found


def _parse_rest(rest: str, found: dict[str, _Any]) -> None:
    lines = iter(rest.split("\n"))
    for line in lines:
        key, _, value = line.partition("=")
        match key:
            case "\f":
                return
            case "CONT_FILENAME":
                found["cont_filename"] = value
            case "APPLICATION":
                found["application"] = value
            case "PARTIAL":
                found["partial"] = value.upper() == "YES"
            case "ORIGSIZE":
                found["orig_kib"] = int(value) if re.fullmatch(r"[0-9]{1,18}", value) else 0
            case "NATIVE-CRC" | "CLIENT-CRC" | "SERVER-CRC":
                found[key[:6].lower()] = _crc(value)
            case "DLE" if value.startswith("<<"):
                body = []
                for inner in lines:
                    if inner == value[2:]:
                        break
                    body.append(inner)
                found["dle_xml"] = "\n".join(body)
            case _ if line == _RESTORE:
                found.update(_commands(next(lines, "")))


def _crc(value: str) -> Crc:
    try:
        return Crc.parse(value)
    except ValueError:
        return NO_CRC


def _commands(line: str) -> dict[str, _Any]:
    dd = _DD.match(line)
    decrypt, uncompress, recover = split_commands(line.partition("|")[2])
    return {"blocksize": int(dd[1]) if dd and dd[1] else 0,
            "decrypt": decrypt, "uncompress": uncompress, "recover": recover}


def split_commands(line: str) -> tuple[str, str, str]:
    """``decrypt``, ``uncompress`` and ``recover`` of a pipe of commands, empty where it has fewer than three.

    Of two, the first uncompresses; Amanda cannot tell it from a decryption either.
    """
    commands = [command.strip() for command in line.split("|", 2)]
    decrypt, uncompress, recover = ["", "", *commands][-3:]
    return decrypt, uncompress, recover
