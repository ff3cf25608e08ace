"""Who is at the other end of a TLS connection: names in certificates, the greeting, and a sentence for each refusal.

Both ends use it, and it knows no `ssl`: it gets numbers and words of the library and gives codes and sentences.  A name is
a URI in the certificate's subjectAltName and nothing else: the host names of addresses do not matter, and a URI is never
taken for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from core.errors import ProtocolError
from core.wire.words import clean

PORT = 10085
"""The listener's port where none is configured."""
GREETING_LIMIT = 512
"""Bytes of a greeting, its newline included."""
_WELCOME = b"TAPEROOM TLS 1 OK\n"
_REFUSAL = b"TAPEROOM TLS 1 NO "


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a peer is not talked to: a code, one sentence, and whether it may be well later by itself."""

    code: str
    text: str
    try_later: bool = False


def client_name(name: str) -> str:
    """What stands in the certificate of the client that the configuration calls ``name``."""
    return f"taperoom:client/{quote(name, safe='')}"


def server_name(org: str) -> str:
    """What stands in the certificate of the server of ``org``."""
    return f"taperoom:server/{quote(org, safe='')}"


def names_in(certificate: Mapping[str, object] | None) -> list[str]:
    """The URIs of a certificate as `ssl.SSLSocket.getpeercert` gives it."""
    found = certificate.get("subjectAltName", ()) if certificate else ()
    entries = found if isinstance(found, tuple) else ()
    return [entry[1] for entry in entries if isinstance(entry, tuple) and len(entry) == 2 and entry[0] == "URI"]


def greeting(refusal: str = "") -> bytes:
    """The client's first words inside of TLS: it has checked the server.  ``refusal``: why it does not take it."""
    if not refusal:
        return _WELCOME
    text = clean(refusal, 300).encode("utf-8", "replace")[:GREETING_LIMIT - len(_REFUSAL) - 1]
    return _REFUSAL + text + b"\n"


def read_greeting(line: bytes) -> str:
    """Empty when the client takes us, else why it does not.  ProtocolError when it is no greeting."""
    if line == _WELCOME:
        return ""
    if line.startswith(_REFUSAL) and line.endswith(b"\n") and len(line) <= GREETING_LIMIT and line.count(b"\n") == 1:
        return clean(line[len(_REFUSAL):].decode("utf-8", "replace")) or "it does not say why"
    raise ProtocolError(f"{line[:60]!r} is no greeting")


_OTHER_AUTHORITY = frozenset({2, 7, 18, 19, 20, 21, 22})
_WRONG_USE = frozenset({24, 25, 26, 79})
_OUR_LIST = {3: "is missing or of another authority", 8: "is not signed by the authority", 11: "is not valid yet",
             33: "is missing or of another authority"}


def of_verification(number: int, said: str, peer: str) -> Trouble:
    """Why the certificate of ``peer`` is not good, by OpenSSL's X509_V_ERR number and text."""
    if number == 10:
        return Trouble("CLT043", f"the certificate of {peer} has expired")
    if number == 9:
        return Trouble("CLT043", f"the certificate of {peer} is not valid yet: one of the two clocks is wrong")
    if number == 23:
        return Trouble("CLT044", f"the certificate of {peer} is revoked")
    if number in _OTHER_AUTHORITY:
        return Trouble("CLT041", f"the certificate of {peer} is of another authority than ours")
    if number in _WRONG_USE:
        return Trouble("CLT042", f"the certificate of {peer} was made for something else")
    if number == 12:  # the list is good as long as the authority
        return Trouble("CLT043", f"our authority has expired, and with it the certificate of {peer}")
    if number in _OUR_LIST:
        return Trouble("CLT050", f"our list of revoked certificates {_OUR_LIST[number]}")
    return Trouble("CLT041", f"the certificate of {peer} is not good: {clean(said, 100)}")


_ALERTS = {
    "ALERT_UNKNOWN_CA": "that our certificate is of another authority than its own",
    "ALERT_CERTIFICATE_EXPIRED": "that our certificate has expired",
    "ALERT_CERTIFICATE_REVOKED": "that our certificate is revoked",
    "ALERT_CERTIFICATE_REQUIRED": "that we showed no certificate",
    "ALERT_UNSUPPORTED_CERTIFICATE": "that our certificate was made for something else",
    "ALERT_BAD_CERTIFICATE": "that our certificate is not good",
    "ALERT_CERTIFICATE_UNKNOWN": "that our certificate is not good",
    "ALERT_DECRYPT_ERROR": "that our certificate is not good",
    "ALERT_ACCESS_DENIED": "that we may not",
}
_OLD = ("ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "VERSION_TOO_LOW", "NO_PROTOCOLS_AVAILABLE")
_PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL",
          "RECORD_LAYER_FAILURE", "RECORD_TOO_SMALL", "BAD_RECORD_TYPE", "INVALID_RECORD", "UNEXPECTED_RECORD")


def of_library(reason: str, peer: str) -> Trouble:
    """Why a handshake with ``peer`` failed, by OpenSSL's name of the reason."""
    for word, text in _ALERTS.items():
        if reason.endswith(word):
            return Trouble("CLT047", f"{peer} refuses us; it says {text}")
    if reason.endswith(_OLD):
        return Trouble("CLT046", f"{peer} has no TLS 1.3, and nothing older is talked")
    if reason.endswith(_PLAIN):
        return Trouble("CLT045", f"{peer} does not speak TLS")
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return Trouble("CLT041", f"{peer} shows no certificate")
    said = clean(reason.lower().replace("_", " "), 100) or "no reason"
    return Trouble("CLT049", f"the TLS handshake with {peer} failed: {said}")


def broken_off(peer: str) -> Trouble:
    """It left before the handshake was over."""
    return Trouble("CLT049", f"{peer} broke the TLS handshake off", try_later=True)
