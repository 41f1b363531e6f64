"""Verification summaries (VSA) verified by the specification's algorithm (SLSA 1.2 verification_summary, spec 6.3).

The narrative, after the steps of `trust/verify.py` and of `examine.py` (`Check.step` goes on from there):

12. VSA-VERIFY-1   signed by a listed verifier
13. VSA-VERIFY-2   the artifact is a subject, by digest
14. VSA-VERIFY-3   the predicate type is literally v1
15. VSA-VERIFY-4   `verifier.id` is the one listed for that signer
16. VSA-VERIFY-5   `resourceUri` is what is expected
17. VSA-VERIFY-6   `verificationResult` is PASSED
18. VSA-VERIFY-7   `verifiedLevels` holds what is wanted, or higher

A summary counts for its Build level up to its verifier's cap where all seven hold; it never lowers a level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from assess._frozen import frozen
from assess.assessment import Severity
from assess.attestations.summaries import SUMMARY_V1, read_summary
from assess.evidence import Check, CheckResult, Disposition, Summary
from assess.examine import Examined, Trust, carries_certificate

if TYPE_CHECKING:
    from assess.artifacts import Artifact
    from assess.trust.verifiers import Verifier
    from assess.trust.verify import Verification

ANY_LEVEL = ("SLSA_BUILD_LEVEL_1",)
_LEVEL = re.compile(r"SLSA_([A-Z]+)_LEVEL_([0-9]{1,2})")
_IDENTIFIERS = frozenset(("gce_image_id",))
"""Names under `digest` that are no digests; they match what the caller itself knows by that name alone."""


@frozen
class Taken:
    """A summary with its checks, and what the log and the reader are told of it."""

    summary: Summary
    disposition: Disposition
    reason: str
    severity: Severity | None = None
    """None where it is about something else and nobody need be told."""
    advice: str = ""

    @property
    def may_count(self) -> bool:
        """It counts, or would if its signature were provable here."""
        return self.disposition == "counts"


def take_summary(
    examined: Examined, artifact: Artifact, trust: Trust, wanted: tuple[str, ...] = ANY_LEVEL
) -> Taken | None:
    """Verify a summary against the listed verifiers; None where the attestation is no summary.

    `wanted` are the entries that `verifiedLevels` must hold, levels of a track or names of the verifier's own.
    Raises InputError, with a JSON pointer into the payload, where the predicate cannot be read.
    """
    if examined.statement is None or examined.kind != "summary":
        return None
    summary = replace(
        read_summary(examined.opened, examined.statement),
        signature=examined.signature,
        signer=examined.verification.signer,
        checks=examined.checks,
        level=0,
    )
    tried = [_compared(examined, summary, artifact, trust, one, wanted) for one in trust.verifiers]
    listed = [one for one in tried if _result_of(one, 1) != "failed" or _result_of(one, 4) == "verified"]
    if not listed:
        return _unlisted(summary, examined)
    best = min(listed, key=lambda one: [check.result for check in one.checks].count("failed"))
    return _weighed(best, examined)


def levels_of(names: Iterable[str]) -> dict[str, int]:
    """The highest level of each track: `SLSA_BUILD_LEVEL_2` -> {"BUILD": 2}; other entries are no levels."""
    found: dict[str, int] = {}
    for name in names:
        match = _LEVEL.fullmatch(name)
        if match is not None:
            found[match[1]] = max(found.get(match[1], 0), int(match[2]))
    return found


def _compared(
    examined: Examined, summary: Summary, artifact: Artifact, trust: Trust, verifier: Verifier, wanted: tuple[str, ...]
) -> Summary:
    """The seven checks against one listed verifier, all of them made whatever the others say."""
    from assess.trust.verify import verify

    verification = verify(
        examined.opened,
        root=trust.root_for(examined.opened),
        keys=(verifier.key,) if verifier.key is not None else (),
        identity=verifier.identity,
    )
    own = (
        _signed(examined, verification, verifier),
        _subject(examined, artifact),
        _equal(3, "the predicate type", SUMMARY_V1, summary.predicate_type),
        _equal(4, "verifier.id", verifier.id, summary.verifier_id),
        _equal(5, "resourceUri", verifier.resource_uri, summary.resource_uri),
        _equal(6, "verificationResult", "PASSED", summary.result),
        _levels(summary, wanted),
    )
    results = {one.result for one in own}
    level: int | None = min(levels_of(summary.verified_levels or ()).get("BUILD", 0), verifier.cap)
    if "failed" in results:
        level = 0
    elif "not-provable-offline" in results:
        level = None
    checks = (*verification.checks, *own)
    return replace(summary, signature=verification.signature, signer=verification.signer, checks=checks, level=level)


def _check(
    number: int, result: CheckResult, detail: str, expected: str | None = None, found: str | None = None
) -> Check:
    return Check(f"VSA-VERIFY-{number}", 11 + number, result, detail, expected, found)


def _signed(examined: Examined, verification: Verification, verifier: Verifier) -> Check:
    expected = verifier.identity.identity if verifier.identity is not None else None
    if verifier.key is not None:
        expected = f"sha256:{verifier.key.sha256}"
    found = verification.signer.identity if verification.signer is not None else None
    if verification.signature == "verified":
        return _check(1, "verified", "signed by a listed verifier", expected, found)
    by_certificate = verifier.key is None and carries_certificate(examined.opened)
    # Whoever signs without the listed certificate or key is somebody else, and nothing is left to prove.
    if verification.signature is None and by_certificate:
        return _check(1, "not-provable-offline", verification.note or "the signature", expected, found)
    note = verification.note if verification.signature == "failed" or verifier.key is not None else None
    return _check(1, "failed", note or "signed with a key, and the verifier signs with a certificate", expected, found)


def _subject(examined: Examined, artifact: Artifact) -> Check:
    match = examined.match
    if match is not None and match.matched:
        return replace(match.check, name="VSA-VERIFY-2", step=13)
    named = {one for one in artifact.subject.digests if one.algorithm in _IDENTIFIERS}
    subjects = examined.statement.subjects if examined.statement is not None else ()
    same = next((one for subject in subjects for one in subject.digests if one in named), None)
    if same is not None:
        return _check(
            2, "verified", f"a subject has the artifact's {same.algorithm}, an identifier", str(same), str(same)
        )
    if match is None:
        return _check(2, "failed", "no artifact to compare its subjects with")
    return replace(match.check, name="VSA-VERIFY-2", step=13)


def _equal(number: int, what: str, expected: str, found: str | None) -> Check:
    if found == expected:
        return _check(number, "verified", f"{what} is as expected", expected, found)
    return _check(number, "failed", f"{what} is another one", expected, found or "none")


def _levels(summary: Summary, wanted: tuple[str, ...]) -> Check:
    names = summary.verified_levels or ()
    shown = ", ".join(names) or "none"
    expected = ", ".join(wanted)
    if "FAILED" in names:
        return _check(7, "failed", "verifiedLevels says FAILED", expected, shown)
    reached = levels_of(names)
    for name in wanted:
        level = _LEVEL.fullmatch(name)
        held = reached.get(level[1], 0) >= int(level[2]) if level is not None else name in names
        if not held:
            return _check(7, "failed", f"verifiedLevels holds neither {name} nor higher", expected, shown)
    return _check(7, "verified", "verifiedLevels holds what is wanted", expected, shown)


def _result_of(summary: Summary, number: int) -> CheckResult:
    return next(one.result for one in summary.checks if one.name == f"VSA-VERIFY-{number}")


_ADVICE = "find out who made or replaced it, and fetch it again from the verifier"


def _unlisted(summary: Summary, examined: Examined) -> Taken:
    who = summary.verifier_id or "(none named)"
    if examined.signature == "failed" and examined.failure is not None:
        reason = f"{examined.failure.name}: {examined.failure.detail}"
        return Taken(summary, "rejected", reason, "critical", _ADVICE)
    if summary.predicate_type != SUMMARY_V1:
        reason = f"a verification summary in a legacy format by {who}; it informs, and no level is taken from it"
        return Taken(summary, "not-provenance", reason, "info")
    reason = f"a verification summary by {who}, which is no listed verifier with this signer; no level is taken from it"
    advice = "if you trust this verifier, list it with its key under trust.verifiers of the project file"
    return Taken(summary, "not-provenance", reason, "info", advice)


def _weighed(summary: Summary, examined: Examined) -> Taken:
    """What becomes of a summary that a listed verifier signed, or that names one."""
    failed = next((one for one in summary.checks if one.name.startswith("VSA-") and one.result == "failed"), None)
    who = summary.verifier_id
    if failed is None and summary.level is None:
        reason = f"a verification summary by {who}, not provable offline, so that what it says is unknown"
        return Taken(summary, "counts", reason, "warning", "ask the verifier for a Sigstore bundle")
    if failed is None:
        said = levels_of(summary.verified_levels or ()).get("BUILD", 0)
        capped = f" (it says L{said}; the project's cap holds)" if said > (summary.level or 0) else ""
        return Taken(summary, "counts", f"verification summary by {who}: Build L{summary.level}{capped}", "info")
    told = f"{failed.name}: {failed.detail} (got {failed.found or 'none'}, expected {failed.expected or 'another'})"
    match failed.name:
        case "VSA-VERIFY-1":
            return Taken(summary, "rejected", f"{failed.name}: {failed.detail}", "critical", _ADVICE)
        case "VSA-VERIFY-2" if examined.match is not None and examined.match.conflict is not None:
            return Taken(summary, "rejected", f"{failed.name}: {failed.detail}", "critical", _ADVICE)
        case "VSA-VERIFY-2":
            return Taken(summary, "other-subject", "none of its subjects has the artifact's digest")
        case "VSA-VERIFY-3":
            reason = f"a verification summary in a legacy format by {who}; it informs, and no level is taken from it"
            return Taken(summary, "not-provenance", reason, "info")
        case "VSA-VERIFY-6":
            reason = f"the verifier {who} did not pass this artifact: {told}"
            return Taken(summary, "not-provenance", reason, "warning", "ask the verifier why")
        case _:
            return Taken(summary, "not-provenance", f"a verification summary that does not count: {told}", "warning")
