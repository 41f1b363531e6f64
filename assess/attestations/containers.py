"""Bytes of a file -> the attestations in it, opened but not verified; told apart by content, never by name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

from assess._frozen import frozen
from assess.attestations import bundles, documents, dsse, pep740
from assess.attestations._json import JSON, LIMITS, Limits, Node, compact, read_json, shown
from assess.attestations.envelope import Opened
from assess.errors import InputError
from assess.evidence import Source, Unreadable

MAX_BYTES = 256 * 1024 * 1024
"""Bytes of a whole JSON-lines file; each of its lines is held to `Limits.size`."""
MAX_LINES = 100_000
"""Lines of a JSON-lines file."""
MAX_IGNORED = 1_000
"""Ignored lines that are recorded one by one; the rest is counted in one note."""


@frozen
class Container:
    """What a file held: attestations, and the lines that are none (so that nothing is silently clean)."""

    opened: tuple[Opened, ...]
    ignored: tuple[Unreadable, ...] = ()


def open_attestations(data: bytes, path: str) -> tuple[Opened, ...]:
    """The attestations of a file; see `read_container`, which also tells which lines were ignored."""
    return read_container(data, path).opened


def read_container(data: bytes, path: str, limits: Limits = LIMITS) -> Container:
    """Open a Sigstore bundle, a DSSE envelope, an in-toto statement, a document that holds some of these (of npm, PyPI,
    GitHub or Google Cloud Build, or an array), or JSON lines of any of these (spec 5.1).

    `path` is for messages and places. Raises InputError where nothing in the file is an attestation that
    this version reads; what was recognised is named in the message.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"too large (got {len(data)} bytes, expected at most {MAX_BYTES})", path)
    _refuse_other_formats(data, path)
    lines = _lines(data)
    first = next(lines, None)
    if first is None:
        raise InputError("empty (expected an attestation)", path)
    if next(lines, None) is None:
        return _open_document(data, Source(path), limits)
    if _is_document(first[1], path, limits):
        return _open_lines(data, path, limits)
    try:
        return _open_document(data, Source(path), limits)
    except InputError as error:
        container = _try_lines(data, path, limits)
        if container is None:
            raise error from None
        return container


def announces_bundle(data: bytes) -> bool:
    """Whether the bytes mean to be a Sigstore bundle, so that a fault in them is a failed verification."""
    return _BUNDLE_TYPE.search(data) is not None


_BUNDLE_TYPE = re.compile(rb'application\\?/vnd\.dev\.sigstore\.bundle|"verificationMaterial"\s*:')


def _open_document(data: bytes, source: Source, limits: Limits) -> Container:
    """One JSON document: an attestation, or the elements of a document that holds several.

    An element that cannot be opened is recorded beside the others; InputError where none can.
    """
    node = Node(read_json(data, str(source), limits), str(source))
    elements = documents.elements_of(node)
    if elements is None:
        return Container((_open_one(node, source, data),))
    opened: list[Opened] = []
    ignored: list[Unreadable] = []
    for element in elements:
        place = replace(source, pointer=element.node.pointer)
        try:
            if element.open is None:
                opened.append(_open_one(element.node, place, compact(element.node.value).encode()))
            else:
                opened.append(element.open(element.node, place))
        except InputError as error:
            ignored.append(Unreadable(place, error.message))
    if not opened:
        what = f"no element is an attestation (first: {ignored[0].reason})" if ignored else "holds no attestation"
        raise InputError(what, str(ignored[0].source if ignored else source))
    return Container(tuple(opened), tuple(ignored))


def _open_one(node: Node, source: Source, data: bytes) -> Opened:
    digest = hashlib.sha256(data).hexdigest()
    match node.value:
        case {"mediaType": str() as media_type} if "vnd.dev.sigstore.bundle" in media_type:
            return bundles.open_bundle(node, source, digest)
        case {"verification_material": _, "envelope": _}:
            return pep740.open_attestation(node, source)
        case {"mediaType": str() as media_type, "verificationMaterial": _}:
            expected = "application/vnd.dev.sigstore.bundle+json;version=0.1 to 0.3, or bundle.v0.3+json"
            raise node.get("mediaType").error(f"wrong media type (got {shown(media_type)}, expected {expected})")
        case {"verificationMaterial": _} | {"verification_material": _}:
            return bundles.open_bundle(node, source, digest)
        case {"payload": _, "payloadType": _}:
            return dsse.open_envelope(node, source, digest)
        case {"payload": _, "signatures": _}:
            raise node.get("payloadType").error("missing or empty (a DSSE envelope names its payload type)")
        case {"signed": {"_type": "layout" | "link"}, "signatures": _}:
            from assess.attestations.metablock import open_metablock

            return open_metablock(node, source, digest)
        case {"_type": _, "predicateType": _}:
            return Opened(source, "statement", digest, statement=data)
        case _:
            raise _not_recognised(node)


def _open_lines(data: bytes, path: str, limits: Limits) -> Container:
    opened: list[Opened] = []
    ignored: list[Unreadable] = []
    more = 0
    for number, line in _lines(data):
        if number > MAX_LINES:
            raise InputError(f"too many lines (expected at most {MAX_LINES})", path)
        source = Source(path, line=number)
        try:
            container = _open_document(line, source, limits)
            opened += container.opened
            ignored += container.ignored
        except InputError as error:
            if len(ignored) < MAX_IGNORED:
                what = "malformed Sigstore bundle: " if announces_bundle(line) else ""
                ignored.append(Unreadable(source, what + error.message))
            else:
                more += 1
    if more:
        ignored.append(Unreadable(Source(path), f"{more} more lines are not attestations"))
    if not opened:
        raise InputError(f"no line is an attestation (first: {ignored[0].reason})", str(ignored[0].source))
    return Container(tuple(opened), tuple(ignored))


def _try_lines(data: bytes, path: str, limits: Limits) -> Container | None:
    """JSON lines whose first line is none; None where no line is an attestation."""
    try:
        return _open_lines(data, path, limits)
    except InputError:
        return None


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number (1-based) and bytes of each line that is not blank, one at a time."""
    start, number = 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        line = data[start:end].rstrip(b"\r")
        if line.strip(b" \t\xef\xbb\xbf"):
            yield number, line
        start = end + 1


def _is_document(line: bytes, path: str, limits: Limits) -> bool:
    try:
        return isinstance(read_json(line, path, limits), dict)
    except InputError:
        return False


_NOT_TEXT: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "gzip data", "unpack it first"),
    (b"PK\x03\x04", "a zip archive", "unpack it first; attestations are JSON files"),
    (b"\x28\xb5\x2f\xfd", "zstandard data", "unpack it first"),
    (b"BZh", "bzip2 data", "unpack it first"),
    (b"\xfd7zXZ", "xz data", "unpack it first"),
    (b"\x7fELF", "a program", "is this the artifact? give it with --artifact"),
    (b"\x30\x82", "DER data", "certificates and signatures alone are not attestations"),
    (b"-----BEGIN CERTIFICATE", "a PEM certificate", "give the bundle or envelope that it belongs to"),
    (b"-----BEGIN", "a PEM file", "a public key is given with --key"),
)


def _refuse_other_formats(data: bytes, path: str) -> None:
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head:
        raise InputError("empty (expected an attestation)", path, "was the download interrupted?")
    for magic, name, hint in _NOT_TEXT:
        if head.startswith(magic):
            raise InputError(f"not an attestation (got {name}, expected JSON)", path, hint)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("not UTF-8 (got UTF-16)", path, "save the file as UTF-8")
    if head[:1] in b"[{":
        return
    start = head[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<")):
        hint = "a web page instead of the file: was the address right, and were you signed in?"
        raise InputError("not an attestation (got HTML or XML, expected JSON)", path, hint)
    if b"\x00" in head:
        raise InputError("not an attestation (got binary data, expected JSON)", path)
    if re.match(rb"(---\s|%yaml|[a-z_][\w.-]*:(\s|$))", start) or start.startswith(b"- "):
        raise InputError("not an attestation (got YAML, expected JSON)", path)
    if not any(byte in head for byte in b"{["):
        hint = "is this the artifact? give it with --artifact"
        raise InputError("not an attestation (got text, expected JSON)", path, hint)


_LATER: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"critical", "optional"}), "a cosign simple-signing payload"),
    (frozenset({"SignedEntryTimestamp", "Payload"}), "a cosign bundle annotation"),
)
_OTHER: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"payload", "protected", "signature"}), "a JWS signature, as Notary Project makes them"),
    (frozenset({"version", "trustPolicies"}), "a trust policy of Notary Project"),
    (frozenset({"statement", "signatures"}), "a statement beside signatures without the payload that they are over"),
    (frozenset({"apiVersion", "kind"}), "a Kubernetes object"),
    (frozenset({"keytype", "keyval"}), "an in-toto public key"),
    (frozenset({"certificateAuthorities", "tlogs"}), "a trusted root; give it with --trusted-root"),
    (frozenset({"bomFormat"}), "a CycloneDX SBOM, not an attestation"),
    (frozenset({"spdxVersion"}), "an SPDX SBOM, not an attestation"),
    (frozenset({"runs", "version"}), "a SARIF report, not an attestation"),
    (frozenset({"schemaVersion", "layers"}), "an OCI image manifest"),
    (frozenset({"schemaVersion", "manifests"}), "an OCI image index"),
    (frozenset({"buildDefinition", "runDetails"}), "a predicate without its statement"),
    (frozenset({"buildType", "builder"}), "a predicate without its statement"),
)


def _not_recognised(node: Node) -> InputError:
    match node.value:
        case dict() as members:
            keys = frozenset(members)
        case _:
            return InputError("not an attestation (got a JSON value that is no object)", node.path)
    for known, name in _LATER:
        if known <= keys:
            return _later(node, name)
    for known, name in _OTHER:
        if known <= keys:
            return InputError(f"not an attestation (got {name})", node.path)
    return InputError(f"not an attestation that is known (got an object with {_key_names(members)})", node.path, _HINT)


_HINT = "expected a Sigstore bundle, a DSSE envelope, an in-toto statement, or a document or JSON lines of these"


def _later(node: Node, name: str) -> InputError:
    hint = "take the bundles or envelopes out of it, one per line"
    return InputError(f"{name}, which this version does not read yet", node.path, hint)


def _key_names(members: dict[str, JSON]) -> str:
    names = [shown(key, 30) for key in list(members)[:5]]
    return ("the keys " + ", ".join(names) if names else "no keys") + (", ..." if len(members) > 5 else "")
