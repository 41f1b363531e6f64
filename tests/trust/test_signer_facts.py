"""Facts about signers: malformed claims stay absent, subjects of each kind, and identity policies match wholly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from virtual_der import utf8
from virtual_keys import derive_key
from virtual_sigstore import DEFAULT_RUN, GITHUB_ISSUER, NOW, VirtualSigstore

from assess.errors import ConfigError
from assess.evidence import Signer
from assess.trust._outcome import RefusedError
from assess.trust.certificates import read_leaf
from assess.trust.roots import load_trusted_root
from assess.trust.signers import IdentityPolicy, check_identity, read_signer

VS = VirtualSigstore()
ROOT = load_trusted_root(VS.trusted_root(), "root")
IDENTITY = DEFAULT_RUN.signer_uri


def certificate(names: list[x509.GeneralName], claims: dict[int, bytes]) -> bytes:
    key = derive_key("signers", "leaf")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(minutes=10))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), True)
    for number, value in claims.items():
        oid = x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def signer_of(names: list[x509.GeneralName], claims: dict[int, bytes]) -> Signer:
    return read_signer(read_leaf(certificate(names, claims)).value, ROOT).value


URI = x509.UniformResourceIdentifier(IDENTITY)
USERNAME = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        (URI, IDENTITY),
        (x509.RFC822Name("someone@example.com"), "someone@example.com"),
        (x509.OtherName(USERNAME, utf8("someone!example.com")), "someone!example.com"),
    ],
)
def test_subjects(name: x509.GeneralName, identity: str) -> None:
    assert signer_of([name], {}).identity == identity


@pytest.mark.parametrize(
    "names",
    [
        [],
        [URI, x509.RFC822Name("someone@example.com")],
        [x509.OtherName(x509.ObjectIdentifier("1.2.3"), utf8("someone"))],
        [x509.OtherName(USERNAME, b"\x04\x01x")],
        [x509.DirectoryName(x509.Name([]))],
    ],
)
def test_subjects_that_are_refused(names: list[x509.GeneralName]) -> None:
    with pytest.raises(RefusedError):
        signer_of(names, {})


LONG = "x" * 300
CLAIMS = [
    (1, b"https://issuer.example", "https://issuer.example"),
    (1, b"\xff\xfe", None),
    (2, b"", ""),
    (9, utf8("https://example.com"), "https://example.com"),
    (9, utf8(LONG), LONG),
    (9, utf8(""), ""),
    (9, b"", None),
    (9, b"\x0c", None),
    (9, b"https://example.com", None),
    (9, utf8("short") + b"x", None),
    (9, utf8("short")[:-1], None),
    (9, b"\x0c\x81\x05short", None),
    (9, b"\x0c\x80short\x00\x00", None),
    (9, b"\x0c\x82\x00\x05short", None),
    (9, b"\x0c\x85\x00\x00\x00\x00\x05short", None),
    (9, b"\x13\x05short", None),
    (9, b"\x0c\x02\xff\xfe", None),
    (24, utf8("repo:o/r:ref:refs/heads/main"), "repo:o/r:ref:refs/heads/main"),
    (99, utf8("later"), "later"),
]


@pytest.mark.parametrize(("number", "raw", "expected"), CLAIMS)
def test_claims(number: int, raw: bytes, expected: str | None) -> None:
    claims = signer_of([URI], {number: raw}).claims
    assert [claim.value for claim in claims] == ([expected] if expected is not None else [])


def test_old_certificates_have_six_claims() -> None:
    claims = {
        1: GITHUB_ISSUER.encode(),
        2: b"push",
        3: b"ab" * 20,
        4: b"Release",
        5: b"owner/repo",
        6: b"refs/tags/v1",
    }
    signer = signer_of([URI], claims)
    assert signer.issuer == GITHUB_ISSUER
    assert signer.source_repository == "https://github.com/owner/repo"
    assert (signer.source_digest, signer.source_ref, signer.build_trigger) == ("ab" * 20, "refs/tags/v1", "push")
    assert (signer.build_signer, signer.runner_environment) == (None, None)
    # Only GitHub writes it without a host.
    assert signer_of([URI], claims | {1: b"https://issuer.example"}).source_repository is None


SIGNER = Signer("certificate", IDENTITY, GITHUB_ISSUER)
ESCAPED = IDENTITY.replace(".", "\\.")
HOLDS = [
    IdentityPolicy(),
    IdentityPolicy(identity=IDENTITY),
    IdentityPolicy(identity=IDENTITY, issuer=GITHUB_ISSUER),
    IdentityPolicy(identity_regexp=ESCAPED),
    IdentityPolicy(identity_regexp=f"^{ESCAPED}$"),
    IdentityPolicy(identity_regexp="https://github\\.com/.*"),
    IdentityPolicy(identity=IDENTITY, issuer_regexp="https://token\\.actions\\.githubusercontent\\.com"),
]
FAILS = [
    IdentityPolicy(identity=IDENTITY + "x"),
    IdentityPolicy(identity=IDENTITY.upper()),
    IdentityPolicy(identity=""),
    IdentityPolicy(issuer="https://accounts.example"),
    IdentityPolicy(identity=IDENTITY, issuer="https://accounts.example"),
    # Patterns match the whole text: neither its head nor its tail will do.
    IdentityPolicy(identity_regexp="https://github\\.com/"),
    IdentityPolicy(identity_regexp=ESCAPED[10:]),
    IdentityPolicy(identity_regexp=""),
    IdentityPolicy(identity_regexp=".*", issuer_regexp="token"),
    IdentityPolicy(identity_regexp=".*", identity="another"),
]


@pytest.mark.parametrize("policy", HOLDS)
def test_policies_that_hold(policy: IdentityPolicy) -> None:
    assert check_identity(SIGNER, policy).found == IDENTITY


@pytest.mark.parametrize("policy", FAILS)
def test_policies_that_do_not(policy: IdentityPolicy) -> None:
    with pytest.raises(RefusedError):
        check_identity(SIGNER, policy)


def test_no_issuer_and_no_certificate() -> None:
    with pytest.raises(RefusedError):
        check_identity(Signer("certificate", IDENTITY), IdentityPolicy(issuer_regexp=".*"))
    with pytest.raises(RefusedError, match="a key signed"):
        check_identity(Signer("key", "sha256:00"), IdentityPolicy(identity_regexp=".*"))
    with pytest.raises(RefusedError):
        check_identity(Signer("certificate", "x" * 5_000), IdentityPolicy(identity_regexp=".*"))


@pytest.mark.parametrize("pattern", ["(", "[a", "x" * 1_001, "(?P<n>a)(?P<n>b)"])
def test_bad_patterns(pattern: str) -> None:
    with pytest.raises(ConfigError):
        IdentityPolicy(identity_regexp=pattern)
