"""What the user expects of provenance, compared with what it says; the reading of tags, branches and builder ids is
slsa-verifier's. Never changes a level (spec 7.3)."""

# Longer than 300 lines: one comparison per expectation, beside the others that read the same claims.

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from assess._frozen import frozen
from assess.assessment import ExpectationResult
from assess.attestations.builder_ids import builder_id_problem
from assess.attestations.git import normalize_git_uri, ref_name, repository_uri, versioned_tag_problem
from assess.attestations.purl import package_of
from assess.evidence import Process, Provenance

if TYPE_CHECKING:
    from assess.learned import Learned

Outcome = Literal["match", "mismatch", "unknown"]
_GENERATOR = "https://github.com/slsa-framework/slsa-github-generator"
_NPM_RUNNER = "https://github.com/actions/runner"
_HOSTED = "/github-hosted"


@frozen
class Expectations:
    """What the provenance must say; None for what was not asked. Texts as the user gave them."""

    source_uri: str | None = None
    source_branch: str | None = None
    source_tag: str | None = None
    source_versioned_tag: str | None = None
    builder_id: str | None = None
    workflow_path: str | None = None
    trigger: str | None = None
    workflow_inputs: tuple[tuple[str, str], ...] = ()
    package_name: str | None = None
    package_version: str | None = None
    learned: Learned | None = None
    """What a lock file recorded; a fact that the user expects in words of their own is not compared twice."""
    unlearned: str | None = None
    """The name that a lock file was asked for and has no entry of."""


@frozen
class _Found:
    """One comparison's answer: outcome, what was found, and a sentence."""

    outcome: Outcome
    found: str = ""
    detail: str = ""


def compare(expectations: Expectations, provenance: Provenance | None) -> tuple[ExpectationResult, ...]:
    """One result per expectation that was given, in a fixed order; all unknown where there is no provenance.

    Where `provenance.signer` names a source repository, a ref or a trigger, that must be as expected too: the
    predicate alone is a claim.
    """
    single: tuple[tuple[str, str | None, Callable[[str, Provenance], _Found]], ...] = (
        ("source_uri", expectations.source_uri, _source_uri),
        ("source_branch", expectations.source_branch, _source_branch),
        ("source_tag", expectations.source_tag, _source_tag),
        ("source_versioned_tag", expectations.source_versioned_tag, _source_versioned_tag),
        ("builder_id", expectations.builder_id, _builder_id),
        ("workflow_path", expectations.workflow_path, _workflow_path),
        ("trigger", expectations.trigger, _trigger),
        ("package_name", expectations.package_name, _package_name),
        ("package_version", expectations.package_version, _package_version),
    )
    results = []
    for name, expected, comparison in single:
        if expected is not None:
            results.append(_result(name, expected, provenance, comparison))
    for key, expected in expectations.workflow_inputs:
        text = f"{key}={expected}"
        results.append(_result("workflow_inputs", text, provenance, _workflow_input))
    return (*(_with_threat(one) for one in results), *_learned(expectations, provenance))


def _with_threat(result: ExpectationResult) -> ExpectationResult:
    if result.outcome == "match":
        return result
    from assess.learned import threat_of

    return replace(result, detail="; ".join(filter(None, (result.detail, threat_of(result.name)))))


def _learned(expectations: Expectations, provenance: Provenance | None) -> tuple[ExpectationResult, ...]:
    if expectations.unlearned is None and expectations.learned is None:
        return ()
    from assess.files import LOCK_FILE
    from assess.learned import differences

    if expectations.unlearned is not None:
        detail = f"{LOCK_FILE} has no entry for it: `slsa-assess expect` records what its attestation says"
        return (ExpectationResult("lock", f"an entry for {expectations.unlearned}", "", "unknown", detail),)
    if expectations.learned is None:
        return ()
    refs = ("source_branch", "source_tag", "source_versioned_tag")
    given = {name for name in _COMPARED_TWICE if getattr(expectations, name) is not None}
    if any(getattr(expectations, name) is not None for name in refs):
        given.add("source_ref")
    return differences(expectations.learned, provenance, frozenset(given))


_COMPARED_TWICE = ("source_uri", "workflow_path", "trigger", "builder_id", "package_name")


def _result(
    name: str, expected: str, provenance: Provenance | None, comparison: Callable[[str, Provenance], _Found]
) -> ExpectationResult:
    if provenance is None:
        return ExpectationResult(name, expected, "", "unknown", "there is no provenance to compare with")
    answer = comparison(expected, provenance)
    return ExpectationResult(name, expected, answer.found, answer.outcome, answer.detail)


# --- source ---------------------------------------------------------------------------------------------------------


def _source_uri(expected: str, provenance: Provenance) -> _Found:
    wanted = normalize_git_uri(expected)
    process, missing = _process(provenance)
    if process is None or not process.source_uri:
        return _Found("unknown", detail=missing or _unnamed("source", provenance))
    found = normalize_git_uri(process.source_uri)
    if found != wanted:
        return _Found("mismatch", process.source_uri, "the predicate names another source")
    signed = provenance.signer.source_repository if provenance.signer is not None else None
    if signed is not None and repository_uri(signed) != wanted:
        return _Found("mismatch", signed, "the certificate names another source repository than the predicate")
    return _Found("match", process.source_uri, _by_whom(signed))


def _source_branch(expected: str, provenance: Provenance) -> _Found:
    process, missing = _process(provenance)
    if process is None:
        return _Found("unknown", detail=missing)
    ref = _ref_of_branch(process, provenance)
    name = ref_name("heads", ref)
    if name is None:
        return _no_ref("branch", process.source_ref or "", provenance)
    if name != expected:
        return _Found("mismatch", ref, "built from another branch")
    return _signed_ref(process, provenance) or _Found("match", ref)


def _source_tag(expected: str, provenance: Provenance) -> _Found:
    process, missing = _process(provenance)
    if process is None:
        return _Found("unknown", detail=missing)
    ref = process.source_ref or ""
    name = ref_name("tags", ref)
    if name is None:
        return _no_ref("tag", ref, provenance)
    if name != expected:
        return _Found("mismatch", ref, "built from another tag")
    return _signed_ref(process, provenance) or _Found("match", ref)


def _source_versioned_tag(expected: str, provenance: Provenance) -> _Found:
    process, missing = _process(provenance)
    if process is None:
        return _Found("unknown", detail=missing)
    ref = process.source_ref or ""
    name = ref_name("tags", ref)
    if name is None:
        return _no_ref("tag", ref, provenance)
    problem = versioned_tag_problem(name, expected)
    if problem:
        return _Found("mismatch", ref, problem)
    return _signed_ref(process, provenance) or _Found("match", ref)


def _ref_of_branch(process: Process, provenance: Provenance) -> str:
    """The branch ref of a build; where a tag was pushed, the branch that GitHub's event says it is on."""
    ref = process.source_ref or ""
    if ref_name("tags", ref) is None:
        return ref
    # Only slsa-github-generator's v0.2 predicates record the event, in lower-case names; elsewhere it is a claim.
    signed_by = provenance.signer.identity if provenance.signer is not None else f"{_GENERATOR}/"
    if not (signed_by.startswith(f"{_GENERATOR}/") and (provenance.build_type or "").startswith(_GENERATOR)):
        return ""
    environment = {parameter.name: parameter.value for parameter in provenance.internal_parameters or ()}
    base = _parsed(environment.get("github_base_ref"))
    if isinstance(base, str) and base:
        return base
    payload = _parsed(environment.get("github_event_payload"))
    match _parsed(environment.get("github_event_name")), payload:
        case "push", {"base_ref": str() as base}:
            return base
        case "release", {"release": {"target_commitish": str() as branch}}:
            return f"refs/heads/{branch}"
        case _:
            return ""


def _parsed(text: str | None) -> object:
    """The value of a parameter; None where there is none."""
    try:
        return json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None


def _signed_ref(process: Process, provenance: Provenance) -> _Found | None:
    """A mismatch where the certificate names another ref than the predicate; else None."""
    signed = provenance.signer.source_ref if provenance.signer is not None else None
    if signed is not None and process.source_ref and signed != process.source_ref:
        return _Found("mismatch", signed, "the certificate names another ref than the predicate")
    return None


def _no_ref(kind: str, ref: str, provenance: Provenance) -> _Found:
    if not ref:
        return _Found("unknown", detail=_unnamed("ref", provenance))
    return _Found("mismatch", ref, f"not built from a {kind} that the provenance names")


# --- builder --------------------------------------------------------------------------------------------------------


def _builder_id(expected: str, provenance: Provenance) -> _Found:
    if provenance.builder is None:
        return _Found("unknown", detail="the provenance could not be read")
    found = provenance.builder.id
    problem = builder_id_problem(found, expected)
    if problem and found == _NPM_RUNNER and _is_npm_runner(expected):
        # Older provenance leaves out the kind of runner, which then is a hosted one.
        runner = provenance.signer.runner_environment if provenance.signer is not None else None
        if runner in (None, "github-hosted"):
            problem = builder_id_problem(found, _toggled(expected))
    return _Found("mismatch", found, problem) if problem else _Found("match", found)


def _is_npm_runner(builder_id: str) -> bool:
    return builder_id in (_NPM_RUNNER, _NPM_RUNNER + _HOSTED)


def _toggled(builder_id: str) -> str:
    return builder_id.removesuffix(_HOSTED) if builder_id.endswith(_HOSTED) else builder_id + _HOSTED


# --- process --------------------------------------------------------------------------------------------------------


def _workflow_path(expected: str, provenance: Provenance) -> _Found:
    process, missing = _process(provenance)
    if process is None or not process.entry_point:
        return _Found("unknown", detail=missing or _unnamed("entry point", provenance))
    same = process.entry_point == expected.removeprefix("./")
    return _Found("match" if same else "mismatch", process.entry_point, "" if same else "another entry point")


def _trigger(expected: str, provenance: Provenance) -> _Found:
    process, missing = _process(provenance)
    if process is None or not process.trigger:
        return _Found("unknown", detail=missing or _unnamed("trigger", provenance))
    if process.trigger != expected:
        return _Found("mismatch", process.trigger, "started by another event")
    signed = provenance.signer.build_trigger if provenance.signer is not None else None
    if signed is not None and signed != expected:
        return _Found("mismatch", signed, "the certificate names another trigger than the predicate")
    return _Found("match", process.trigger)


def _workflow_input(expected: str, provenance: Provenance) -> _Found:
    key, _, value = expected.partition("=")
    process, missing = _process(provenance)
    if process is None or process.inputs is None:
        return _Found("unknown", detail=missing or _unnamed("inputs", provenance))
    if process.trigger != "workflow_dispatch":
        detail = f"inputs exist for workflow_dispatch only (trigger: {process.trigger or 'not named'})"
        return _Found("mismatch" if process.trigger else "unknown", detail=detail)
    found = next((parameter.value for parameter in process.inputs if parameter.name == key), None)
    if found is None:
        return _Found("mismatch", detail="the provenance has no such input")
    if _parsed(found) != value:
        return _Found("mismatch", found, "another value")
    return _Found("match", found)


def _process(provenance: Provenance) -> tuple[Process | None, str]:
    """The process of a recognised buildType, or why there is none."""
    process = provenance.process
    if process is None:
        return None, "the provenance could not be read"
    if process.recognised is None:
        return None, f"nothing is known of the buildType {(provenance.build_type or 'none')[:120]!r}"
    return process, ""


def _unnamed(what: str, provenance: Provenance) -> str:
    why = next((note for note in provenance.notes if what in note), "")
    return f"the provenance names no {what}" + (f": {why}" if why else "")


def _by_whom(signed: str | None) -> str:
    return "" if signed is not None else "claimed by the predicate; no verified certificate names the source"


# --- package --------------------------------------------------------------------------------------------------------


def _package_name(expected: str, provenance: Provenance) -> _Found:
    return _package(expected, provenance, 0, "name")


def _package_version(expected: str, provenance: Provenance) -> _Found:
    return _package(expected, provenance, 1, "version")


def _package(expected: str, provenance: Provenance, index: int, what: str) -> _Found:
    if provenance.subjects is None:
        return _Found("unknown", detail="the provenance could not be read")
    packages = [package for subject in provenance.subjects if (package := package_of(subject.name)) is not None]
    found = sorted({package[index] for package in packages})
    if not any(found):
        return _Found("unknown", detail=f"no subject is named by a package URL with a {what}")
    if found == [expected]:
        return _Found("match", expected)
    return _Found("mismatch", ", ".join(found), f"another package {what}")
