"""The site's own authority: what it makes, with which modes, what it remembers, and what damage does to it."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.errors import TaperoomError, WorldError
from core.trust import authority as module
from core.trust.authority import authority_of
from core.trust.register import SOON, Issued, Standing, load_register, standing_of
from core.wire.bundle import read_bundle
from tests.support.tls import serial_of

NOW = 1_900_000_000.0
DAY = 86400.0


def fault(act: object, *arguments: object) -> TaperoomError:
    with pytest.raises(TaperoomError) as caught:
        act(*arguments)  # type: ignore[operator]
    return caught.value


def test_made_once_and_nobody_else_may_read_its_keys(tmp_path: Path) -> None:
    made, fresh = authority_of(tmp_path / "state/tls", "daily", NOW)
    assert fresh and stat.S_IMODE(made.directory.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.directory.iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o600} == {"ca.key", "server.pem"}
    before = {path.name: path.read_bytes() for path in made.directory.iterdir()}
    again, fresh = authority_of(made.directory, "daily", NOW + DAY)
    assert (again, fresh) == (made, False)
    assert {path.name: path.read_bytes() for path in made.directory.iterdir()} == before
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["tls"], "nothing half-made is left"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="NOT TESTED: openssl is not installed: nobody else looks at it")
def test_openssl_agrees(tmp_path: Path) -> None:
    made, _ = authority_of(tmp_path / "tls", "daily", time.time())
    bundle = made.issue("web1", 10085, 30, time.time())
    client = tmp_path / "client.pem"
    client.write_text(bundle.own)

    def verify(purpose: str, file: Path) -> str:
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-crl_check", "-purpose", purpose, "-CAfile", made.directory / "ca.pem",
             "-CRLfile", made.directory / "crl.pem", file], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    assert verify("sslserver", client) == f"{client}: OK\n"
    assert verify("sslclient", made.directory / "server.pem") == f"{made.directory}/server.pem: OK\n"
    assert "unsuitable certificate purpose" in verify("sslclient", client).replace("unsupported", "unsuitable")
    made.revoke("web1", time.time())
    assert "revoked" in verify("sslserver", client)
    shown = subprocess.run(["openssl", "x509", "-in", client, "-noout", "-text"], capture_output=True, text=True,
                           check=True).stdout
    assert "URI:taperoom:client/web1" in shown and "DNS:" not in shown


def test_names_that_are_long_or_not_ascii(tmp_path: Path) -> None:
    made, _ = authority_of(tmp_path / "tls", "d" * 90, NOW)
    for name in ("x" * 200, "büro-1", "a_b.c"):
        bundle = made.issue(name, 1, 1, NOW)
        assert read_bundle(bundle.text()) == bundle and bundle.name == name
    assert len(made.register.clients) == 3


def test_what_is_issued_is_remembered_and_its_key_is_not(tmp_path: Path) -> None:
    made, _ = authority_of(tmp_path / "tls", "daily", NOW)
    first, second = (made.issue("web1", 10085, days, NOW) for days in (10, 730))
    assert first.key != second.key and first.until == "2030-03-27" and second.authority == first.authority
    assert [one.until - NOW for one in made.register.clients["web1"]] == [10 * DAY, 730 * DAY]
    whole = b"".join(path.read_bytes() for path in made.directory.iterdir())
    for line in (*first.key.splitlines()[1:-1], *second.key.splitlines()[1:-1]):
        assert line.encode() not in whole
    (tmp_path / "own").write_text(second.own)
    assert made.register.clients["web1"][1].serial == serial_of(tmp_path / "own")


def test_no_certificate_outlives_the_authority(tmp_path: Path) -> None:
    made, _ = authority_of(tmp_path / "tls", "daily", NOW)
    end = made.register.until
    made.issue("web1", 1, 7300, NOW + DAY)
    assert made.register.clients["web1"][0].until == end
    told = fault(made.issue, "web2", 1, 1, end + 1)
    assert told.code == "CLT043" and "has expired" in told.message
    assert "web2" not in made.register.clients


def test_revoked_once_for_all_certificates(tmp_path: Path) -> None:
    made, _ = authority_of(tmp_path / "tls", "daily", NOW)
    for name in ("web1", "web1", "web2"):
        made.issue(name, 1, 10, NOW)
    assert (made.revoke("web1", NOW + 5), made.revoke("web1", NOW + 9)) == (2, 0)
    assert [one.revoked for one in made.register.clients["web1"]] == [NOW + 5] * 2
    assert made.register.standing("web1", NOW)[0] is Standing.REVOKED
    assert made.register.standing("web2", NOW)[0] is Standing.SOON
    made.issue("web1", 1, 100, NOW + 10)
    assert made.register.standing("web1", NOW + 10) == (Standing.GOOD, NOW + 10 + 100 * DAY)


def test_a_revocation_that_was_cut_off_is_made_whole_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography import x509

    def listed() -> set[int]:
        return {one.serial_number for one in x509.load_pem_x509_crl((made.directory / "crl.pem").read_bytes())}

    made, _ = authority_of(tmp_path / "tls", "daily", NOW)
    made.issue("web1", 1, 10, NOW)
    made.issue("web2", 1, 10, NOW)
    put = module.put

    def torn(path: Path, text: str, *, secret: bool = False) -> None:
        if path.name == "crl.pem":
            raise OSError(28, "No space left on device", str(path))
        put(path, text, secret=secret)

    monkeypatch.setattr(module, "put", torn)
    told = fault(made.revoke, "web1", NOW)
    assert told.code == "CLT050" and "No space left" in told.message
    assert listed() == set()
    monkeypatch.setattr(module, "put", put)
    made.revoke("web2", NOW)
    assert listed() == {one.serial for all_of in made.register.clients.values() for one in all_of}


def test_many_at_once_lose_nothing(tmp_path: Path) -> None:
    made, _ = authority_of(tmp_path / "tls", "daily", NOW)
    threads = [threading.Thread(target=made.issue, args=(f"web{n}", 1, 10, NOW)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made.register.clients) == 8


@pytest.mark.parametrize(("name", "text"), [
    ("register.json", "{"), ("register.json", "[]"), ("register.json", '{"org": 1}'), ("register.json", "[" * 100_000),
    ("register.json", '{"org": "x", "pin": "", "until": 0, "clients": {"a": [{"serial": "zz"}]}}'),
    ("ca.key", "nonsense"), ("ca.pem", ""), ("ca.key", None), ("ca.pem", None), ("register.json", None)])
def test_damage_is_told_and_nothing_is_made_over_it(tmp_path: Path, name: str, text: str | None) -> None:
    made, _ = authority_of(tmp_path / "tls", "daily", NOW)
    (made.directory / name).unlink() if text is None else (made.directory / name).write_text(text)
    before = {path.name: path.read_bytes() for path in made.directory.iterdir() if path.name != "lock"}
    told = fault(lambda: authority_of(made.directory, "daily", NOW)[0].issue("web1", 1, 1, NOW))
    assert told.code == "CLT050" and str(made.directory) in told.message
    assert {path.name: path.read_bytes() for path in made.directory.iterdir() if path.name != "lock"} == before


def test_a_key_of_another_kind(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made, _ = authority_of(tmp_path / "tls", "daily", NOW)
    (made.directory / "ca.key").write_bytes(
        Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert fault(made.issue, "web1", 1, 1, NOW).code == "CLT050"


def test_a_place_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = fault(authority_of, tmp_path / "file/tls", "daily", NOW)
    assert isinstance(told, WorldError) and told.code == "CLT050" and "file" in told.message


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    told = fault(authority_of, tmp_path / "tls", "daily", NOW)
    assert (told.code, told.exit_code) == ("CLT053", 2) and "taperoom[tls]" in told.hint
    assert not (tmp_path / "tls").exists()


def test_the_register_is_read_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = authority_of(tmp_path / "tls", "daily", NOW)
    made.issue("web1", 1, 10, NOW)
    code = ("import sys; sys.modules['cryptography'] = None\nfrom pathlib import Path\n"
            "from core.trust.register import load_register\nprint(*load_register(Path(sys.argv[1])).clients)")
    done = subprocess.run([sys.executable, "-P", "-c", code, str(made.directory)], capture_output=True, text=True, check=True)
    assert done.stdout == "web1\n"
    assert load_register(tmp_path) is None
    assert json.loads((made.directory / "register.json").read_text())["org"] == "daily"


@pytest.mark.parametrize(("certificates", "standing", "until"), [
    ((), Standing.NONE, 0.0),
    ((Issued(1, 0, NOW + 2 * SOON),), Standing.GOOD, NOW + 2 * SOON),
    ((Issued(1, 0, NOW + SOON),), Standing.GOOD, NOW + SOON),
    ((Issued(1, 0, NOW + SOON - 1),), Standing.SOON, NOW + SOON - 1),
    ((Issued(1, 0, NOW),), Standing.EXPIRED, NOW),
    ((Issued(1, 0, NOW + 2 * SOON, NOW),), Standing.REVOKED, NOW + 2 * SOON),
    ((Issued(1, 0, NOW + 3 * SOON, NOW), Issued(2, 0, NOW + 5)), Standing.SOON, NOW + 5),
    ((Issued(1, 0, NOW - 5), Issued(2, 0, NOW + 2 * SOON)), Standing.GOOD, NOW + 2 * SOON)])
def test_how_a_client_stands(certificates: tuple[Issued, ...], standing: Standing, until: float) -> None:
    assert standing_of(certificates, NOW) == (standing, until)
