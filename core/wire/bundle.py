"""The one file that carries a client's enrolment from the server to the client, and the text that stays on the client.

Lines ``key: value``, then PEM blocks: the authority's certificate, its list of revoked ones, the client's certificate and
key.  Both ends use this module; it reads and writes text and knows nothing of certificates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import ProtocolError

LIMIT = 1024 * 1024
"""Characters of a bundle; with ten thousand revoked certificates it has half of that."""
_FORMAT = "1"
_KEYS = ("taperoom-enrolment", "org", "name", "server-sha256", "port", "until")
_LABELS = ("CERTIFICATE", "X509 CRL", "CERTIFICATE", "PRIVATE KEY")
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----\n([A-Za-z0-9+/=\n]*)-----END \1-----\n")
_PIN = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Bundle:
    """``pin``: SHA-256 of the server's certificate; ``until``: the last day of the client's; the rest is PEM."""

    org: str
    name: str
    pin: str
    port: int
    until: str
    authority: str
    revoked: str
    certificate: str
    key: str

    def text(self) -> str:
        """The whole file."""
        return f"{self.trust}{self.own}"

    @property
    def trust(self) -> str:
        """What is no secret: whom the client believes."""
        values = (_FORMAT, self.org, self.name, self.pin, str(self.port), self.until)
        head = "".join(f"{key}: {value}\n" for key, value in zip(_KEYS, values, strict=True))
        return f"{head}{self.authority}{self.revoked}"

    @property
    def own(self) -> str:
        """The client's certificate and its key."""
        return f"{self.certificate}{self.key}"


def read_bundle(text: str) -> Bundle:
    """A whole bundle.  ProtocolError when it is none."""
    return _read(text, _LABELS)


def read_trust(text: str) -> Bundle:
    """`Bundle.trust` of a bundle, with neither certificate nor key.  ProtocolError when it is none."""
    return _read(text, _LABELS[:2])


def _read(text: str, labels: tuple[str, ...]) -> Bundle:
    if len(text) > LIMIT:
        raise ProtocolError("it is too long")
    head, mark, rest = text.replace("\r\n", "\n").partition("-----BEGIN ")
    blocks, at, rest = [], 0, mark + rest
    while found := _BLOCK.match(rest, at):
        blocks.append((found[1], found[0]))
        at = found.end()
    if rest[at:].strip():
        raise ProtocolError("there is something else between or after its parts")
    values: dict[str, str] = {}
    for line in head.splitlines():
        key, colon, value = line.partition(": ")
        if not colon or key not in _KEYS or key in values or not value or not value.isprintable():
            raise ProtocolError(f"{line[:60]!r} is no line of its head")
        values[key] = value
    if tuple(values) != _KEYS or values[_KEYS[0]] != _FORMAT:
        raise ProtocolError("its head is not whole, or of a version that this client does not know")
    if tuple(label for label, _ in blocks) != labels:
        raise ProtocolError("a certificate, the list of revoked ones or the key is missing")
    if not _PIN.fullmatch(values["server-sha256"]) or not _DATE.fullmatch(values["until"]):
        raise ProtocolError("its head has a bad value")
    if not re.fullmatch(r"[1-9]\d{0,4}", values["port"], re.ASCII) or int(values["port"]) > 65535:
        raise ProtocolError("its head has a bad port")
    parts = [block for _, block in blocks] + [""] * (len(_LABELS) - len(labels))
    return Bundle(values["org"], values["name"], values["server-sha256"], int(values["port"]), values["until"], *parts)
