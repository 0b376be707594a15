"""The practice exchange's certificate authority and certificate, made once in its folder.

The authority's own key is thrown away as soon as it has signed: who trusts `ca.pem` trusts nothing
but this one certificate.
"""

import datetime as dt
import ipaddress
import os
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from arb.clock import NS_PER_DAY, NS_PER_S

HOSTS: Final = (  # every venue it can stand in for, so that one certificate serves them all
    "binance.com",
    "*.binance.com",
    "okx.com",
    "*.okx.com",
    "localhost",
)
VALID_DAYS: Final = 3_650
LEFT_DAYS_MIN: Final = 2


class Certificates(Struct, frozen=True):
    """Where the files are."""

    ca: Path  # for clients to trust
    chain: Path
    key: Path


def ensure_certificates(folder: Path, now_ns: int) -> Certificates:
    """Find the certificates in a folder, or make them; those that end soon are made anew."""
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    if not all(path.exists() for path in (files.ca, files.chain, files.key)) or _ends_soon(
        files.chain, now_ns
    ):
        _make(files, now_ns)
    return files


def _ends_soon(chain: Path, now_ns: int) -> bool:
    certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    ends_ns = int(certificate.not_valid_after_utc.timestamp()) * NS_PER_S
    return ends_ns - now_ns < LEFT_DAYS_MIN * NS_PER_DAY


def _make(files: Certificates, now_ns: int) -> None:
    day = dt.timedelta(days=1)
    begins = dt.datetime.fromtimestamp(now_ns // NS_PER_S, dt.UTC) - day
    ends = begins + VALID_DAYS * day
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = _named("practice exchange authority")
    ca = (
        x509.CertificateBuilder()
        .subject_name(ca_name)
        .issuer_name(ca_name)
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False)  # noqa: FBT003 -- not critical
        .sign(ca_key, hashes.SHA256())
    )
    names = [x509.DNSName(host) for host in HOSTS]
    server = (
        x509.CertificateBuilder()
        .subject_name(_named("practice exchange"))
        .issuer_name(ca_name)
        .public_key(server_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(
            x509.SubjectAlternativeName(
                [*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = server_key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(files.key, secret)
    write_private(files.chain, server.public_bytes(pem))
    write_private(files.ca, ca.public_bytes(pem))


def write_private(path: Path, content: bytes) -> None:
    """Put a file into its place at one stroke; nobody else can read it."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
