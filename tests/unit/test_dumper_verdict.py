"""What a dump is worth, from what was said and counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.codes import lookup
from core.dumper.task import Task, ToPort
from core.dumper.verdict import Counts, completed, header_of, judge
from core.holding.header import Filters
from core.model.disk import Compression, Disk, Dumptype, Host
from core.model.dump import NO_CRC, Crc, Outcome
from core.wire.mesg import Mesg, Retry

CRC = Crc(0xABCDEF01, 2000)
TASK = Task("00-00001", Disk(Host("web1"), "/home", Dumptype(compress=Compression.NONE)), 1, "20260102030405",  # type: ignore[arg-type]
            ToPort(1))
COUNTS = Counts(CRC, CRC, 2.0)


def with_compress(compress: Compression, program: str = "") -> Task:
    dumptype = replace(TASK.disk.dumptype, compress=compress, compress_program=program)
    return replace(TASK, disk=replace(TASK.disk, dumptype=dumptype))


def good() -> Mesg:
    return Mesg(size_kib=2, native=CRC, client=CRC, ended=True, closed=True, info_complete=True)


def test_a_good_dump() -> None:
    ending = judge(good(), COUNTS, TASK, [])
    assert (ending.outcome, ending.text) == (Outcome.DONE, "")
    assert str(ending.stats) == (
        f"[sec 2.000 kb 2 kps 1.0 orig-kb 2] native-crc {CRC} client-crc {CRC} server-crc {CRC}")


def test_a_client_without_crc_leaves_them_unknown() -> None:
    mesg = good()
    mesg.native = mesg.client = NO_CRC
    ending = judge(mesg, COUNTS, TASK, [])
    assert ending.outcome is Outcome.DONE and ending.stats is not None
    assert (ending.stats.native, ending.stats.client, ending.stats.server) == (NO_CRC, NO_CRC, CRC)


@pytest.mark.parametrize("compress", [Compression.CLIENT_FAST, Compression.NONE])
def test_the_native_crc_is_of_other_bytes_when_the_client_compresses(compress: Compression) -> None:
    mesg = good()
    mesg.native = Crc(1, 9999)
    mesg.info["COMPRESS_SUFFIX"] = ".gz"
    assert judge(mesg, COUNTS, with_compress(compress), []).outcome is Outcome.DONE
    mesg.info.clear()
    assert judge(mesg, COUNTS, with_compress(compress), []).outcome is Outcome.FAILED
    mesg.info["CLIENT_ENCRYPT"] = "/bin/crypt"
    assert judge(mesg, COUNTS, with_compress(compress), []).outcome is Outcome.DONE


def test_with_server_compression_the_native_crc_is_of_what_arrived() -> None:
    mesg = good()
    mesg.info["COMPRESS_SUFFIX"] = ".gz"
    mesg.native = Crc(1, 9999)
    assert judge(mesg, COUNTS, with_compress(Compression.SERVER_FAST), []).text.startswith("DMP014")


def test_an_error_comes_before_what_follows_from_it() -> None:
    mesg = good()
    mesg.error, mesg.size_kib = "tar burns", -1
    mesg.strange = ["one", "two"]
    ending = judge(mesg, Counts(NO_CRC, NO_CRC, 1), TASK, [])
    assert (ending.outcome, ending.text) == (Outcome.FAILED, "DMP015 web1:/home: [tar burns]\none\ntwo")
    mesg.error = "CLT066 /bin/tar was killed by signal 9"
    assert judge(mesg, COUNTS, TASK, []).outcome is Outcome.TRY_AGAIN, "that may not come again"
    mesg.retry = Retry(-1, -1, "")
    ending = judge(mesg, COUNTS, TASK, [])
    assert (ending.outcome, ending.text) == (
        Outcome.TRY_AGAIN, "DMP018 web1:/home: the client asks to be tried again: busy")


def test_strange_lines_are_shown_as_many_as_wanted() -> None:
    mesg = good()
    mesg.strange = [f"line {n}" for n in range(5)]
    mesg.unshown = 2
    none = replace(TASK, disk=replace(TASK.disk, dumptype=replace(TASK.disk.dumptype, max_warnings=0)))
    assert judge(mesg, COUNTS, none, []).text == "line 0\nline 1\nline 2\nline 3\nline 4\n(2 more)"
    two = replace(TASK, disk=replace(TASK.disk, dumptype=replace(TASK.disk.dumptype, max_warnings=2)))
    ending = judge(mesg, COUNTS, two, ["DMP019 no index"])
    assert (ending.outcome, ending.text) == (Outcome.STRANGE, "DMP019 no index\nline 0\nline 1\n(5 more)")


def test_a_message_never_gets_too_long_for_the_pipe() -> None:
    mesg = good()
    mesg.strange = ["x" * 1000] * 1000
    task = replace(TASK, disk=replace(TASK.disk, dumptype=replace(TASK.disk.dumptype, max_warnings=1000)))
    assert len(judge(mesg, COUNTS, task, []).text) < 20_000


def test_headers() -> None:
    info = {"BACKUP": "/bin/tar", "RECOVER_CMD": "/bin/tar -xpGf - ..."}
    plain = header_of(TASK, info, "<dle/>")
    assert (plain.program, plain.comp, plain.uncompress, plain.recover) == ("/bin/tar", "N", "", "/bin/tar -xpGf - ...")
    assert plain.key == ("web1", "/home", "20260102030405", 1) and plain.dle_xml == "<dle/>"
    packed = header_of(with_compress(Compression.CLIENT_FAST), {
        "BACKUP": "/bin/tar", "COMPRESS_SUFFIX": ".gz", "RECOVER_CMD": "/bin/gzip -dc |/bin/tar -xpGf - ..."}, "")
    assert (packed.comp, packed.uncompress, packed.recover) == (".gz", "/bin/gzip -dc", "/bin/tar -xpGf - ...")
    server = header_of(with_compress(Compression.SERVER_BEST), info, "")
    assert (server.comp, server.uncompress) == (".gz", "/bin/gzip -dc")
    said_nothing = header_of(with_compress(Compression.CLIENT_CUSTOM, "/bin/zstd"), info, "")  # as a stock client's GNUTAR
    assert (said_nothing.comp, said_nothing.uncompress, said_nothing.filters.client_compress) == (
        "cust", "/bin/zstd -d", "/bin/zstd")
    as_gzip = header_of(with_compress(Compression.CLIENT_CUSTOM, "/bin/zstd"), info | {"COMPRESS_SUFFIX": ".gz"}, "")
    assert as_gzip == said_nothing  # as a stock client's applications
    custom = header_of(with_compress(Compression.SERVER_CUSTOM, "/bin/zstd"), info, "")
    assert (custom.comp, custom.uncompress, custom.filters) == ("cust", "/bin/zstd -d", Filters(server_compress="/bin/zstd"))
    app = header_of(TASK, {"BACKUP": "APPLICATION", "APPLICATION": "amgtar", "CLIENT_ENCRYPT": "/bin/crypt",
                           "CLIENT_DECRYPT_OPTION": "-d"}, "")
    assert (app.application, app.filters) == (
        "amgtar", Filters(crypt="enc", client_encrypt="/bin/crypt", client_decrypt_option="-d"))
    assert header_of(TASK, {}, "").program == "UNKNOWN"
    whole = completed(plain, good(), COUNTS, TASK)
    assert (whole.orig_kib, whole.native, whole.client, whole.server) == (2, CRC, CRC, CRC)


def test_every_code_has_a_page() -> None:
    for number in (1, 2, 7, *range(10, 25)):
        page = lookup(f"DMP{number:03}")
        assert page is not None and page.meaning and page.action, number
