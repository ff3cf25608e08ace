"""A checksum for the header block, in padding that Amanda neither writes nor reads.

Amanda's header is a text and then NULs, and nothing in it tells whether it is still what was written.  `seal` puts one
line, ``TAPEROOM-CRC32C=<8 hex digits>``, at the very end of the NULs: Amanda 3.5.1 stops at the first NUL
(common-src/fileheader.c, parse_file_header) and never sees it.  `unseal` finds damage, and undoes that of a single byte:
of all damages of one byte exactly one gives the CRC that was found.  A block without a seal, as Amanda writes it, is
taken as it is; only its NULs can be looked at.  Pure; knows nothing of what a header says.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.model.crc32c import crc32c

_MARK = b"TAPEROOM-CRC32C="
SEAL_SIZE = len(_MARK) + 9
"""Bytes of the line, its newline included."""
_SURE = 18  # of the bytes of a seal: so many that agree are one, whatever happened to the others


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A block as it was written, as far as that can be known.  ``note``: what is wrong with it, empty when nothing is.

    ``whole`` False: it is damaged in a way that cannot be undone, and ``block`` is not to be believed.  ``sealed``: it has
    a seal at all, and so was written by us.
    """

    block: bytes
    note: str = ""
    whole: bool = True
    sealed: bool = True


def seal(block: bytes) -> bytes:
    """``block`` with its checksum; as it is when its text leaves no room for one."""
    if block[-SEAL_SIZE:].strip(b"\0"):
        return block
    content = block[:-SEAL_SIZE]
    return content + _line(crc32c(content))


def unseal(block: bytes) -> Unsealed:
    """Look whether ``block`` is what was written.  Never raises."""
    content, tail = block[:-SEAL_SIZE], block[-SEAL_SIZE:]
    if len(tail) < SEAL_SIZE or not _is_seal(tail):
        return _without_seal(block)
    right = _line(crc32c(content))
    wrong = [at for at in range(SEAL_SIZE) if tail[at] != right[at]]
    if not wrong:
        return Unsealed(content + bytes(SEAL_SIZE))
    if len(wrong) == 1:
        return Unsealed(content + bytes(SEAL_SIZE), f"byte {len(content) + wrong[0]} of its header, in the header's own "
                        "checksum, is damaged; nothing else is")
    found = _damage_of_one_byte(content, tail)
    if found is None:
        return Unsealed(block, f"its header, bytes 0 to {len(block) - 1}, does not give its checksum: it is damaged", False)
    at, was = found
    mended = content[:at] + bytes([was]) + content[at + 1:]
    return Unsealed(mended + bytes(SEAL_SIZE),
                    f"byte {at} of its header is damaged: it is {content[at]:#04x} and was {was:#04x}")


def _line(crc: int) -> bytes:
    return b"%s%08x\n" % (_MARK, crc)


def _is_seal(tail: bytes) -> bool:
    mark = sum(1 for ours, found in zip(_MARK, tail, strict=False) if ours == found)
    digits = sum(1 for byte in tail[len(_MARK):-1] if byte in b"0123456789abcdef")
    return mark + digits + tail.endswith(b"\n") >= _SURE


def _without_seal(block: bytes) -> Unsealed:
    """Amanda's own block: its NULs must be NULs."""
    end = block.find(b"\0")
    rest = block[end:].lstrip(b"\0") if end > 0 else b""
    if not rest:
        return Unsealed(block, sealed=False)
    at = len(block) - len(rest)
    return Unsealed(block[:end] + bytes(len(block) - end),
                    f"byte {at} of its header, behind the header's text, is {block[at]:#04x} and should be 0x00", sealed=False)


def _damage_of_one_byte(content: bytes, tail: bytes) -> tuple[int, int] | None:
    """Where the one damaged byte is and what it was; None when no damage of one byte, or more than one, explains the CRC.

    CRCs are linear: what a changed byte does to the CRC is moved on by each byte behind it, and can be moved back.
    """
    try:
        difference = crc32c(content) ^ int(tail[len(_MARK):-1], 16)
    except ValueError:
        return None
    table = [crc32c(bytes([n])) ^ crc32c(b"\0") for n in range(256)]  # what a change by n does to the CRC of the last byte
    by_top = {entry >> 24: number for number, entry in enumerate(table)}
    change_of = {entry: number for number, entry in enumerate(table) if number}
    found = None
    for at in range(len(content) - 1, -1, -1):
        if (change := change_of.get(difference)) is not None:
            if found is not None:
                return None
            found = at, content[at] ^ change
        number = by_top[difference >> 24]
        difference = ((difference ^ table[number]) << 8 | number) & 0xFFFFFFFF
    return found
