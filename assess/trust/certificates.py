"""Signing certificates: parsed once, and chained to an authority of the trusted root at each trusted time."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from assess._frozen import frozen
from assess.trust._outcome import MALFORMED, Proved, RefusedError, UnprovableError
from assess.trust.keys import SupportedKey, supported
from assess.trust.roots import Authority, TrustedRoot

_BROKEN: tuple[type[Exception], ...] = (InvalidSignature, *MALFORMED)


@frozen
class Leaf:
    """A signing certificate with what every step needs of it."""

    der: bytes
    certificate: x509.Certificate
    key: SupportedKey
    start: datetime
    end: datetime


def read_leaf(der: bytes) -> Proved[Leaf]:
    """Parse a signing certificate; refused where it is malformed or its key is of an unknown kind."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Extensions are parsed lazily: whatever is malformed in them must show here.
        _ = certificate.extensions
        public_key = certificate.public_key()
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except MALFORMED as error:
        raise RefusedError(f"the signing certificate cannot be parsed ({str(error)[:120]})") from None
    key = supported(public_key)
    if key is None:
        raise RefusedError(f"the certificate's key is of a kind that is not supported ({type(public_key).__name__})")
    return Proved("the signing certificate was parsed", Leaf(der, certificate, key, start, end))


def verify_chain(
    leaf: Leaf, others: tuple[bytes, ...], root: TrustedRoot, moments: tuple[datetime, ...]
) -> Proved[x509.Certificate]:
    """Step 4: the certificate chains to an authority at each moment; the value is the issuing certificate.

    `others` are the further certificates of the bundle: none of them is used, and a root among them is refused.
    Without trusted moments the issuer's signature is checked at the certificate's own start.
    """
    _refuse_roots(others)
    _check_profile(leaf.certificate)
    if not root.authorities:
        raise UnprovableError(f"the trusted root ({root.name}) names no certificate authority")
    issuer: x509.Certificate | None = None
    authority: Authority | None = None
    for moment in moments or (leaf.start,):
        if not leaf.start <= moment <= leaf.end:
            raise RefusedError(
                "the certificate was not valid at a trusted time of the signature",
                expected=f"{_shown(leaf.start)} to {_shown(leaf.end)}",
                found=_shown(moment),
            )
        # A path that was built for one moment holds at another one if all its certificates are valid then too.
        if authority is None or not _trusted(authority, moment):
            issuer, authority = _path(leaf.certificate, root, moment)
    assert issuer is not None and authority is not None  # noqa: S101  there is at least one moment
    when = f"at {', '.join(_shown(moment) for moment in moments)}" if moments else "(its own validity only)"
    name = authority.uri or root.name
    return Proved(f"the certificate was issued by {name} and valid {when}", issuer)


def _refuse_roots(others: tuple[bytes, ...]) -> None:
    for der in others:
        try:
            certificate = x509.load_der_x509_certificate(der)
            self_issued = certificate.subject == certificate.issuer
        except MALFORMED:
            raise RefusedError("a further certificate of the bundle cannot be parsed") from None
        if self_issued:
            raise RefusedError("the bundle carries a root certificate; roots come from the trusted root only")


def _check_profile(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except MALFORMED:
        raise RefusedError("the certificate does not say that it is for signing code (key usage is missing)") from None
    if not usage.digital_signature:
        raise RefusedError("the certificate's key usage lacks digitalSignature")
    if ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
        names = ", ".join(purpose.dotted_string for purpose in purposes)
        raise RefusedError("the certificate is not for signing code", "extended key usage 1.3.6.1.5.5.7.3.3", names)


def _path(certificate: x509.Certificate, root: TrustedRoot, moment: datetime) -> tuple[x509.Certificate, Authority]:
    in_window = tuple(authority for authority in root.authorities if authority.window.holds(moment))
    if not in_window:
        raise RefusedError(f"no certificate authority of the trusted root ({root.name}) is trusted at {_shown(moment)}")
    reason = ""
    for authority in in_window:
        anchors = _anchors(authority.certificates)
        if anchors is None or not _trusted(authority, moment):
            reason = reason or f"the chain of {authority.uri} does not hold"
            continue
        ca, leaf = _policies()
        builder = PolicyBuilder().store(anchors.store).time(moment)
        verifier = builder.extension_policies(ca_policy=ca, ee_policy=leaf).build_client_verifier()
        try:
            chain = verifier.verify(certificate, []).chain
        except x509.UnsupportedGeneralNameType:
            raise UnprovableError("the certificate's subject name is of a kind that is not supported") from None
        except (VerificationError, ValueError, TypeError) as error:
            reason = reason or str(error)
            continue
        if len(chain) > 1:
            return chain[1], authority
        reason = reason or "the certificate is itself an authority's"
    raise RefusedError(f"no authority of the trusted root ({root.name}) issued the certificate ({reason[:160]})")


def _trusted(authority: Authority, moment: datetime) -> bool:
    """The authority's window and all certificates of its chain, whose signatures hold, are valid at `moment`."""
    anchors = _anchors(authority.certificates)
    valid = anchors is not None and all(
        one.not_valid_before_utc <= moment <= one.not_valid_after_utc for one in anchors.certificates
    )
    return valid and authority.window.holds(moment)


def choose_root(certificate: bytes | None, roots: tuple[TrustedRoot, ...]) -> TrustedRoot:
    """The root that has an authority of the name that issued the certificate, else the first one.

    Choosing by name trusts nothing: the chain is verified against what was chosen.
    """
    if certificate is None or len(roots) == 1:
        return roots[0]
    try:
        issuer = x509.load_der_x509_certificate(certificate).issuer.public_bytes()
    except MALFORMED:
        return roots[0]
    return next((root for root in roots if issuer in _names(root)), roots[0])


@lru_cache(maxsize=16)
def _names(root: TrustedRoot) -> frozenset[bytes]:
    """Names (DER) of all certificates of a root's authorities."""
    found: set[bytes] = set()
    for authority in root.authorities:
        anchors = _anchors(authority.certificates)
        if anchors is not None:
            found.update(one.subject.public_bytes() for one in anchors.certificates)
    return frozenset(found)


@frozen
class _Anchors:
    """An authority's certificates, each issued by the next one."""

    store: Store
    certificates: tuple[x509.Certificate, ...]


@lru_cache(maxsize=64)
def _anchors(chain: tuple[bytes, ...]) -> _Anchors | None:
    """An authority's chain, its signatures verified once; None where a link does not hold."""
    try:
        certificates = tuple(x509.load_der_x509_certificate(der) for der in chain)
        for issued, issuer in pairwise(certificates):
            issued.verify_directly_issued_by(issuer)
        return _Anchors(Store(list(certificates)), certificates)
    except _BROKEN:
        return None


@lru_cache(maxsize=1)
def _policies() -> tuple[ExtensionPolicy, ExtensionPolicy]:
    # The library's client verifier wants clientAuth; the purpose is checked in _check_profile instead.
    ca = ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
    leaf = ExtensionPolicy.webpki_defaults_ee().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
    return ca, leaf


def _shown(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
