"""The commands of a recipe, from headers of every kind."""

from __future__ import annotations

import pytest

from core.holding.header import Filters, Header, Kind
from core.restore.commands import Source, Step, Variables, command_of, needs, script, unpacking


def header(comp: str = "N", uncompress: str = "", decrypt: str = "", filters: Filters | None = None) -> Header:
    return Header(Kind.FILE, datestamp="20260101000000", host="h", disk="/d", program="/bin/tar", comp=comp,
                  uncompress=uncompress, decrypt=decrypt, filters=filters or Filters())


@pytest.mark.parametrize(("found", "commands"), [
    (header(), []),
    (header(".gz"), ["gzip -dc"]),
    (header(".Z"), ["gzip -dc"]),
    (header("cust", filters=Filters(server_compress="/opt/bin/zstd")), ["zstd -dc"]),
    (header("cust", filters=Filters(client_compress="/usr/bin/xz")), ["/usr/bin/xz -d"]),
    (header("cust", uncompress="/usr/bin/xz -d", filters=Filters(client_compress="/usr/bin/xz")), ["/usr/bin/xz -d"]),
    (header(".gz", filters=Filters(client_encrypt="/usr/bin/age")), ['age -d -i "$AGE_KEY"', "gzip -dc"]),
    (header("N", decrypt="/usr/sbin/amcrypt -d", filters=Filters(server_encrypt="/usr/sbin/amcrypt")),
     ["/usr/sbin/amcrypt -d"]),
    (header("N", filters=Filters(crypt="enc", client_encrypt="/x/crypt", client_decrypt_option="--undo")),
     ["/x/crypt --undo"]),
])
def test_what_undoes_it(found: Header, commands: list[str]) -> None:
    assert unpacking(found) == commands


def test_parts_are_read_in_order_and_volumes_have_one_place_each() -> None:
    sources = (Source("00001.h._d.0", "/v/slot 1", "A-1"), Source("00002.h._d.0", "/v/slot 1", "A-1"),
               Source("00001.h._d.0", "/v/slot2", "A-2"))
    step = Step("h:/d level 0\nrm -rf /", header(".gz"), sources)
    lines = script(["as it was"], [step, Step("one", header(), (Source("f", "/hold"),), "it's", incremental=False)])
    assert lines == [
        "# as it was", "V1='/v/slot 1'  # volume A-1", "V2=/v/slot2  # volume A-2", "# 1. h:/d level 0?rm -rf /, 3 files",
        '(dd if="$V1"/00001.h._d.0 bs=32k skip=1 status=none; dd if="$V1"/00002.h._d.0 bs=32k skip=1 status=none; '
        'dd if="$V2"/00001.h._d.0 bs=32k skip=1 status=none) | gzip -dc | '
        "tar -xp --xattrs --xattrs-include='*' --acls --listed-incremental=/dev/null -f - .",
        "# 2. one, 1 file",
        "dd if=/hold/f bs=32k skip=1 status=none | tar -xp --xattrs --xattrs-include='*' --acls -f - './it'\"'\"'s'"]
    amcrypt = Filters(server_encrypt="/usr/sbin/amcrypt")
    sealed = Step("two", header("N", decrypt="/usr/sbin/amcrypt -d", filters=amcrypt), sources[:1])
    assert script([], [sealed])[1:3] == [
        "# 1. two, 1 file", "#    It is encrypted: this needs /usr/sbin/amcrypt and its key, which no volume has."]
    assert "V1=" not in command_of(step) and "'/v/slot 1/00001.h._d.0'" in command_of(step)
    assert needs([step]) == ["dd", "gzip", "tar"] and Variables().lines() == []
