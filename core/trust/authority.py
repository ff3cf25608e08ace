"""The site's own authority: made at first use, it certifies this server and each client, and revokes.

Promises that keys are born with mode 0600 in a directory of mode 0700, that an authority is there whole or not at all, that
two commands at once do not lose each other's entries, and that a client's key stays nowhere but in what is handed
over.  Needs the library ``cryptography``, here alone and on the server only.

Certificates are ECDSA P-256.  The server's lives as long as the authority: clients pin it, and its key lies next to the
authority's, so to replace one without the other would win nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UsageError, WorldError
from core.trust.register import FILE, Issued, Register, load_register, put, register_text
from core.wire.bundle import Bundle
from core.wire.peers import client_name, server_name
from core.wire.transports.tls import AUTHORITY, REVOKED, SERVER

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder

KEY = "ca.key"
AUTHORITY_DAYS = 20 * 365
CLIENT_DAYS = 2 * 365
EARLY = timedelta(days=1)
"""How much earlier everything is valid than it was made: a client's clock may be behind."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority in a directory, which is there."""

    directory: Path

    @property
    def register(self) -> Register:
        """What it issued.  WorldError CLT050."""
        found = load_register(self.directory)
        if found is None:
            raise WorldError("CLT050", f"{self.directory / FILE} is gone", "bring it back from a backup of the state directory")
        return found

    def issue(self, host: str, port: int, days: int, now: float) -> Bundle:
        """A new key and certificate for ``host``; older ones stay what they are.  WorldError CLT050, CLT053."""
        with _faults(self.directory), _locked(self.directory):
            register = self.register
            key, authority = self._load()
            if authority.not_valid_after_utc <= _date(now):
                raise WorldError("CLT043", f"the authority in {self.directory} has expired",
                                 "move the directory away and enrol every client anew")
            own = _new_key()
            until = min(_date(now) + timedelta(days=days), authority.not_valid_after_utc)
            serial = _serial()
            made = _leaf(authority, key, own, host, client_name(host), _date(now), until, serial, listens=True)
            put(self.directory / FILE, register_text(
                register.with_issued(host, Issued(serial, now, until.timestamp()))))
            return Bundle(register.org, host, register.pin, port, f"{until:%Y-%m-%d}", _pem(authority),
                          (self.directory / REVOKED).read_text("ascii"), _pem(made), _key_pem(own))

    def revoke(self, host: str, now: float) -> int:
        """Revoke every certificate of ``host``; how many were not revoked before.  WorldError CLT050, CLT053."""
        with _faults(self.directory), _locked(self.directory):
            before = self.register
            after = before.with_revoked(host, now)
            key, authority = self._load()
            # The register is the truth.  Who was killed in between gives the order again, and the list is made from it anew.
            put(self.directory / FILE, register_text(after))
            put(self.directory / REVOKED, _revocations(authority, key, after.revoked(), now))
            return len(after.revoked()) - len(before.revoked())

    def _load(self) -> tuple[EllipticCurvePrivateKey, Certificate]:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = load_pem_private_key((self.directory / KEY).read_bytes(), None)
        if not isinstance(key, EllipticCurvePrivateKey):
            raise ValueError(f"{KEY} is no key of ours")
        return key, x509.load_pem_x509_certificate((self.directory / AUTHORITY).read_bytes())


def authority_of(directory: Path, org: str, now: float) -> tuple[Authority, bool]:
    """The authority in ``directory``, made when there is none; whether it was made.

    WorldError CLT050 when it cannot be, CLT053 without the library.
    """
    _need_library()
    with _faults(directory):
        if (directory / FILE).exists():
            return Authority(directory), False
        if directory.exists():
            raise WorldError("CLT050", f"{directory} is there, but {FILE} is not in it",
                             "bring it back from a backup of the state directory, or move the directory away and enrol "
                             "every client anew")
        directory.parent.mkdir(parents=True, exist_ok=True)
        new = directory.with_name(f".{directory.name}.{os.getpid()}")
        try:
            new.mkdir(mode=0o700)
            _make(new, org, now)
            try:
                new.rename(directory)
            except OSError:
                if not (directory / FILE).exists():  # else another command was faster, and its authority is as good
                    raise
                return Authority(directory), False
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return Authority(directory), True


def _make(directory: Path, org: str, now: float) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    key, own = _new_key(), _new_key()
    begin, end = _date(now), _date(now) + timedelta(days=AUTHORITY_DAYS)
    mark = os.urandom(4).hex()  # two authorities of one name must not be taken for each other
    name = _named(f"Taperoom authority {mark} of {org}")
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                           "encipher_only", "decipher_only"), False)
    authority = (
        _begun(key, begin, end, _serial()).subject_name(name).issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256()))
    server = _leaf(authority, key, own, org, server_name(org), begin, end, _serial(), listens=False)
    pin = hashlib.sha256(server.public_bytes(Encoding.DER)).hexdigest()
    put(directory / KEY, _key_pem(key), secret=True)
    put(directory / AUTHORITY, _pem(authority))
    put(directory / SERVER, _pem(server) + _key_pem(own), secret=True)
    put(directory / REVOKED, _revocations(authority, key, [], now))
    put(directory / FILE, register_text(Register(org, pin, end.timestamp(), {})))


def _leaf(
    authority: Certificate, key: EllipticCurvePrivateKey, own: EllipticCurvePrivateKey, called: str, name: str,
    begin: datetime, end: datetime, serial: int, *, listens: bool,
) -> Certificate:
    """A certificate for ``name``; a listener's is good for nothing but to listen, and ours for nothing but to connect."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    purpose = ExtendedKeyUsageOID.SERVER_AUTH if listens else ExtendedKeyUsageOID.CLIENT_AUTH
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
                           "crl_sign", "encipher_only", "decipher_only"), False)
    return (
        _begun(own, begin, end, serial).subject_name(_named(called)).issuer_name(authority.subject)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256()))


def _begun(key: EllipticCurvePrivateKey, begin: datetime, end: datetime, serial: int) -> CertificateBuilder:
    from cryptography import x509

    return (x509.CertificateBuilder().public_key(key.public_key()).serial_number(serial)
            .not_valid_before(begin - EARLY).not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))


def _revocations(authority: Certificate, key: EllipticCurvePrivateKey, revoked: list[Issued], now: float) -> str:
    """The list of revoked certificates; it is good as long as the authority, since nobody renews it in between."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    made = (x509.CertificateRevocationListBuilder().issuer_name(authority.subject)
            .last_update(min(_date(now), authority.not_valid_after_utc) - EARLY).next_update(authority.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now * 1000)), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False))
    for one in revoked:
        made = made.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(_date(one.revoked)).build())
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode("ascii")


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _serial() -> int:
    from cryptography import x509

    return x509.random_serial_number()


def _named(text: str) -> x509.Name:
    """For people; no check looks at it.  64 characters is what such a name may have."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _pem(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _key_pem(key: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _date(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), UTC)


def _need_library() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise UsageError("CLT053", "the Python package cryptography is not installed on this server",
                         "pip install 'taperoom[tls]'") from None


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with open(os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _faults(directory: Path) -> Iterator[None]:
    """What the file system and damaged files do, in our words."""
    try:
        yield
    except OSError as fault:
        name = fault.filename or directory
        raise WorldError("CLT050", f"{name}: {fault.strerror or fault}", "run it as the user who runs the backup") from None
    except (ValueError, TypeError, UnicodeError) as fault:
        raise WorldError("CLT050", f"a file in {directory} is damaged: {str(fault)[:200]}",
                         "bring it back from a backup of the state directory") from None
