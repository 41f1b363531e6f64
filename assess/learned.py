"""What one verified attestation taught about an artifact's builds, and how a later one differs from it (spec 7.3).

Versions are left out of what is learned (`refs/tags/v*`, a builder's or signer's ref), so that the next release is
as expected; everything else must stay as it was.
"""

from __future__ import annotations

import re
from dataclasses import fields

from assess._frozen import frozen
from assess.assessment import ExpectationResult
from assess.attestations.builder_ids import parse_builder_id
from assess.attestations.git import normalize_git_uri, ref_name
from assess.attestations.purl import package_of
from assess.evidence import Parameter, Provenance, Signer
from assess.files import LOCK_FILE

_D = "leaves threat D (v1.2) open: a build of another source, ref, workflow or with other parameters is accepted"
_F = "leaves threat F (v1.2) open: an artifact of another CI system or signer is accepted"
_H = "leaves threat H (v1.2) open: another package is accepted in its place"
THREATS: tuple[tuple[str, str], ...] = (
    ("builder_id", _F),
    ("signer_identity", _F),
    ("signer_issuer", _F),
    ("package_name", _H),
    ("package_version", _H),
)
"""What a difference leaves open, by the name of the expectation; threat D for every other name."""
_PRE_RELEASE = r"(?:[-.+~]?(?:a|b|rc|alpha|beta|dev|pre|post)[.-]?[0-9]*)*"
_VERSION = re.compile(rf"(?<![A-Za-z0-9])v?[0-9]+(?:\.[0-9]+)+{_PRE_RELEASE}")


@frozen
class Learned:
    """The facts that stay the same from release to release; None for what the attestation did not name."""

    source_uri: str | None = None
    source_ref: str | None = None
    """A branch as it is; a tag with `*` for its version."""
    workflow_path: str | None = None
    trigger: str | None = None
    inputs: tuple[str, ...] | None = None
    """Names of the inputs, sorted."""
    external_parameters: tuple[str, ...] | None = None
    """Names of the external parameters, sorted."""
    build_type: str | None = None
    builder_id: str | None = None
    """Without its version."""
    signer_identity: str | None = None
    """Without its ref."""
    signer_issuer: str | None = None
    package_name: str | None = None


FACTS: tuple[str, ...] = tuple(one.name for one in fields(Learned))


def threat_of(name: str) -> str:
    """What a mismatch of the expectation `name` leaves open, in the letters of SLSA 1.2."""
    return dict(THREATS).get(name, _D)


def learn(provenance: Provenance) -> Learned:
    """What one attestation says, verified or not; whoever records it must have verified it."""
    process, signer, builder = provenance.process, provenance.signer, provenance.builder
    known = process is not None and process.recognised is not None
    named = process if known else None
    uri = named.source_uri if named is not None else None
    ref = named.source_ref if named is not None else None
    packages = {found[0] for one in provenance.subjects or () if (found := package_of(one.name)) is not None}
    return Learned(
        source_uri=normalize_git_uri(uri) if uri else None,
        source_ref=ref_shape(ref) if ref else None,
        workflow_path=(named.entry_point or None) if named is not None else None,
        trigger=(named.trigger or None) if named is not None else None,
        inputs=_names(named.inputs) if named is not None else None,
        external_parameters=_names(provenance.external_parameters),
        build_type=provenance.build_type or None,
        builder_id=_builder(builder.id) if builder is not None and builder.id else None,
        signer_identity=_identity(signer) if signer is not None else None,
        signer_issuer=signer.issuer if signer is not None else None,
        package_name=", ".join(sorted(packages)) or None,
    )


def differences(was: Learned, provenance: Provenance | None, given: frozenset[str]) -> tuple[ExpectationResult, ...]:
    """One result per learned fact, but for the names `given`, which the user expects in words of their own."""
    now = learn(provenance) if provenance is not None else None
    results = []
    for name in FACTS:
        before = getattr(was, name)
        if before is not None and name not in given:
            results.append(_difference(name, before, getattr(now, name) if now is not None else None, provenance))
    return tuple(results)


def changes(was: Learned, now: Learned) -> tuple[str, ...]:
    """Every fact that differs, as `name was X, is Y`."""
    return tuple(
        f"{name} was {shown(getattr(was, name))}, is {shown(getattr(now, name))}"
        for name in FACTS
        if getattr(was, name) != getattr(now, name)
    )


def shown(value: str | tuple[str, ...] | None) -> str:
    """A fact as text."""
    if value is None:
        return "not named"
    return value if isinstance(value, str) else ", ".join(value) or "none"


def ref_shape(ref: str) -> str:
    """A ref with `*` from the first digit of a tag's name on, where its version begins; other refs as they are."""
    tag = ref_name("tags", ref)
    return ref if tag is None else "refs/tags/" + re.sub(r"[0-9].*", "*", tag, count=1, flags=re.DOTALL)


def name_shape(name: str) -> str:
    """An artifact's name with `*` for each version in it: `app-1.2.0.tar.gz` is `app-*.tar.gz`."""
    return _VERSION.sub("*", name)


def _difference(
    name: str, before: str | tuple[str, ...], after: str | tuple[str, ...] | None, provenance: Provenance | None
) -> ExpectationResult:
    expected = shown(before)
    if provenance is None:
        return ExpectationResult(name, expected, "", "unknown", "there is no provenance to compare with")
    if after is None:
        detail = f"{name} was {expected}, is not named now (learned, {LOCK_FILE}); {threat_of(name)}"
        return ExpectationResult(name, expected, "", "unknown", detail)
    if after != before:
        detail = f"{name} was {expected}, is {shown(after)} (learned, {LOCK_FILE}); {threat_of(name)}"
        return ExpectationResult(name, expected, shown(after), "mismatch", detail)
    return ExpectationResult(name, expected, shown(after), "match", f"as learned ({LOCK_FILE})")


def _names(parameters: tuple[Parameter, ...] | None) -> tuple[str, ...] | None:
    return None if parameters is None else tuple(sorted({one.name for one in parameters}))


def _builder(builder_id: str) -> str:
    parsed = parse_builder_id(builder_id)
    return parsed[0] if parsed is not None else builder_id


def _identity(signer: Signer) -> str:
    # A workflow's identity ends with the ref it ran from; an e-mail address has its own @.
    return signer.identity.rpartition("@refs/")[0] or signer.identity
