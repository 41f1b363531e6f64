"""Who signed: the subject of a certificate with every Fulcio extension as a claim, or a key; and identity policies."""

from __future__ import annotations

import re

from cryptography import x509

from assess._frozen import frozen
from assess.errors import ConfigError
from assess.evidence import Claim, Signer
from assess.trust._outcome import MALFORMED, Proved, RefusedError
from assess.trust.certificates import Leaf
from assess.trust.keys import PublicKey
from assess.trust.roots import TrustedRoot

FULCIO = "1.3.6.1.4.1.57264.1."
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
MAX_PATTERN = 1_000
"""Characters of an identity pattern."""
MAX_IDENTITY = 4_096
"""Characters of an identity that a pattern is tried on."""
_USERNAME = x509.ObjectIdentifier(f"{FULCIO}7")
_NAMES = {
    1: "Issuer",
    2: "GitHub Workflow Trigger",
    3: "GitHub Workflow SHA",
    4: "GitHub Workflow Name",
    5: "GitHub Workflow Repository",
    6: "GitHub Workflow Ref",
    8: "Issuer (V2)",
    9: "Build Signer URI",
    10: "Build Signer Digest",
    11: "Runner Environment",
    12: "Source Repository URI",
    13: "Source Repository Digest",
    14: "Source Repository Ref",
    15: "Source Repository Identifier",
    16: "Source Repository Owner URI",
    17: "Source Repository Owner Identifier",
    18: "Build Config URI",
    19: "Build Config Digest",
    20: "Build Trigger",
    21: "Run Invocation URI",
    22: "Source Repository Visibility At Signing",
    23: "Deployment Environment",
    24: "Token Subject",
}


@frozen
class IdentityPolicy:
    """Who must have signed: all that is given must hold; a pattern must match the whole text.

    Raises ConfigError where a pattern is too long or no regular expression.
    """

    identity: str | None = None
    identity_regexp: str | None = None
    issuer: str | None = None
    issuer_regexp: str | None = None

    def __post_init__(self) -> None:
        for pattern in (self.identity_regexp, self.issuer_regexp):
            if pattern is None:
                continue
            if len(pattern) > MAX_PATTERN:
                raise ConfigError(f"an identity pattern is too long (expected at most {MAX_PATTERN} characters)")
            try:
                re.compile(pattern)
            except (re.error, OverflowError, RecursionError) as error:
                raise ConfigError(
                    f"an identity pattern is no regular expression ({error})",
                    hint="a pattern must match the whole identity; escape dots as \\.",
                ) from None


def read_signer(leaf: Leaf, root: TrustedRoot) -> Proved[Signer]:
    """Step 8: subject alternative name, issuer and claims of a certificate."""
    identity = _identity(leaf.certificate)
    claims = _claims(leaf.certificate)
    value = {claim.oid.removeprefix(FULCIO): claim.value for claim in claims}
    issuer = value.get("8", value.get("1"))
    repository = value.get("12")
    if repository is None and issuer == GITHUB_ISSUER and "5" in value:
        repository = f"https://github.com/{value['5']}"
    signer = Signer(
        kind="certificate",
        identity=identity,
        issuer=issuer,
        root=root.name,
        source_repository=repository,
        source_digest=value.get("13", value.get("3")),
        source_ref=value.get("14", value.get("6")),
        build_signer=value.get("9"),
        build_config=value.get("18"),
        build_trigger=value.get("20", value.get("2")),
        runner_environment=value.get("11"),
        run_invocation=value.get("21"),
        claims=claims,
    )
    return Proved(f"the certificate names {identity}" + (f" (issuer {issuer})" if issuer else ""), signer)


def key_signer(key: PublicKey) -> Signer:
    """The signer that a trusted key stands for."""
    return Signer(kind="key", identity=f"sha256:{key.sha256}", root=key.owner)


def check_identity(signer: Signer, policy: IdentityPolicy) -> Proved[None]:
    """Step 8: the signer is whom the policy asks for."""
    if signer.kind != "certificate":
        raise RefusedError("an identity was asked for, and a key signed", found=signer.identity)
    rules = (
        ("identity", signer.identity, policy.identity, policy.identity_regexp),
        ("issuer", signer.issuer, policy.issuer, policy.issuer_regexp),
    )
    for name, found, exact, pattern in rules:
        if exact is not None and found != exact:
            raise RefusedError(f"the signer's {name} is another", expected=exact, found=found)
        if pattern is not None and not _matches(pattern, found):
            raise RefusedError(f"the signer's {name} does not match the pattern", expected=pattern, found=found)
    return Proved("the signer is whom the policy asks for", None, found=signer.identity)


def _matches(pattern: str, text: str | None) -> bool:
    # An un-anchored pattern would let look-alike identities pass, hence fullmatch.
    return text is not None and len(text) <= MAX_IDENTITY and re.fullmatch(pattern, text) is not None


def _identity(certificate: x509.Certificate) -> str:
    try:
        names = tuple(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except MALFORMED:
        raise RefusedError("the certificate has no subject alternative name that can be read") from None
    if len(names) != 1:
        raise RefusedError("a signing certificate names one subject", found=f"{len(names)} names")
    match names[0]:
        case x509.UniformResourceIdentifier(value=text) | x509.RFC822Name(value=text) | x509.DNSName(value=text):
            return text
        case x509.OtherName(type_id=oid, value=value) if oid == _USERNAME:
            username = _utf8(value)
        case _:
            username = None
    if username is None:
        raise RefusedError(
            "the certificate's subject is of a kind that is not supported", found=type(names[0]).__name__
        )
    return username


def _claims(certificate: x509.Certificate) -> tuple[Claim, ...]:
    claims: list[Claim] = []
    for extension in certificate.extensions:
        oid = extension.oid.dotted_string
        suffix = oid.removeprefix(FULCIO)
        if suffix == oid or not suffix.isdigit() or not isinstance(extension.value, x509.UnrecognizedExtension):
            continue
        number = int(suffix)
        raw = extension.value.value
        text = _raw(raw) if number < 7 else _utf8(raw)
        # Malformed claims stay absent: nothing may be concluded from them.
        if text is not None:
            claims.append(Claim(oid, _NAMES.get(number, oid), text))
    return tuple(claims)


def _raw(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _utf8(value: bytes) -> str | None:
    """The text of one DER UTF8String that fills the value."""
    if len(value) < 2 or value[0] != 0x0C:
        return None
    length, start = value[1], 2
    if length >= 0x80:
        octets = length - 0x80
        start += octets
        length = int.from_bytes(value[2:start], "big")
        # Not DER: indefinite, or longer than need be.
        if not 1 <= octets <= 4 or length < 0x80 or length.bit_length() <= 8 * (octets - 1):
            return None
    return _raw(value[start:]) if len(value) == start + length else None
