"""`taperoom client` and what `taperoom check` says of certificates, as an operator types and reads them."""

from __future__ import annotations

import json
import stat
import sys
import time
from pathlib import Path

import pytest

from clientd.tls.identity import identity_in, install
from core.client import enrol as doing
from core.client.acts import acts
from core.client.checks import Finding
from core.client.clients import check, load_asked
from core.trust.register import SOON
from core.wire.bundle import read_bundle
from tests.support.cli import Said, call
from tests.support.small_site import SmallSite
from tests.support.tls import Ends, listening

DAY = 86400.0


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSite:
    monkeypatch.chdir(tmp_path)
    return SmallSite(tmp_path / "site", {"web1:/home": {"f": b"1"}, "db2:/x": {"g": b"2"}},
                     hosts={"web1": {"address": "127.0.0.1", "port": 20085}}, disks={"web1:/home": {"auth": "tls"}})


def taperoom(site: SmallSite, capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    return call(capsys, "--config", str(site.config), *words)


def test_enrolled_listed_renewed_revoked(site: SmallSite, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = taperoom(site, capsys, "client", "list")
    assert said.out.splitlines()[1].split() == ["web1", "not", "enrolled", "used"]
    said = taperoom(site, capsys, "client", "enrol", "web1")
    assert (said.code, said.err) == (0, "")
    for words in ("this site has an authority now", "web1 is enrolled until", "python3 -m clientd enrol web1.enrol",
                  "python3 -m clientd listen", "on port 20085", "taperoom check web1"):
        assert words in said.out
    assert "PRIVATE" not in said.out and 'need auth = "tls"' not in said.out
    file = tmp_path / "web1.enrol"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    bundle = install(file.read_text(), tmp_path / "client")
    assert (bundle.name, bundle.org, bundle.port) == ("web1", "test", 20085)
    assert identity_in(tmp_path / "client").trust.pin == bundle.pin

    said = taperoom(site, capsys, "client", "enrol", "web1", "--to", "again")
    assert said.code == 2 and said.err.startswith("CLT051 web1 is enrolled until ") and "--renew" in said.err
    assert not (tmp_path / "again").exists()
    said = taperoom(site, capsys, "client", "enrol", "web1", "--renew")
    assert said.code == 2 and said.err.startswith("CFG005 web1.enrol is there already")
    said = taperoom(site, capsys, "client", "enrol", "web1", "--renew", "--days", "10", "--to", "new")
    assert said.code == 0 and "authority now" not in said.out
    rows = json.loads(taperoom(site, capsys, "client", "list", "--json").out)
    assert [(row["host"], row["standing"], row["certificates"], row["uses_tls"]) for row in rows] == [("web1", "good", 2, True)]

    said = taperoom(site, capsys, "client", "revoke", "web1")
    assert said.code == 0 and said.out.startswith("2 certificates of web1 revoked; it is refused from now on")
    assert "revoked already" in taperoom(site, capsys, "client", "revoke", "web1").out
    assert "revoked" in taperoom(site, capsys, "client", "list").out
    assert taperoom(site, capsys, "client", "enrol", "web1", "--to", "third").code == 0, "no --renew is needed after that"
    assert [act.order for _, act in acts(site.site.state_dir)] == [
        "taperoom client enrol web1", "taperoom client enrol web1 --renew", *["taperoom client revoke web1"] * 2,
        "taperoom client enrol web1"]


def test_printed_only_when_asked_for(site: SmallSite, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = taperoom(site, capsys, "client", "enrol", "db2", "--to", "-")
    assert read_bundle(said.out).name == "db2" and "PRIVATE" not in said.err
    assert 'need auth = "tls" in the configuration (local now)' in said.err
    assert not list(tmp_path.glob("*.enrol"))
    assert "not used" in taperoom(site, capsys, "client", "list").out


def test_what_cannot_be(
    site: SmallSite, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for words, code, text in (
        (("enrol", "web2"), 2, "CFG007 'web2' is no host of"), (("revoke", "web1"), 2, "CLT040 web1 was never enrolled"),
        (("enrol", "web1", "--to", "no/such/dir"), 1, "CFG008 no/such/dir cannot be written"),
        (("enrol", "web1", "--days", "0"), 2, "CFG006"),
    ):
        said = taperoom(site, capsys, "client", *words)
        assert said.code == code and said.err.startswith(text), said
    assert not list(tmp_path.glob("*.enrol")), "nothing is left of what failed"
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert taperoom(site, capsys, "client", "enrol", "web1", "--to", "link").code == 2
    assert not (tmp_path / "elsewhere").exists()
    monkeypatch.setitem(sys.modules, "cryptography", None)
    said = taperoom(site, capsys, "client", "enrol", "web1")
    assert said.code == 2 and said.err.startswith("CLT053") and not (tmp_path / "web1.enrol").exists()


def test_hosts_for_the_shell(site: SmallSite, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.cli import where

    where.set_config(str(site.config))
    assert where.complete_host("") == ["web1", "db2"] and where.complete_host("w") == ["web1"]
    where.set_config("/nonexistent")
    assert where.complete_host("") == []


def found(site: SmallSite, now: float) -> list[tuple[str, str]]:
    return [(finding.severity, f"{finding.code} {finding.text}".strip()) for finding in doing.findings(site.site, now)]


def test_what_the_check_says_of_the_register(site: SmallSite) -> None:
    now = time.time()
    assert found(site, now) == [("E", "CLT040 web1 is not enrolled; taperoom client enrol web1")]
    doing.enrol(site.site, "web1", renew=False, days=100, now=now)
    day = doing.day(int(now) + 100 * DAY)
    assert found(site, now) == [("", f"1 client enrolled, the first certificate expires on {day}")]
    assert found(site, now + 70 * DAY + 2) == [
        ("W", f"CLT048 the certificate of web1 expires on {day}; taperoom client enrol web1 --renew")]
    assert found(site, now + 101 * DAY) == [
        ("E", f"CLT043 the certificate of web1 expired on {day}; taperoom client enrol web1")]
    (first, *_) = found(site, now + 19.5 * 365 * DAY)
    assert first[0] == "W" and first[1].startswith("CLT048 the authority and this server's own certificate expire on ")
    (first, *_) = found(site, now + 20.1 * 365 * DAY)
    assert first[0] == "E" and first[1].startswith("CLT043 the authority and this server's own certificate expired on ")
    doing.revoke(site.site, "web1", now)
    assert found(site, now) == [("E", "CLT044 the certificate of web1 is revoked; taperoom client enrol web1")]
    (site.site.tls_dir / "register.json").write_text("{")
    assert found(site, now)[0][1].startswith("CLT050 ")


def test_a_site_without_tls_says_nothing_of_it(tmp_path: Path) -> None:
    assert found(SmallSite(tmp_path, {"a:/x": {"f": b"1"}}), time.time()) == []


def test_the_certificate_that_is_really_shown_counts(
    site: SmallSite, capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:
    ends = Ends(site.site.tls_dir, tmp_path / "client")
    install(doing.enrol(site.site, "web1", renew=False, days=5).text, ends.client)
    doing.enrol(site.site, "web1", renew=True, days=500)
    with listening(ends) as listener:
        site.config.write_text(site.config.read_text().replace("port = 20085", f"port = {listener.port}"))
        said = taperoom(site, capsys, "check", "web1")
        assert said.code == 0
        text = " ".join(said.out.split())
        assert "WARN CLT048 web1: the certificate that it shows expires on" in text
        assert "was made but is not installed there" in text and "1 disk checked by the client, over tls" in text
        assert load_asked(site.site)["web1"].state == "warn"
        (site.site.tls_dir / "register.json").write_text("{")
        warned = [finding for finding in check(site.site) if isinstance(finding, Finding) and finding.code == "CLT048"]
        assert [finding.text.partition("; ")[2] for finding in warned] == ["taperoom client enrol web1 --renew"]
    said = taperoom(site, capsys, "check", "web1")
    assert said.code == 5 and "CLT009" in said.out


def test_nothing_to_say_of_a_certificate_that_is_good_for_long() -> None:
    assert doing.presented("web1", None, 1000.0 + SOON, 1000.0) is None
