"""Whether provenance may meet expectations at all: somebody proved to have signed it, and was meant to.

What provenance says is a claim of whoever signed it. So an expectation holds only where the signer is known, and
where signer and builder were stated or are recognised by name (SLSA 1.2 verifying-artifacts, step 1 before step 2):

1. an unsigned statement, or one whose signature nobody can check, meets no expectation: not provable
2. stated: `--builder-id` that is recognised together with its signer, an identity or a key of the user's, an entry of
   the user's own platforms, or what a lock file recorded
3. recognised by name: the platform's entry names signer and builder outright (a trusted builder, Google's keys)
4. by its source: the workflow of the very repository that is expected signed for itself
5. everything else (npm's runners, builders that anybody delegates to, workflows of other repositories, builders that
   nobody knows) is for the user to state, as slsa-verifier has it

Never changes a level.
"""

from __future__ import annotations

from dataclasses import replace

from assess.assessment import ExpectationResult
from assess.evidence import Provenance, Signer
from assess.examine import Trust
from assess.expectations import Expectations
from assess.trust.platforms import Entry

_UNSIGNED = "not provable: the provenance is unsigned, so anybody can have written it"
_UNPROVEN = "not provable: nobody is proved to have signed the provenance"
STATED = "to be stated"
"""What stands as expected where the user has to name a builder and did not."""


def backed(
    results: tuple[ExpectationResult, ...], provenance: Provenance, expectations: Expectations, trust: Trust
) -> tuple[ExpectationResult, ...]:
    """The results of `compare`, with what is not provable as unknown; one more where a builder was to be stated."""
    if not results:
        return results
    signer = provenance.signer
    # (1)
    if signer is None:
        detail = _UNSIGNED if provenance.signature == "absent" else _UNPROVEN
        return tuple(_unproven(one, detail) for one in results)
    if _signer_stated(signer, results, trust) or _user_entry(provenance):
        return results
    entry = _entry(provenance, trust)
    found = provenance.builder.id if provenance.builder is not None else ""
    # (2)
    if expectations.builder_id is not None:
        if _may_speak(signer, found, entry, trust):
            return results
        detail = (
            f"not provable: nothing ties {signer.identity} to this builder; name the signer (--certificate-identity, "
            "--key), or list both in a file for --platforms"
        )
        return tuple(_unproven(one, detail) if one.name == "builder_id" else one for one in results)
    # (3), (4)
    if entry is not None and (entry.outright or entry.relation == "own-workflow"):
        return results
    # Who names no source compares single facts only, and has not said whose build it is to be.
    if not _names_source(expectations):
        return results
    # (5)
    if _may_speak(signer, found, entry, trust):
        name = entry.name if entry is not None else "a builder that this verifier does not know"
        detail = f"if you expect it, add --builder-id {found[:200]} ({name}: trusted only where it is stated)"
    else:
        by = f"--certificate-identity {signer.identity[:200]}" if signer.kind == "certificate" else "its key (--key)"
        detail = f"not a recognised build platform; if you expect its signer, add {by}"
    return (*results, ExpectationResult("builder_id", STATED, found, "unknown", detail))


def _may_speak(signer: Signer, builder_id: str, entry: Entry | None, trust: Trust) -> bool:
    """A signer that is listed with this builder, is the builder itself, or signs for builders that others write."""
    signers = tuple(filter(None, (signer.identity, signer.build_signer)))
    if entry is not None or builder_id in signers:
        return True
    from assess.trust.agreement import may_write

    return any(may_write(one, name, builder_id) for one in trust.platforms.delegators for name in signers)


def _unproven(result: ExpectationResult, detail: str) -> ExpectationResult:
    if result.outcome != "match":
        return result
    return replace(result, outcome="unknown", detail="; ".join(filter(None, (detail, result.detail))))


def _signer_stated(signer: Signer, results: tuple[ExpectationResult, ...], trust: Trust) -> bool:
    """The user named who signs: by a key, by an identity, or by a lock file that recorded it."""
    if any(one.name == "signer_identity" and one.outcome == "match" for one in results):
        return True
    if signer.kind == "key":
        return signer.root == "key"
    wanted = trust.identity
    return wanted is not None and (wanted.identity is not None or wanted.identity_regexp is not None)


def _user_entry(provenance: Provenance) -> bool:
    return provenance.platform is not None and provenance.platform.basis == "user"


def _entry(provenance: Provenance, trust: Trust) -> Entry | None:
    """The bundled entry that gave the provenance its platform; None where the default holds."""
    name = provenance.platform.entry if provenance.platform is not None else None
    return next((one for one in trust.platforms.entries if one.id == name and not one.user), None)


def _names_source(expectations: Expectations) -> bool:
    learned = expectations.learned.source_uri if expectations.learned is not None else None
    return expectations.source_uri is not None or learned is not None
