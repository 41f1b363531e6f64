"""In-toto layouts verified with their links: were all steps performed by whom the layout's owner says? Nothing is run.

The narrative (numbers are `Check.step`, of this module alone):

 1. open        the layout can be read; the links' names stay inside their folder
 2. signature   every owner key that was given signed the layout
 3. expiry      the layout had not expired at the given time
 4. links       each step has a link that names it
 5. threshold   enough different functionaries, whom the layout authorises for the step, signed its links
 6. sublayout   what was delegated holds by its own layout and its own links
 7. agreement   the links of one step record the same materials and products
 8. rules       the artifact rules hold (`_layout_rules.py`, by the `in-toto` library)
 9. inspections there are none: their commands come from the input, and nothing from an input is executed

Signatures are verified here and not by the library, which refuses envelopes without key id and drops fields that it
does not know before it canonicalises, so that genuine layouts of other implementations fail.
"""

# Longer than 300 lines: one narrative, whose steps share what they verify.

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from assess.attestations._json import shown
from assess.attestations.metablock import LayoutFacts, LayoutStepFacts, LinkFacts
from assess.errors import InputError
from assess.evidence import Check, LayoutStep, SignatureState, Signer, Source, Unreadable
from assess.trust._layout_files import (
    Functionary,
    Metadata,
    Signatures,
    functionary_of,
    owner_of,
    read_metadata_file,
    safe_name,
)
from assess.trust._layout_rules import Recorded, apply_rules
from assess.trust._outcome import Proved, Record, RefusedError, UnprovableError
from assess.trust.keys import PublicKey

MAX_LINKS = 1000
MAX_BYTES = 64 * 1024 * 1024
"""Of all links together."""
MAX_DEPTH = 4
"""Layouts within layouts."""
_TOP = PurePosixPath()
_EXPIRES = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class LayoutVerification:
    """What was proved of one layout with its links."""

    state: SignatureState | None
    """None where something is not provable here (inspections, GPG keys, no owner key); `note` says what."""
    note: str | None
    """Why the state is not "verified"; None where it is."""
    checks: tuple[Check, ...]
    steps: tuple[LayoutStep, ...] = ()
    """The steps whose functionaries were verified, those of sub-layouts as `step/inner`."""
    owners: tuple[Signer, ...] = ()
    """Who signed the layout; () unless all owner keys that were given did."""
    layout: LayoutFacts | None = None
    unreadable: tuple[Unreadable, ...] = ()
    """Links that could not be read, and so were not counted."""


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What step 1 opened."""

    layout: Metadata
    facts: LayoutFacts
    links: tuple[Metadata, ...]
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True, slots=True)
class _Scope:
    """One layout whose signature holds, the links that it can see, and what all layouts of a run share."""

    facts: LayoutFacts
    links: tuple[Metadata, ...]
    at: datetime
    record: Record
    signatures: Signatures
    folder: PurePosixPath = _TOP
    path: tuple[str, ...] = ()
    """The steps that were delegated on the way here."""
    steps: list[LayoutStep] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f"in the sub-layout of {shown('/'.join(self.path))}: " if self.path else ""


def verify_layout(
    layout: bytes, links: tuple[tuple[str, bytes], ...], keys: tuple[PublicKey, ...], at: datetime, path: str = "layout"
) -> LayoutVerification:
    """Verify a layout with its links as of `at` (a time with zone); never raises for what they say.

    `links` are (name, bytes): the name is the path below the folder of links, with `/`. A link belongs to the step
    that it names itself; a sub-layout to the step of its file name `STEP.KEYID8.link`, and its links stand in the
    folder `STEP.KEYID8/`. All of `keys` must have signed the layout; `path` is for messages.
    """
    record = Record()
    # (1) open
    inputs = record.run(1, "open", lambda: _open(layout, links, path))
    if inputs is None:
        return _sum_up(record, LayoutVerification(None, None, ()))
    result = LayoutVerification(None, None, (), layout=inputs.facts, unreadable=inputs.unreadable)
    # (2) signature
    signatures = Signatures()
    owners = tuple(owner_of(key) for key in keys)
    if record.run(2, "signature", lambda: _signature(signatures, inputs.layout, owners)) is None:
        return _sum_up(record, result)
    scope = _Scope(inputs.facts, inputs.links, at, record, signatures)
    _verify(scope)
    return _sum_up(record, replace(result, steps=tuple(scope.steps), owners=tuple(one.signer for one in owners)))


def _open(layout: bytes, links: tuple[tuple[str, bytes], ...], path: str) -> Proved[_Inputs]:
    if len(links) > MAX_LINKS or sum(len(data) for _, data in links) > MAX_BYTES:
        raise RefusedError(f"too many links (expected at most {MAX_LINKS}, of {MAX_BYTES} bytes together)")
    try:
        metadata = read_metadata_file(layout, PurePosixPath(path), path)
    except InputError as problem:
        raise RefusedError(f"the layout cannot be read: {problem}") from None
    if not isinstance(metadata.facts, LayoutFacts):
        raise RefusedError("a link was given where a layout is expected")
    read: list[Metadata] = []
    unreadable: list[Unreadable] = []
    for name, data in links:
        safe = safe_name(name)
        try:
            read.append(read_metadata_file(data, safe, name))
        except InputError as problem:
            unreadable.append(Unreadable(Source(name), problem.message))
    detail = f"a layout of {len(metadata.facts.steps)} step(s), and {len(read)} link(s)"
    return Proved(detail, _Inputs(metadata, metadata.facts, tuple(read), tuple(unreadable)))


def _signature(signatures: Signatures, layout: Metadata, owners: tuple[Functionary, ...]) -> Proved[bool]:
    if not owners:
        raise UnprovableError("no key of the layout's owner was given")
    signed = signatures.signers(layout, owners)
    missing = next((owner for owner in owners if owner not in signed), None)
    if missing is None:
        return Proved("signed by " + ", ".join(f"sha256:{owner.sha256}" for owner in owners), True)
    if layout.only_gpg:
        raise UnprovableError("the layout is signed with GPG, which is not verified here")
    found = ", ".join(shown(one.keyid or "") for one in layout.envelope.signatures[:5]) or "no signature"
    raise RefusedError("the layout is not signed by an owner key that was given", f"sha256:{missing.sha256}", found)


def _verify(scope: _Scope) -> Recorded | None:
    """(3) to (9) of one layout; what went into it and came out, or None where a step has nothing to show."""
    facts, record, where = scope.facts, scope.record, scope.where
    # (3) expiry
    record.run(3, "expiry", lambda: _expiry(scope))
    # (9) inspections
    if facts.inspections:
        names = ", ".join(shown(one.name) for one in facts.inspections[:5])
        wish = f"it asks its verifier to run {len(facts.inspections)} command(s) ({names})"
        record.lacks(9, "inspections", f"{where}the layout is refused: {wish}, and nothing from an input is executed")
    if not facts.steps:
        record.lacks(4, "links", f"{where}the layout has no steps, so it shows nothing")
        return None
    # (4) to (7)
    recorded = {step.name: one for step in facts.steps if (one := _step(scope, step)) is not None}
    if len(recorded) < len(facts.steps):
        return None
    # (8) rules
    record.run(8, "rules", lambda: apply_rules(facts.steps, recorded, where))
    return Recorded(recorded[facts.steps[0].name].materials, recorded[facts.steps[-1].name].products)


def _expiry(scope: _Scope) -> Proved[None]:
    text = scope.facts.expires
    try:
        if not _EXPIRES.fullmatch(text):
            raise ValueError
        expires = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError(f"{scope.where}no expiry date", "YYYY-MM-DDTHH:MM:SSZ", shown(text)) from None
    if expires <= scope.at:
        at = scope.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise RefusedError(f"{scope.where}the layout has expired", f"after {at}", text)
    return Proved(f"{scope.where}the layout expires {text}", None, text)


def _step(scope: _Scope, step: LayoutStepFacts) -> Recorded | None:
    """(4) to (7) of one step; what went into it and came out, or None where that is not shown."""
    record = scope.record
    # (4) links
    candidates = record.run(4, "links", lambda: _candidates(scope, step))
    if candidates is None:
        return None
    # (5) threshold
    signed = record.run(5, "threshold", lambda: _threshold(scope, step, candidates))
    if signed is None:
        return None
    found: list[tuple[Metadata, Recorded | None]] = []
    for metadata, _ in signed:
        match metadata.facts:
            case LinkFacts() as link:
                found.append((metadata, Recorded(link.materials, link.products)))
            case LayoutFacts() as inner:
                found.append((metadata, _delegated(scope, step, metadata, inner)))
    scope.steps.append(_evidence(scope, step, signed))
    # (7) agreement
    return record.run(7, "agreement", lambda: _agreement(scope, step, found))


def _candidates(scope: _Scope, step: LayoutStepFacts) -> Proved[tuple[Metadata, ...]]:
    delegations = {f"{step.name}.{keyid[:8]}.link" for keyid in step.pubkeys}
    found = tuple(
        one
        for one in scope.links
        if one.name.parent == scope.folder
        and (one.facts.name == step.name if isinstance(one.facts, LinkFacts) else one.name.name in delegations)
    )
    if not found:
        raise RefusedError(f"{scope.where}no link of the step {shown(step.name)} was given", found="none")
    return Proved(f"{scope.where}{len(found)} link(s) of the step {shown(step.name)}", found)


Signed = tuple[tuple[Metadata, tuple[Functionary, ...]], ...]


def _threshold(scope: _Scope, step: LayoutStepFacts, candidates: tuple[Metadata, ...]) -> Proved[Signed]:
    known = {key.keyid: key for key in scope.facts.keys}
    named = [known[keyid] for keyid in step.pubkeys if keyid in known]
    functionaries = tuple(one for key in named if (one := functionary_of(key)) is not None)
    names = frozenset(known)
    signed = tuple((one, by) for one in candidates if (by := scope.signatures.signers(one, functionaries, names)))
    # By key, not by key id: a layout may name one key twice.
    different = {one.sha256 for _, by in signed for one in by}
    text = f"of the step {shown(step.name)}"
    if len(different) >= step.threshold:
        return Proved(f"{scope.where}{len(different)} authorised functionaries signed links {text}", signed)
    if any(key.gpg for key in named) or any(one.only_gpg for one in candidates):
        raise UnprovableError(f"{scope.where}links {text} are to be signed with GPG, which is not verified here")
    if len(functionaries) < len(named):
        raise UnprovableError(f"{scope.where}a key that may sign links {text} is of no kind that is verified here")
    if step.by_certificate:
        raise UnprovableError(f"{scope.where}certificates may sign links {text}, which are not verified here")
    held = {one.name for one, _ in signed}
    unsigned = ", ".join(shown(str(one.name)) for one in candidates if one.name not in held)
    why = f"; no authorised functionary's signature holds on {unsigned}" if unsigned else ""
    raise RefusedError(
        f"{scope.where}not enough authorised functionaries signed links {text}{why}",
        f"{step.threshold} functionaries",
        str(len(different)),
    )


def _delegated(scope: _Scope, step: LayoutStepFacts, metadata: Metadata, inner: LayoutFacts) -> Recorded | None:
    """(6) The sub-layout of a step: its signer is its owner, its links are in the folder named like its file."""
    path = (*scope.path, step.name)
    if scope.record.run(6, "sublayout", lambda: _depth(path)) is None:
        return None
    return _verify(replace(scope, facts=inner, folder=scope.folder / metadata.name.stem, path=path))


def _depth(path: tuple[str, ...]) -> Proved[bool]:
    if len(path) > MAX_DEPTH:
        raise RefusedError(f"too many layouts within layouts (expected at most {MAX_DEPTH})")
    return Proved(f"the step {shown('/'.join(path))} is a layout of its own", True)


def _agreement(scope: _Scope, step: LayoutStepFacts, found: list[tuple[Metadata, Recorded | None]]) -> Proved[Recorded]:
    first_name, first = found[0][0].name, found[0][1]
    if first is None or any(one is None for _, one in found):
        raise UnprovableError(f"{scope.where}what the sub-layout of {shown(step.name)} shows is incomplete")
    for metadata, one in found[1:]:
        if one is not None and _parts(one) != _parts(first):
            detail = f"{scope.where}the links of {shown(step.name)} record different materials or products"
            raise RefusedError(detail, str(first_name), str(metadata.name))
    return Proved(f"{scope.where}{len(found)} link(s) of {shown(step.name)} agree", first)


def _parts(one: Recorded) -> tuple[dict[str, frozenset[object]], ...]:
    return tuple({path: frozenset(digests) for path, digests in part} for part in (one.materials, one.products))


def _evidence(scope: _Scope, step: LayoutStepFacts, signed: Signed) -> LayoutStep:
    by = {one.sha256: one.signer for _, functionaries in signed for one in functionaries}
    commands = [one.facts.command for one, _ in signed if isinstance(one.facts, LinkFacts)]
    return LayoutStep(
        name="/".join((*scope.path, step.name)),
        threshold=step.threshold,
        performed_by=tuple(by.values()),
        links=tuple(str(one.name) for one, _ in signed),
        delegated=len(commands) < len(signed),
        # A weak hint, which the specification does not let fail: whoever runs a command can alias it.
        command_as_expected=all(one == step.expected_command for one in commands) if commands else None,
    )


def _sum_up(record: Record, result: LayoutVerification) -> LayoutVerification:
    checks = record.in_order()
    for wanted in ("failed", "not-provable-offline"):
        found = next((check for check in checks if check.result == wanted), None)
        if found is not None:
            state: SignatureState | None = "failed" if wanted == "failed" else None
            return replace(result, state=state, note=f"{found.name}: {found.detail}", checks=checks)
    return replace(result, state="verified", checks=checks)
