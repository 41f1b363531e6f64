"""In-toto layouts and links, in a metablock or in a DSSE envelope, read as facts; no verification, nothing is run."""

# Longer than 300 lines: the container, and both kinds of metadata that it carries.

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from assess.attestations._json import JSON, Node, compact, read_json, shown
from assess.attestations.dsse import MAX_SIGNATURES
from assess.attestations.envelope import METABLOCK, Envelope, Opened, Signature
from assess.errors import InputError
from assess.evidence import Digest, Source

CONTAINER = METABLOCK
PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""Of a DSSE envelope around a layout or link; the same as a statement's."""
MAX_STEPS = 200
MAX_KEYS = 200
MAX_RULES = 200
"""Artifact rules of one step, materials and products each."""
MAX_ARTIFACTS = 100_000
"""Artifacts of one link, materials and products each."""
MAX_TEXT = 4096
"""Characters of a name, path or pattern."""

_TYPE = re.compile(rb'"_type"\s*:\s*"(layout|link)"')
_GPG_KEYID = re.compile(r"[0-9a-fA-F]{40}")
_ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FunctionaryKey:
    """A public key that a layout names; `keyid` is the layout's name for it, nothing more."""

    keyid: str
    keytype: str
    scheme: str
    public: str
    """PEM, or hex for Ed25519."""
    gpg: bool = False


@dataclass(frozen=True, slots=True)
class LayoutStepFacts:
    """What a layout asks of one step."""

    name: str
    threshold: int
    pubkeys: tuple[str, ...]
    expected_command: tuple[str, ...]
    expected_materials: tuple[tuple[str, ...], ...]
    expected_products: tuple[tuple[str, ...], ...]
    by_certificate: bool
    """Certificates may authorise functionaries too (ITE-7)."""


@dataclass(frozen=True, slots=True)
class InspectionFacts:
    """A command that whoever verifies is asked to run. It is read, and never run."""

    name: str
    run: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LayoutFacts:
    """A layout (in-toto specification 4.3)."""

    expires: str
    """As written; "" where it is missing."""
    keys: tuple[FunctionaryKey, ...]
    steps: tuple[LayoutStepFacts, ...]
    inspections: tuple[InspectionFacts, ...]
    readme: str = ""


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A link: what one functionary recorded of one step (in-toto specification 4.4)."""

    name: str
    command: tuple[str, ...]
    materials: tuple[tuple[str, tuple[Digest, ...]], ...]
    products: tuple[tuple[str, tuple[Digest, ...]], ...]


def announces_metadata(opened: Opened) -> bool:
    """Whether an opened container holds a layout or link, and not a statement."""
    envelope = opened.envelope
    if envelope is None or opened.message is not None:
        return False
    if opened.container == CONTAINER:
        return True
    return envelope.payload_type == PAYLOAD_TYPE and _TYPE.search(envelope.payload) is not None and _is_ours(envelope)


def _is_ours(envelope: Envelope) -> bool:
    try:
        value = read_json(envelope.payload, "")
    except InputError:
        return False
    return isinstance(value, dict) and value.get("_type") in ("layout", "link")


def open_metablock(node: Node, source: Source, digest: str) -> Opened:
    """A traditional metablock: `signed`, and signatures in hex over its canonical JSON.

    The envelope's payload is `signed` as compact JSON (canonical JSON is none that can be read again); what the
    signatures cover is `signed_bytes`. Raises InputError with a JSON pointer.
    """
    signed = node.object("signed")
    kind = signed.string("_type")
    if kind not in ("layout", "link"):
        raise signed.get("_type").error(f"neither a layout nor a link (got {shown(kind)})")
    items = node.items("signatures")
    if len(items) > MAX_SIGNATURES:
        raise node.get("signatures").error(f"too many signatures (got {len(items)}, expected at most {MAX_SIGNATURES})")
    try:
        canonical(signed.value)
    except ValueError as problem:
        raise signed.error(f"has no canonical JSON ({problem})") from None
    envelope = Envelope(compact(signed.value).encode(), "", tuple(_signature(item) for item in items))
    return Opened(source, CONTAINER, digest, envelope=envelope)


def _signature(node: Node) -> Signature:
    node.members()
    # GPG signatures have another name for it; a certificate beside it is the signer's claim and is not used.
    key = "sig" if node.get("sig").present else "signature"
    text = node.required_string(key)
    try:
        return Signature(bytes.fromhex(text), node.string("keyid") or None)
    except ValueError:
        raise node.get(key).error(f"not hexadecimal (got {shown(text, 40)})") from None


def signed_bytes(envelope: Envelope) -> bytes:
    """What the signatures of a metablock that `open_metablock` made cover."""
    return canonical(read_json(envelope.payload, "")).encode()


def is_gpg(signature: Signature) -> bool:
    """Whether a metablock's signature is one of GPG, whose key ids are SHA-1 fingerprints."""
    return signature.keyid is not None and _GPG_KEYID.fullmatch(signature.keyid) is not None


def canonical(value: JSON) -> str:
    """Canonical JSON as in-toto signs it (http://wiki.laptop.org/go/Canonical_JSON): sorted keys, integers only.

    Raises ValueError for a number that is no integer.
    """
    match value:
        case str():
            return '"' + value.translate(_ESCAPED) + '"'
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case list():
            return "[" + ",".join(canonical(item) for item in value) + "]"
        case dict():
            return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
        case _:
            raise ValueError(f"{value!r} is not an integer")


def read_metadata(opened: Opened) -> LayoutFacts | LinkFacts:
    """The layout or link that an opened container carries.

    Raises InputError, with a JSON pointer into what is signed, where it is neither or is malformed.
    """
    place = str(opened.source)
    if opened.payload is None or opened.envelope is None:
        raise InputError("neither a layout nor a link (got no signed metadata)", place)
    if opened.container != CONTAINER and opened.envelope.payload_type != PAYLOAD_TYPE:
        raise InputError(f"not an in-toto payload (got {shown(opened.envelope.payload_type)})", place)
    node = Node(read_json(opened.payload, f"{place} (payload)"), place)
    node.members()
    match node.string("_type"):
        case "layout":
            return _layout(node)
        case "link":
            return _link(node)
        case other:
            raise node.get("_type").error(f"neither a layout nor a link (got {shown(other)})")


def _layout(node: Node) -> LayoutFacts:
    keys = node.object("keys")
    _limit(keys, len(keys.members()), MAX_KEYS, "keys")
    steps = _each(node, "steps", MAX_STEPS, _step)
    names = [one.name for one in steps]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise node.get("steps").error(f"two steps of one name (got {shown(repeated)})")
    return LayoutFacts(
        expires=node.string("expires"),
        keys=tuple(_key(keys.get(keyid), keyid) for keyid in keys.members()),
        steps=steps,
        inspections=_each(node, "inspect", MAX_STEPS, _inspection),
        readme=node.string("readme"),
    )


def _key(node: Node, keyid: str) -> FunctionaryKey:
    node.members()
    inner = node.string("keyid")
    if inner and inner != keyid:
        raise node.get("keyid").error(f"a key under another name (got {shown(inner)}, expected {shown(keyid)})")
    # A GPG key names its method; a key's type stands in `type` there.
    gpg = node.get("method").present or _GPG_KEYID.fullmatch(keyid) is not None
    public = node.object("keyval").get("public").value
    return FunctionaryKey(
        keyid=keyid,
        keytype=node.string("keytype") or node.string("type"),
        scheme=node.string("scheme") or node.string("method"),
        public=public if isinstance(public, str) else "",
        gpg=gpg,
    )


def _step(node: Node) -> LayoutStepFacts:
    threshold = node.integer("threshold")
    if threshold is not None and threshold < 1:
        raise node.get("threshold").error(f"no threshold (got {threshold}, expected 1 or more)")
    return LayoutStepFacts(
        name=_text(node, "name"),
        threshold=1 if threshold is None else threshold,
        pubkeys=_each_text(node, "pubkeys", MAX_KEYS),
        expected_command=_each_text(node, "expected_command", MAX_ARTIFACTS),
        expected_materials=_rules(node, "expected_materials"),
        expected_products=_rules(node, "expected_products"),
        by_certificate=bool(node.items("cert_constraints")),
    )


def _inspection(node: Node) -> InspectionFacts:
    return InspectionFacts(_text(node, "name"), _each_text(node, "run", MAX_ARTIFACTS))


def _rules(node: Node, key: str) -> tuple[tuple[str, ...], ...]:
    def rule(item: Node) -> tuple[str, ...]:
        if not isinstance(item.value, list):
            raise item.wrong_type("an artifact rule: an array of strings")
        return _texts(tuple(item.elements()))

    items = node.items(key)
    _limit(node.get(key), len(items), MAX_RULES, "artifact rules")
    return tuple(rule(item) for item in items)


def _link(node: Node) -> LinkFacts:
    # Old libraries wrote the command as one string.
    alone = node.get("command").value
    return LinkFacts(
        name=_text(node, "name"),
        command=(alone,) if isinstance(alone, str) else _each_text(node, "command", MAX_ARTIFACTS),
        materials=_artifacts(node, "materials"),
        products=_artifacts(node, "products"),
    )


def _artifacts(node: Node, key: str) -> tuple[tuple[str, tuple[Digest, ...]], ...]:
    artifacts = node.object(key)
    paths = artifacts.members()
    _limit(artifacts, len(paths), MAX_ARTIFACTS, key)
    found = []
    for path in paths:
        digests = artifacts.object(_short(path, artifacts))
        found.append((path, tuple(Digest(name, digests.string(name)) for name in digests.members())))
    return tuple(found)


def _each(node: Node, key: str, most: int, read: Callable[[Node], T]) -> tuple[T, ...]:
    items = node.items(key)
    _limit(node.get(key), len(items), most, key)
    for item in items:
        if not isinstance(item.value, dict):
            raise item.wrong_type("an object")
    return tuple(read(item) for item in items)


def _each_text(node: Node, key: str, most: int) -> tuple[str, ...]:
    items = node.items(key)
    _limit(node.get(key), len(items), most, key)
    return _texts(items)


def _texts(items: tuple[Node, ...]) -> tuple[str, ...]:
    found = []
    for item in items:
        if not isinstance(item.value, str):
            raise item.wrong_type("a string")
        found.append(_short(item.value, item))
    return tuple(found)


def _text(node: Node, key: str) -> str:
    return _short(node.required_string(key), node.get(key))


def _short(text: str, node: Node) -> str:
    if len(text) > MAX_TEXT:
        raise node.error(f"too long (got {len(text)} characters, expected at most {MAX_TEXT})")
    return text


def _limit(node: Node, count: int, most: int, what: str) -> None:
    if count > most:
        raise node.error(f"too many {what} (got {count}, expected at most {most})")
