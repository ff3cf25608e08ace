"""Files in somebody else's directories: what is ours is replaced and taken away, what is not stays."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core.errors import UsageError, WorldError
from core.export.files import MANIFEST, Files
from core.export.target import Store, stores_of, target_of
from core.model.site import Storage
from tests.support.journals import site_of

CONF = '''
org "x"
logdir "log"
indexdir "/idx"
infofile "curinfo"
tpchanger "chg-disk:{vtapes}"
autolabel "T-%%%" {flags}
'''


def test_what_is_ours_is_replaced_and_taken_away(tmp_path: Path) -> None:
    first = Files(tmp_path)
    assert first.put(tmp_path / "log/a", b"1") and first.put(tmp_path / "log/b", b"1")
    first.finish()
    again = Files(tmp_path)
    assert not again.put(tmp_path / "log/a", b"1"), "it is there"
    assert again.put(tmp_path / "log/c", b"3") and again.written == 1
    again.finish()
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["a", "c"] and again.removed == 1
    changed = Files(tmp_path)
    assert changed.put(tmp_path / "log/a", b"2") and (tmp_path / "log/a").read_bytes() == b"2"


def test_a_strangers_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"theirs")
    files = Files(tmp_path)
    assert not files.put(tmp_path / "a", b"ours") and files.kept == [tmp_path / "a"]
    files.put(tmp_path / "b", b"ours")
    files.finish()
    assert (tmp_path / "a").read_bytes() == b"theirs"
    (tmp_path / "b").write_bytes(b"changed by Amanda since")
    then = Files(tmp_path)
    assert not then.put(tmp_path / "b", b"newer") and then.kept == [tmp_path / "b"]
    last = Files(tmp_path)
    last.finish()
    assert (tmp_path / "b").exists(), "nor is it taken away"
    insists = Files(tmp_path, insist=True)
    assert insists.put(tmp_path / "a", b"ours") and (tmp_path / "a").read_bytes() == b"ours"


def test_forgotten_files_are_strangers(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.put(tmp_path / "a", b"1")
    files.finish(forget=True)
    again = Files(tmp_path)
    again.finish()
    assert (tmp_path / "a").exists() and not again.is_ours(tmp_path / "a")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}', '{"files": {"a": null}}'])
def test_a_list_that_is_none_makes_all_strangers(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    (tmp_path / "a").write_bytes(b"theirs")
    assert not Files(tmp_path).put(tmp_path / "a", b"ours")


def test_a_dry_run_touches_nothing(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.put(tmp_path / "a", b"1")
    files.finish()
    dry = Files(tmp_path, dry_run=True)
    assert dry.put(tmp_path / "a", b"2") and dry.put(tmp_path / "new/b", b"3")
    dry.finish()
    assert (dry.written, dry.removed) == (2, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", MANIFEST] and (tmp_path / "a").read_bytes() == b"1"


def test_a_directory_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"a file")
    with pytest.raises(WorldError) as caught:
        Files(tmp_path).put(tmp_path / "log/a", b"1")
    assert caught.value.code == "TAP043"


def test_files_are_the_configurations_owners(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: only root can give files away")
    os.chown(tmp_path, 34, 34)
    files = Files(tmp_path)
    files.put(tmp_path / "new/deep/a", b"1")
    files.finish()
    assert {os.stat(path).st_uid for path in tmp_path.rglob("*")} == {34}
    assert json.loads((tmp_path / MANIFEST).read_text())["by"] == "taperoom"


def test_where_a_configuration_has_its_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="TAP040"):
        target_of(tmp_path)
    (tmp_path / "amanda.conf").write_text('org "x"\n')
    with pytest.raises(UsageError, match="logdir"):
        target_of(tmp_path)
    (tmp_path / "amanda.conf").write_text(CONF.format(vtapes="/v", flags="empty"))
    target = target_of(tmp_path)
    assert (target.name, target.logs, target.indexes, target.tapelist) == (
        tmp_path.name, tmp_path / "log", Path("/idx"), tmp_path / "tapelist")
    assert target.stores == (Store(tmp_path.name, tmp_path.name, "/v", "T-%%%", False),)
    for flag in ("any", "other_config", "OTHER-CONFIG"):
        (tmp_path / "amanda.conf").write_text(CONF.format(vtapes="/v", flags=f"empty {flag}"))
        [store] = target_of(tmp_path, "daily").stores
        assert store.takes_others and (store.name, store.pool) == ("daily", "daily")


def test_storages_of_amandas_own(tmp_path: Path) -> None:
    (tmp_path / "amanda.conf").write_text(CONF.format(vtapes="/v", flags="") + '''
define changer c {
  tpchanger "chg-disk:/two"
}
define storage one {
  tapepool "$r-pool"
}
define storage two {
  tpchanger "c"
  autolabel "X-%%" any
}
storage "one" "two"
''')
    target = target_of(tmp_path, "daily")
    assert target.stores == (Store("one", "one-pool", "/v", "T-%%%", False), Store("two", "daily", "/two", "X-%%", True))
    site = site_of(tmp_path)
    site.storages["main"] = Storage("main", "disk:/two")
    assert stores_of(site, target, {})["main"].name == "two"
    assert stores_of(site, target, {"main": "one"})["main"].name == "one"
    site.storages["main"] = Storage("main", "disk:/elsewhere")
    with pytest.raises(UsageError, match="TAP041 which storage of daily is our storage main"):
        stores_of(site, target, {})
    with pytest.raises(UsageError, match="TAP041 main=three"):
        stores_of(site, target, {"main": "three"})
