"""What a layer beside an image is: told by its media type, else by the type of the artifact that it is in."""

from __future__ import annotations

import re
from typing import Literal

_BUNDLE = re.compile(r"application/vnd\.dev\.sigstore\.bundle(?:\.v\d+\.\d+\+json|\+json\b.*)")
_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
_ENVELOPE = ("application/vnd.dsse.envelope.v1+json", "application/vnd.dsse+json")
_STATEMENT = re.compile(r"application/vnd\.in-toto(?:\.[\w.+-]+)?\+(?:json|dsse)")
_NOTATION = "application/vnd.cncf.notary.signature"
_NOTATION_LAYERS = {"application/jose+json": "JWS", "application/cose": "COSE"}
_SBOM = re.compile(r"(?:application|text)/(?:vnd\.)?(?:spdx|cyclonedx|syft)\b.*")

Form = Literal["signature", "attestation", "bundle", "statement", "notation", "sbom", "other"]


def form_of(media_type: str, kinds: tuple[str, ...]) -> Form:
    """What a layer is: by its own media type, else by the type of the artifact that it is in."""
    if media_type == _SIMPLE_SIGNING:
        return "signature"
    if media_type in _ENVELOPE:
        return "attestation"
    if _BUNDLE.fullmatch(media_type) or any(_BUNDLE.fullmatch(one) for one in kinds):
        return "bundle"
    if media_type in _NOTATION_LAYERS or _NOTATION in kinds:
        return "notation"
    if _STATEMENT.fullmatch(media_type):
        return "statement"
    return "sbom" if _SBOM.fullmatch(media_type) or any(_SBOM.fullmatch(one) for one in kinds) else "other"


def why_not_read(form: Form, media_type: str, kinds: tuple[str, ...]) -> str:
    """Why a layer is recognised and not read; "" for what is read."""
    match form:
        case "notation":
            how = _NOTATION_LAYERS.get(media_type, media_type)
            return f"a Notary Project signature ({how}): present, not verified (`notation verify` does)"
        case "sbom":
            return "an SBOM that is attached and not signed: it says what is inside, and proves no level"
        case "other":
            return f"not read (media type {media_type}, artifact type {', '.join(kinds) or 'not named'})"
        case _:
            return ""
