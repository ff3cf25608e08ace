"""The CRC-32C of a tail, from the CRCs before and after it: a part's CRC without reading its data twice.

CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) is linear over GF(2), so the CRC of ``A + B`` is the CRC of
``A`` moved over ``len(B)`` zero bytes, xor the CRC of ``B``.  The move is a 32×32 bit matrix, squared for each bit of
the length: some tens of microseconds, whatever the length.
"""

from __future__ import annotations

from functools import lru_cache

_POLYNOMIAL = 0x82F63B78
_Matrix = tuple[int, ...]


def crc_of_tail(before: int, after: int, length: int) -> int:
    """The CRC of the last ``length`` bytes of a stream whose CRC was ``before`` without and is ``after`` with them."""
    return after ^ crc_moved(before, length)


def crc_moved(crc: int, length: int) -> int:
    """``crc`` moved over ``length`` zero bytes: what it adds to the CRC of a stream that goes on for so long."""
    power = 0
    while length and crc:
        if length & 1:
            crc = _times(_zeros(power), crc)
        length >>= 1
        power += 1
    return crc


@lru_cache(maxsize=64)
def _zeros(power: int) -> _Matrix:
    """The move over 2**power zero bytes."""
    if power == 0:
        bit = (_POLYNOMIAL, *(1 << n for n in range(31)))
        return _squared(_squared(_squared(bit)))
    return _squared(_zeros(power - 1))


def _squared(matrix: _Matrix) -> _Matrix:
    return tuple(_times(matrix, column) for column in matrix)


def _times(matrix: _Matrix, vector: int) -> int:
    total = 0
    for column in matrix:
        if vector & 1:
            total ^= column
        vector >>= 1
        if not vector:
            break
    return total
