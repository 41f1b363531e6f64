"""RFC 3161 timestamps over a signature, from a timestamp authority of the trusted root."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509

from assess.trust._outcome import MALFORMED, RefusedError
from assess.trust.roots import Authority, TrustedRoot

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse
    from rfc3161_client.verify import Verifier

MAX_TIMESTAMPS = 32
_HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


def read_timestamp(der: bytes, signature: bytes, root: TrustedRoot) -> datetime | None:
    """The time of one timestamp response over the signature bytes; None where no authority of the root made it.

    Raises RefusedError where the response is malformed, not granted, or over something else than the signature:
    that is a fault of the bundle, whoever the authority.
    """
    from rfc3161_client import decode_timestamp_response

    try:
        response = decode_timestamp_response(der)
        imprint = response.tst_info.message_imprint
        algorithm = _HASHES.get(imprint.hash_algorithm.dotted_string)
        moment = response.tst_info.gen_time
        message = imprint.message
        status = response.status
    except MALFORMED as error:
        raise RefusedError(f"a timestamp cannot be parsed ({str(error)[:120]})") from None
    if status != 0:
        raise RefusedError("a timestamp was not granted", expected="status 0", found=f"status {status}")
    if algorithm is None:
        raise RefusedError("a timestamp uses another hash than SHA-256, SHA-384 or SHA-512")
    if message != hashlib.new(algorithm, signature).digest():
        raise RefusedError("a timestamp is over something else than this signature")
    if any(_made_it(authority, response, signature, moment) for authority in root.timestamp_authorities):
        return moment
    return None


def _made_it(authority: Authority, response: TimeStampResponse, signature: bytes, moment: datetime) -> bool:
    from rfc3161_client import VerificationError

    # The window is that of the authority which signed: another authority's window gives it no time.
    if not authority.window.holds(moment):
        return False
    verifier, certificates = _verifier(authority.certificates)
    if verifier is None:
        return False
    if any(not one.not_valid_before_utc <= moment <= one.not_valid_after_utc for one in certificates):
        return False
    failed: tuple[type[Exception], ...] = (VerificationError, *MALFORMED)
    try:
        return verifier.verify_message(response, signature)
    except failed:
        return False
    except BaseException as error:
        # The library panics, which is no Exception, where OpenSSL refuses a certificate that `cryptography` took.
        if type(error).__name__ != "PanicException":
            raise
        return False


@lru_cache(maxsize=64)
def _verifier(chain: tuple[bytes, ...]) -> tuple[Verifier | None, tuple[x509.Certificate, ...]]:
    """A verifier for an authority's chain; its first certificate signs, unless it is itself an authority's."""
    from rfc3161_client import VerifierBuilder

    try:
        certificates = tuple(x509.load_der_x509_certificate(der) for der in chain)
        signs = not _is_authority(certificates[0])
        if len(certificates) < 2 and signs:
            return None, ()
        builder = VerifierBuilder().add_root_certificate(certificates[-1])
        if signs:
            builder = builder.tsa_certificate(certificates[0])
        for certificate in certificates[1 if signs else 0 : -1]:
            builder = builder.add_intermediate_certificate(certificate)
        return builder.build(), certificates
    except MALFORMED:
        return None, ()


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
