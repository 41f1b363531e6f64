"""What a package registry says of a publication, in the same answer as the provenance: confirms or denies a package.

Provenance names the package as whoever ran the build wrote it; the registry's publish attestation names it as the
registry took it in. A wrong one never changes a level (spec 7.3): it is the expectation that is not met.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from assess.assessment import ExpectationResult
from assess.attestations._json import JSON
from assess.evidence import Source
from assess.examine import Examined

_MEMBERS = {"package_name": "name", "package_version": "version"}


def confirm(
    results: tuple[ExpectationResult, ...], provenance: Source, examined: Iterable[Examined]
) -> tuple[ExpectationResult, ...]:
    """Expectations of a package, unmet where the registry's attestation beside the provenance is invalid or differs."""
    if not any(result.name in _MEMBERS for result in results):
        return results
    beside = [one for one in examined if _same_document(one.opened.source, provenance) and one.kind != "provenance"]
    return tuple(_confirmed(result, beside) if result.name in _MEMBERS else result for result in results)


def _same_document(one: Source, other: Source) -> bool:
    if one.pointer is None or other.pointer is None or one.pointer == other.pointer:
        return False
    return (one.path, one.line) == (other.path, other.line)


def _confirmed(result: ExpectationResult, beside: list[Examined]) -> ExpectationResult:
    for one in beside:
        if one.signature == "failed":
            detail = "the registry's attestation in the same document is not valid"
            return replace(result, outcome="mismatch", detail=detail)
        predicate: JSON = one.statement.predicate if one.kind == "publish" and one.statement is not None else None
        says = predicate.get(_MEMBERS[result.name]) if isinstance(predicate, dict) else None
        if isinstance(says, str) and says != result.expected:
            detail = "the registry's publish attestation names another"
            return replace(result, outcome="mismatch", found=says, detail=detail)
    return result
