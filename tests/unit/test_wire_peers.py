"""Names, greetings, sentences for refusals, and the file of an enrolment: text in, values out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.codes import PAGES
from core.errors import ProtocolError
from core.wire import peers
from core.wire.bundle import LIMIT, Bundle, read_bundle, read_trust


def pem(label: str) -> str:
    return f"-----BEGIN {label}-----\nTWFuIGlz\n-----END {label}-----\n"


BUNDLE = Bundle("daily", "web1", "ab" * 32, 10085, "2030-01-31", pem("CERTIFICATE"), pem("X509 CRL"),
                pem("CERTIFICATE"), pem("PRIVATE KEY"))


def test_names() -> None:
    assert peers.client_name("web1") == "taperoom:client/web1"
    assert peers.client_name("büro/1 x") == "taperoom:client/b%C3%BCro%2F1%20x"
    assert peers.client_name("daily") != peers.server_name("daily")
    found = {"subjectAltName": (("DNS", "web1"), ("URI", "taperoom:client/web1"), ("URI", "x:y"))}
    assert peers.names_in(found) == ["taperoom:client/web1", "x:y"]
    for odd in (None, {}, {"subjectAltName": ()}, {"subjectAltName": "URI"}, {"subjectAltName": (("URI",), 7)}):
        assert peers.names_in(odd) == []  # type: ignore[arg-type]


def test_greetings() -> None:
    assert peers.read_greeting(peers.greeting()) == ""
    assert peers.read_greeting(peers.greeting("CLT042 no\x1b[31m")) == "CLT042 no?[31m"
    long = peers.greeting("ü" * 9000)
    assert len(long) <= peers.GREETING_LIMIT and peers.read_greeting(long).startswith("üü")
    assert peers.read_greeting(b"TAPEROOM TLS 1 NO \n") == "it does not say why"


@pytest.mark.parametrize("line", [
    b"", b"\n", b"TAPEROOM TLS 1 OK", b"TAPEROOM TLS 1 OK\n\0\0", b"TAPEROOM TLS 2 OK\n", b"HTTP/1.1 400 Bad Request\r\n",
    b"TAPEROOM TLS 1 NO a\nb\n", b"TAPEROOM TLS 1 NO a", b"TAPEROOM TLS 1 NO " + b"x" * 600 + b"\n"])
def test_what_is_no_greeting(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="is no greeting"):
        peers.read_greeting(line)


@pytest.mark.parametrize(("number", "code", "text"), [
    (10, "CLT043", "the certificate of web1 has expired"),
    (9, "CLT043", "the certificate of web1 is not valid yet: one of the two clocks is wrong"),
    (23, "CLT044", "the certificate of web1 is revoked"),
    (20, "CLT041", "the certificate of web1 is of another authority than ours"),
    (18, "CLT041", "the certificate of web1 is of another authority than ours"),
    (26, "CLT042", "the certificate of web1 was made for something else"),
    (12, "CLT043", "our authority has expired, and with it the certificate of web1"),
    (11, "CLT050", "our list of revoked certificates is not valid yet"),
    (3, "CLT050", "our list of revoked certificates is missing or of another authority"),
    (999, "CLT041", "the certificate of web1 is not good: odd?[1m")])
def test_certificates_that_are_not_good(number: int, code: str, text: str) -> None:
    found = peers.of_verification(number, "odd\x1b[1m", "web1")
    assert (found.code, found.text, found.try_later) == (code, text, False) and code in PAGES


@pytest.mark.parametrize(("reason", "code", "words"), [
    ("TLSV1_ALERT_UNKNOWN_CA", "CLT047", "of another authority than its own"),
    ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "CLT047", "has expired"), ("SSLV3_ALERT_CERTIFICATE_REVOKED", "CLT047", "is revoked"),
    ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "CLT047", "showed no certificate"),
    ("TLSV1_ALERT_PROTOCOL_VERSION", "CLT046", "no TLS 1.3"), ("UNSUPPORTED_PROTOCOL", "CLT046", "no TLS 1.3"),
    ("WRONG_VERSION_NUMBER", "CLT045", "does not speak TLS"), ("HTTP_REQUEST", "CLT045", "does not speak TLS"),
    ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "CLT041", "shows no certificate"),
    ("SOMETHING_NEW", "CLT049", "failed: something new"), ("", "CLT049", "failed: no reason")])
def test_handshakes_that_fail(reason: str, code: str, words: str) -> None:
    found = peers.of_library(reason, "web1")
    assert found.code == code and words in found.text and "web1" in found.text and code in PAGES


def test_a_bundle_is_read_as_it_was_written() -> None:
    assert read_bundle(BUNDLE.text()) == BUNDLE
    assert read_bundle(BUNDLE.text().replace("\n", "\r\n")) == BUNDLE, "a mail or an editor may have done that"
    assert read_trust(BUNDLE.trust) == replace(BUNDLE, certificate="", key="")
    assert "PRIVATE" not in BUNDLE.trust


TEXT = BUNDLE.text()


@pytest.mark.parametrize("text", [
    "", "x", TEXT[:-30], TEXT + "x", "x" + TEXT, TEXT.replace("enrolment: 1", "enrolment: 2"), TEXT.replace("org: daily\n", ""),
    TEXT.replace("org: daily", "org: \x1b[31m"), TEXT.replace("org: daily", "org: a\norg: b"), TEXT.replace("10085", "99999"),
    TEXT.replace("10085", "0"), TEXT.replace("10085", "٣"), TEXT.replace("abab", "ABAB"), TEXT.replace("2030-01-31", "soon"),
    TEXT.replace("PRIVATE KEY", "RSA PRIVATE KEY"), TEXT + pem("CERTIFICATE"), BUNDLE.trust, BUNDLE.own,
    TEXT.replace("TWFu", "!!!!"), TEXT.replace("-----END X509 CRL-----\n", ""), "a" * (LIMIT + 1)])
def test_what_is_no_bundle(text: str) -> None:
    with pytest.raises(ProtocolError):
        read_bundle(text)
