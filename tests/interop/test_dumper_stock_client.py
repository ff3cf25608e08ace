"""Our dumper and the amandad of a real Amanda 3.5.1, auth local."""

from __future__ import annotations

import gzip
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.holding.header import HEADER_SIZE, parse
from core.index.reader import open_index
from core.protocol.dumper import Done, Failed, Strange, TryAgain
from tests.support.dumper import STAMP, Dumper, Place
from tests.support.holding import data_of as stored
from tests.support.indexes import lines_of

pytestmark = pytest.mark.interop
AMANDAD = Path("/usr/lib/amanda/amandad")


@pytest.fixture
def place() -> Iterator[Place]:
    if not AMANDAD.exists():
        pytest.skip("a real amandad (package amanda-client) is not installed: the dumper is not tried with it")
    if os.geteuid() != 0 and pwd.getpwuid(os.geteuid()).pw_name != "backup":
        pytest.skip("amandad runs only as the user backup, which only root can become")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Place(Path(name))


def configured(place: Place, compress: str) -> Path:
    tree = place.top / "tree"
    tree.mkdir()
    (tree / "one").write_text("one")
    (tree / "two words").write_text("two")
    tree.chmod(0o755)
    become = "setpriv --reuid=backup --regid=backup --init-groups " if os.geteuid() == 0 else ""
    place.configure(compress=compress, amandad=f"{become}{AMANDAD} -auth=local")
    place.config.write_text(place.config.read_text().replace("web1", "localhost").replace('"/home"', f'"{tree}"'))
    return tree


@pytest.mark.parametrize("compress", ["none", "client fast", "server fast"])
def test_a_real_client_is_dumped(place: Place, compress: str) -> None:
    tree = configured(place, compress)
    with Dumper(place.config) as dumper:
        dumper.tell(place.order(host="localhost", disk=str(tree)))
        while isinstance(report := dumper.hear(), Strange):
            pass
    assert isinstance(report, Done), report
    raw = stored(place.path)
    header = parse(place.path.read_bytes()[:HEADER_SIZE])
    assert header.comp == ("N" if compress == "none" else ".gz")
    assert header.native.known and header.client.known and header.server.size == len(raw)
    if header.comp == ".gz":
        assert header.uncompress == "/bin/gzip -dc" and header.recover.startswith("/bin/tar")
        raw = gzip.decompress(raw)
    listed = subprocess.run(["tar", "-t"], input=raw, capture_output=True, check=True).stdout.decode()
    assert sorted(listed.splitlines()) == ["./", "./one", "./two words"]
    index = next((place.top / "state" / "index" / "localhost").glob(f"*/{STAMP}_0.tix"))
    with open_index(index) as found:
        assert lines_of(found) == [b"/", b"/one", b"/two words"]
        records = list(found.walk(b""))
    if compress == "client fast":
        assert {record.offset for record in records} == {-1}  # the archive does not come by as it is
    else:
        assert [(record.path, record.size) for record in records if record.kind == "f"] == [(b"one", 3), (b"two words", 3)]
        assert records[0].offset == 0 and len({record.offset for record in records}) == 3


def test_a_real_client_without_that_disk(place: Place) -> None:
    tree = configured(place, "none")
    (tree / "one").unlink()
    (tree / "two words").unlink()
    tree.rmdir()
    with Dumper(place.config) as dumper:
        dumper.tell(place.order(host="localhost", disk=str(tree)))
        report = dumper.hear()
    assert isinstance(report, Failed | TryAgain), report
    assert place.left == []
