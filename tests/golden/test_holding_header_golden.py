"""Headers of real Amanda 3.5.1 media: read, written again, byte for byte the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.holding.header import HEADER_SIZE, Kind, build, parse, text
from core.model.dump import Crc

HERE = Path(__file__).parent / "amanda-3.5.1"
TEXTS = sorted((HERE / "headers").glob("*.txt"))
FILES = sorted(HERE.glob("holding-*/*/*"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_a_header_is_written_as_amanda_wrote_it(path: Path) -> None:
    raw = path.read_bytes()
    header = parse(raw)
    assert text(header, bs=header.blocksize or None) == raw
    assert build(header, bs=header.blocksize or None) == raw + bytes(HEADER_SIZE - len(raw))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_first_block_of_a_real_holding_file_round_trips(path: Path) -> None:
    block = path.read_bytes()[:HEADER_SIZE]
    header = parse(block)
    assert build(header, bs=header.blocksize or None) == block


def test_there_is_something_to_compare() -> None:
    assert len(TEXTS) >= 20 and len(FILES) >= 9


def test_the_fields_of_a_first_chunk() -> None:
    header = parse((HERE / "headers/holding-multichunk_20261123012225_localhost._srv_amdata_beta.0.header.txt").read_bytes())
    assert header.kind is Kind.FILE and header.is_dump
    assert header.key == ("localhost", "/srv/amdata/beta", "20261123012225", 0)
    assert header.cont_filename == "/srv/amtest/fixsplit/holding/20261123012225/localhost._srv_amdata_beta.0.1"
    assert (header.program, header.application, header.comp) == ("APPLICATION", "amgtar", "N")
    assert header.orig_kib == 180
    assert header.native == header.client == header.server == Crc(0x61C2C64D, 184320)
    assert header.dle_xml.startswith("<dle>\n") and header.dle_xml.endswith("</dle>")
    assert header.recover == "/usr/lib/amanda/application/amgtar restore [./file-to-restore]+"


def test_the_fields_of_a_part_and_a_label() -> None:
    part = parse((HERE / "headers/vtapes-fixt_slot1_00003.clientb._srv_amdata_epsilon.0.header.txt").read_bytes())
    assert (part.kind, part.part, part.parts, part.blocksize) == (Kind.SPLIT_FILE, 1, -1, 32)
    assert (part.comp, part.uncompress, part.recover) == (".gz", "/bin/gzip -dc", "/bin/tar -xpGf - ...")
    label = parse((HERE / "headers/vtapes-fixt_slot1_00000.FIXT-001.header.txt").read_bytes())
    assert (label.kind, label.datestamp, label.label) == (Kind.TAPESTART, "20261123005205", "FIXT-001")
