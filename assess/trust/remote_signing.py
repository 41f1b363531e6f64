"""Signing of our own output with a key that lies in a key service, or with none: KMS and Sigstore's keyless signing.

Both through libraries of others, imported here alone and only when asked for: securesystemslib (comes with in-toto;
the services' own clients come with the extra `kms`) and sigstore (extra `sigstore`). What comes back is verified before
it is given out: a service that signs something else, or with another key, is an error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from assess.errors import ConfigError, UnavailableError
from assess.trust.keys import load_public_key, pae, verify_signature
from assess.trust.signing import envelope_of

SERVICES = ("gcpkms", "awskms", "azurekms", "hv", "file2")
"""Schemes of securesystemslib's private key URIs that sign as DSSE needs it: Google, Amazon, Azure, Vault, a file."""
TOKEN = "SIGSTORE_ID_TOKEN"  # noqa: S105 the name of it
"""The environment variable that may hold an identity token; a token on a command line could be read by others."""


def is_service(text: str) -> bool:
    """Whether a key is named by the URI of a key service, not by a file."""
    scheme, colon, rest = text.partition(":")
    return bool(colon and rest) and scheme in SERVICES


def service_signer(uri: str, public_key: bytes, path: str) -> Callable[[bytes, str], str]:
    """A function that signs (payload, payload type) in a key service and returns a DSSE envelope, one line of JSON.

    `public_key` is the PEM of the service's key, read from `path`. Raises ConfigError where the key or the URI is
    none, or the service's client is not installed; what is returned raises UnavailableError where the service fails.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib import signer as library

    services: Any = library
    key = load_public_key(public_key, path)
    try:
        signer = services.Signer.from_priv_key_uri(uri, services.SSlibKey.from_crypto(load_pem_public_key(public_key)))
    except Exception as problem:
        # Each service's client raises what it likes.
        hint = "is the address right, and its client installed? pip install 'slsa-assess[kms]'"
        raise ConfigError(f"this key cannot be used to sign ({_one_line(problem)})", uri, hint) from None

    def sign(payload: bytes, payload_type: str) -> str:
        data = pae(payload_type, payload)
        try:
            signature = bytes.fromhex(signer.sign(data).signature)
        except Exception as problem:
            hint = "is the service in reach, and may you sign with this key?"
            raise UnavailableError(f"the key service did not sign ({_one_line(problem)})", uri, hint) from None
        if not verify_signature(key.key, signature, data):
            what = "what the key service signed does not verify with the public key"
            raise ConfigError(what, path, "are they a pair?")
        return envelope_of(payload, payload_type, signature, key.sha256)

    return sign


def sign_keyless(payloads: Iterable[bytes], trust_config: Path | None = None) -> tuple[str, ...]:
    """In-toto statements (v1) signed by Sigstore with the identity of whoever runs this; a bundle each, as JSON.

    The identity token is `SIGSTORE_ID_TOKEN` of the environment, else what the CI system hands out. `trust_config`
    is Sigstore's client trust configuration (JSON) for another instance than the public one. Raises ConfigError
    without token, library or usable configuration, UnavailableError where the instance does not answer as it should.
    """
    try:
        from sigstore.dsse import Statement
        from sigstore.sign import SigningContext
    except ImportError:
        hint = "pip install 'slsa-assess[sigstore]'"
        raise ConfigError("keyless signing needs the package sigstore", hint=hint) from None
    token = _identity_token()
    config = _trust_config(trust_config)
    try:
        with SigningContext.from_trust_config(config).signer(token) as signer:
            return tuple(_compact(signer.sign_dsse(Statement(one)).to_json()) for one in payloads)
    except Exception as problem:
        # The library's own errors, those of its HTTP client, and what a foreign answer makes it trip over.
        hint = "is the network there, and does the instance take this identity?"
        raise UnavailableError(f"Sigstore did not sign ({_one_line(problem)})", hint=hint) from None


def _identity_token() -> Any:
    from sigstore.oidc import IdentityError, IdentityToken, detect_credential

    try:
        raw = os.environ.get(TOKEN) or detect_credential()
        if raw is None:
            hint = f"run it where a CI system hands out identities (GitHub: permission id-token: write), or set {TOKEN}"
            raise ConfigError("there is no identity to sign with", hint=hint)
        return IdentityToken(raw)
    except IdentityError as problem:
        raise ConfigError(f"this identity token cannot be used ({_one_line(problem)})", hint=f"see {TOKEN}") from None


def _trust_config(path: Path | None) -> Any:
    from sigstore.models import ClientTrustConfig

    from assess.files import OWN_LIMIT, read_file

    if path is not None:
        data = read_file(path, OWN_LIMIT, "trust configuration")
        try:
            return ClientTrustConfig.from_json(data.decode("utf-8"))
        except Exception as problem:
            hint = "Sigstore's client trust configuration is expected: trusted root and signing configuration in one"
            raise ConfigError(f"not a trust configuration ({_one_line(problem)})", str(path), hint) from None
    try:
        return ClientTrustConfig.production()
    except Exception as problem:
        hint = "is the network there? --vsa-trust-config names an instance of your own"
        raise UnavailableError(f"Sigstore's configuration is out of reach ({_one_line(problem)})", hint=hint) from None


def _compact(text: str) -> str:
    return json.dumps(json.loads(text), separators=(",", ":"))


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200] or type(problem).__name__
