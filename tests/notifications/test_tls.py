"""What is known when TLS fails: before anything was said nothing, later nobody can tell."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from notifications.channels.http import HttpCaller
from notifications.channels.robots import WecomRobot
from notifications.channels.sender import Answer, Outgoing, Result
from tests.notifications.provider_servers import CLOSE, Provider, http_provider

AT = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
HIM = Outgoing(UUID(int=1), "key", "robot-key", "王同志", ("一件事",), "claim_approved")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that nobody has signed, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def send(provider: Provider, trusted: Path | None) -> Answer:
    caller = HttpCaller(timeout=(2, 2))
    if trusted is not None:
        caller._session.verify = str(trusted)
    return WecomRobot(provider.url, caller, lambda: AT).send(HIM)


def test_unknown_certificate_gets_nothing_and_a_broken_line_says_nothing(
    certificate: Path,
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with http_provider((200, {"errcode": 0}), CLOSE, tls=tls) as provider:
        answers = [send(provider, trusted) for trusted in (None, certificate, certificate)]

    assert answers == [
        Answer(Result.TRY_AGAIN, "certificate"),
        Answer(Result.ACCEPTED, "0"),
        Answer(Result.UNKNOWN, "connection_lost"),
    ]
    assert len(provider.received) == 2
