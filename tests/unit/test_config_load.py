"""What a good configuration becomes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.config.load import load_site, load_text
from core.model.disk import Bump, Compression, Disk, HoldingUse, Strategy
from core.model.site import HoldingDisk, Policy, Retention, Site, Storage

FULL = """
org = "daily"
state_dir = "/var/lib/taperoom/daily"

[run]
dumpcycle = "7 days"            # every disk gets a full at least this often
runspercycle = 7
runtapes = 2
inparallel = 8
maxdumps = 1
netusage = "900 Mbps"
dumporder = "BTsS"
requests = { "HLD*" = { reply = "flush", after = "10 min" } }

[[holding]]
path = "/var/spool/taperoom"
use = "-10 GiB"
chunksize = "1 GiB"
reserve = 30

[storage.main]
changer = "disk:/srv/vtapes"
slots = 20
capacity = "2 GiB"
part_size = "256 MiB"
label = "DAILY-[0-9]{3}"
autolabel = "DAILY-%%%"
retention = { tapes = 14, days = 0, full = 1 }

[dumptype.default]
program = "gnutar"
auth = "ssh"
compress = "client fast"
encrypt = "none"
index = true
holding = "auto"
priority = "medium"
estimate = ["client", "calcsize", "server"]
retry = 2

[[disk]]
host = "web1"
disk = "/home"
dumptype = "default"
exclude = ["./*/.cache"]
"""


def load(text: str, file: str = "/etc/taperoom/taperoom.toml") -> Site:
    return load_text(text, Path(file))


def only_disk(text: str) -> Disk:
    site = load('[[disk]]\nhost = "web1"\ndisk = "/home"\n' + text)
    return site.disks[0]


def test_the_manuals_example() -> None:
    site = load(FULL)
    assert (site.org, site.state_dir) == ("daily", Path("/var/lib/taperoom/daily"))
    assert site.run.netusage == 900_000_000 // 8 // 1024
    assert site.run.requests == {"HLD*": Policy("flush", 600.0)}
    assert site.holding == (HoldingDisk(Path("/var/spool/taperoom"), -10 * 1024 * 1024, 1024 * 1024, 30),)
    assert site.storages["main"] == Storage(
        "main", "disk:/srv/vtapes", 20, 2 * 1024 * 1024, 256 * 1024, "DAILY-[0-9]{3}", "DAILY-%%%", Retention(14, 0, 1))
    disk = site.disks[0]
    assert (disk.title, disk.dumptype.exclude) == ("web1:/home", ("./*/.cache",))
    assert disk.host is site.hosts["web1"]


def test_an_empty_file_is_a_site_without_anything() -> None:
    site = load("")
    assert (site.org, site.state_dir, site.disks) == ("daily", Path("/var/lib/taperoom/daily"), ())


def test_relative_paths_begin_where_the_file_is(tmp_path: Path) -> None:
    file = tmp_path / "taperoom.toml"
    file.write_text('state_dir = "state"\n[[holding]]\npath = "hold"\n[storage.main]\nchanger = "disk:vtapes"\n')
    site = load_site(file)
    assert site.state_dir == tmp_path / "state"
    assert site.holding[0].path == tmp_path / "hold"
    assert site.storages["main"].address == str(tmp_path / "vtapes")


def test_the_file_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taperoom.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert load_site(Path("taperoom.toml")).file == tmp_path / "taperoom.toml"


def test_home_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    assert load('state_dir = "~/state"').state_dir == Path("/home/ana/state")
    assert load('state_dir = "~nobody-of-that-name/x"', "/e/t.toml").state_dir == Path("/e/~nobody-of-that-name/x")


def test_dumptypes_inherit_in_any_order() -> None:
    site = load("""
[dumptype.small]
like = "big"
priority = "low"
bump = { days = 5 }
[dumptype.big]
compress = "server best"
bump = { size = "1 GiB", percent = 20 }
[[disk]]
host = "a"
disk = "/x"
dumptype = "small"
""")
    dumptype = site.disks[0].dumptype
    assert (dumptype.name, dumptype.priority, dumptype.compress) == ("small", 0, Compression.SERVER_BEST)
    assert dumptype.bump == Bump(percent=20, size=1024 * 1024, mult=1.5, days=5)


def test_a_disk_overrides_its_dumptype() -> None:
    dumptype = only_disk("""
compress = "none"
holding = "never"
strategy = "noinc"
starttime = "22:30"
comprate = 0.3
priority = 7
dumpcycle = "2 weeks"
""").dumptype
    assert (dumptype.compress, dumptype.holding, dumptype.strategy) == (
        Compression.NONE, HoldingUse.NEVER, Strategy.NOINC)
    assert (dumptype.starttime, dumptype.comprate, dumptype.priority, dumptype.dumpcycle) == (81000.0, (0.3, 0.3), 7, 14)


def test_the_runs_settings_are_defaults_for_disks_and_hosts() -> None:
    site = load('[run]\ndumpcycle = "3 days"\nmaxdumps = 4\n[host.b]\nmaxdumps = 2\n'
                '[[disk]]\nhost = "a"\ndisk = "/x"\n[[disk]]\nhost = "b"\ndisk = "/x"\n')
    assert site.run.runspercycle == 3
    assert [disk.dumptype.dumpcycle for disk in site.disks] == [3, 3]
    assert [disk.host.maxdumps for disk in site.disks] == [4, 2]


def test_applications_and_their_properties() -> None:
    text = """dumptype = "b"
[dumptype.a]
program = "amgtar"
auth = "bsdtcp"
properties = { ONE-FILE-SYSTEM = false, NORMAL = ["x y", "z"], Sparse = "yes" }
[dumptype.b]
like = "a"
properties = { one_file_system = true, IGNORE = "odd" }
"""
    dumptype = only_disk(text).dumptype
    assert (dumptype.program, dumptype.auth) == ("amgtar", "bsdtcp")
    assert dumptype.properties == (
        ("NORMAL", ("x y", "z")), ("Sparse", ("yes",)), ("one_file_system", ("yes",)), ("IGNORE", ("odd",)))
    assert only_disk('program = "application my-dump.sh"\n').dumptype.program == "my-dump.sh"


def test_zstd_is_a_custom_program() -> None:
    dumptype = only_disk('compress = "client zstd"').dumptype
    assert (dumptype.compress, dumptype.compress_program) == (Compression.CLIENT_CUSTOM, "/usr/bin/zstd")


def test_retention_leaves_something_to_overwrite_unless_told() -> None:
    assert load('[storage.s]\nchanger = "disk:/v"\nslots = 5').storages["s"].retention.tapes == 4
    assert load('[storage.s]\nchanger = "disk:/v"').storages["s"].retention.tapes == 14


def test_hosts() -> None:
    host = load("""
[host.web1]
address = "10.0.0.1"
port = 2222
user = "backup"
ssh_key = "/k"
ssh_options = "ProxyJump=gate"
amandad = "sudo '/opt/a b' -auth=ssh"
connect_timeout = "5 s"
""").hosts["web1"]
    assert (host.address, host.port, host.user, host.ssh_options) == ("10.0.0.1", 2222, "backup", ("ProxyJump=gate",))
    assert host.amandad == ("sudo", "/opt/a b", "-auth=ssh")
    assert host.connect_timeout == 5.0


def test_interfaces_and_holding_use() -> None:
    site = load('[interface.lan]\nuse = "8192 kbps"\n[[holding]]\npath = "/h"\nuse = "all"\n'
                '[[disk]]\nhost = "a"\ndisk = "/x"\ninterface = "lan"\n')
    assert site.run.interfaces == {"lan": 1000}
    assert site.disks[0].interface == "lan"
    assert site.holding[0].use == 0


@pytest.mark.parametrize("name", ["/a b", '/a"b', "/a#b", "/ä/ß", "/a\nb", "/a\\b", "/a'b", "/tab\there"])
def test_disk_names_of_every_kind(name: str) -> None:
    from core.config.edit import disk_table

    assert load(disk_table("web1", name, {})).disks[0].disk == name


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_bytes(b'[[disk]]\nhost = "a"\ndisk = "/b\xfcro"\n')
    assert load_site(file).disks[0].disk.encode("utf-8", "surrogateescape") == b"/b\xfcro"


def test_dos_line_ends_and_a_line_number(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_bytes(b'org = "x"\r\n\r\n[run]\r\nruntapes = 3\r\n')
    assert load_site(file).run.runtapes == 3


def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(FULL)
    code = ("import sys; from pathlib import Path; from core.config.load import load_site; "
            f"load_site(Path({str(file)!r})); print(*sys.modules)")
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"difflib", "asyncio", "typer", "rich", "textual", "pydantic", "socket", "sqlite3"} & set(loaded)
