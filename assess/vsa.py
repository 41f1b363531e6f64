"""Our own verification summaries (VSA v1): an Assessment's decisions as in-toto statements (spec 6.2).

The rules of the specification, by the number that they have in reference and code:

 1. only for a decision that was taken on an artifact's digest; one statement per distinct decision
 2. `verifier.id` is configuration: who runs this and holds the key
 3. `resourceUri` is the user's, never an attestation's
 4. `policy` names the canonical bytes of what decided
 5. `inputAttestations` are all that were used, by the sha256 of the bytes read
 6. PASSED with the highest verified level, or FAILED and no level; from the demonstrated reading alone
 7. `dependencyLevels` is left out: dependencies are not evaluated
 8. `slsaVersion`, `timeVerified`
 9. signed as DSSE, else it is no VSA
10. for slsa-verifier, without the names that its parser rejects
"""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from assess._data import data_path
from assess._frozen import frozen
from assess.assessment import Assessment, SubjectAssessment
from assess.attestations.summaries import SUMMARY_V1
from assess.errors import ConfigError
from assess.files import OWN_LIMIT, read_file

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_PARSED_BY_SLSA_VERIFIER = re.compile(r"(?!SLSA_).*|SLSA_[^_]+_LEVEL_-?[0-9]+", re.DOTALL)
_POLICY_INPUTS = frozenset(("platforms", "trusted-root", "key", "lock", "project"))


@frozen
class VsaPlan:
    """What a summary says of its verifier, as the user gave it."""

    verifier_id: str | None = None
    resource_uri: str | None = None
    key: Path | None = None
    policy_uri: str | None = None
    unsigned: bool = False
    service: str | None = None
    """URI of a key in a key service (`gcpkms:...`), instead of `key`; `public_key` is its other half."""
    public_key: Path | None = None
    keyless: bool = False
    """Signed by Sigstore with the identity of whoever runs this."""
    trust_config: Path | None = None
    """Another Sigstore than the public one, for `keyless`."""
    for_slsa_verifier: bool = False
    """Leave out what slsa-verifier's parser rejects."""


@frozen
class Summaries:
    """What was written: lines of JSON (envelopes, or bare statements if unsigned), and the policy's bytes."""

    lines: tuple[str, ...]
    policy: bytes
    signed: bool

    @property
    def text(self) -> str:
        """One line per summary."""
        return "".join(f"{line}\n" for line in self.lines)


def check_plan(plan: VsaPlan) -> None:
    """Raises ConfigError where the user has not said what no tool may make up (2, 3, 9)."""
    if not plan.verifier_id:
        hint = "give --vsa-verifier-id, or vsa.verifier_id in the project file: a URI of who runs this"
        raise ConfigError("a summary needs the id of its verifier", hint=hint)
    if not plan.resource_uri:
        hint = "give --vsa-resource-uri, or vsa.resource_uri in the project file: where consumers fetch the artifact"
        raise ConfigError("a summary needs the URI of what it is about", hint=hint)
    ways = (plan.key is not None, plan.service is not None, plan.keyless, plan.unsigned)
    if not any(ways):
        hint = "give --vsa-key FILE (PEM private key), --vsa-keyless, or --vsa-unsigned for a bare statement"
        raise ConfigError("a summary is signed, and no key was given", hint=hint)
    if ways[:3].count(True) > 1 or (plan.keyless and plan.unsigned):
        hint = "give one of --vsa-key, --vsa-keyless and --vsa-unsigned"
        raise ConfigError("a summary is signed in one way, and several were given", hint=hint)
    if plan.service is not None and plan.public_key is None:
        hint = "give --vsa-public-key FILE: what the service signs is verified before it is written"
        raise ConfigError("a key service signs, and its public key was not given", plan.service, hint)
    if plan.trust_config is not None and not plan.keyless:
        raise ConfigError("--vsa-trust-config is for --vsa-keyless", str(plan.trust_config))


def summarise(assessment: Assessment, plan: VsaPlan, minimum: tuple[tuple[str, int], ...]) -> Summaries:
    """The summaries of an assessment; `minimum` are the levels that its gate asked for, per track.

    Raises ConfigError where `plan` lacks something, no artifact was assessed or nothing was asked of it.
    """
    check_plan(plan)
    policy = policy_of(assessment, minimum)
    payloads = [
        json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        for one in _statements(assessment, plan, policy)
    ]
    # (9)
    if plan.unsigned:
        return Summaries(tuple(one.decode() for one in payloads), policy, False)
    return Summaries(_signed(payloads, plan), policy, True)


def _signed(payloads: list[bytes], plan: VsaPlan) -> tuple[str, ...]:
    """An envelope or bundle for each payload, by the one way of signing that `plan` names."""
    if plan.keyless:
        from assess.trust.remote_signing import sign_keyless

        return sign_keyless(payloads, plan.trust_config)
    if plan.service is not None and plan.public_key is not None:
        from assess.trust.remote_signing import service_signer

        public = read_file(plan.public_key, OWN_LIMIT, "public key")
        sign = service_signer(plan.service, public, str(plan.public_key))
        return tuple(sign(one, PAYLOAD_TYPE) for one in payloads)
    from assess.trust.signing import load_signing_key, sign_envelope

    if plan.key is None:
        raise ConfigError("a summary is signed, and no key was given")
    key = load_signing_key(read_file(plan.key, OWN_LIMIT, "private key"), str(plan.key))
    return tuple(sign_envelope(one, PAYLOAD_TYPE, key) for one in payloads)


def policy_of(assessment: Assessment, minimum: tuple[tuple[str, int], ...]) -> bytes:
    """(4) Canonical JSON of everything that decided: rules, roots of trust, expectations, minimum; no paths."""
    document = {
        "tool": f"slsa-assess {assessment.tool_version}",
        "slsa_version": assessment.spec,
        "rules": assessment.rule_pack,
        "platforms": sha256((data_path("levels") / "platforms.yaml").read_bytes()).hexdigest(),
        "trust_profile": assessment.trust_profile,
        "roots": list(assessment.roots),
        "files": sorted({f"{one.kind} sha256:{one.sha256}" for one in assessment.inputs if one.kind in _POLICY_INPUTS}),
        "minimum": dict(minimum),
        "expectations": sorted(
            {f"{row.name}={row.expected}" for subject in assessment.subjects for row in subject.expectations}
        ),
    }
    return json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def _statements(assessment: Assessment, plan: VsaPlan, policy: bytes) -> list[dict[str, Any]]:
    # (1)
    grouped: dict[tuple[str, ...], list[SubjectAssessment]] = {}
    for subject in assessment.subjects:
        if not subject.subject.digests:
            raise ConfigError("a summary is about an artifact, and none was given", hint="give --artifact FILE")
        grouped.setdefault(_levels(subject, plan), []).append(subject)
    return [_statement(assessment, plan, policy, levels, subjects) for levels, subjects in grouped.items()]


def _levels(subject: SubjectAssessment, plan: VsaPlan) -> tuple[str, ...]:
    """(6) What `verifiedLevels` says; FAILED alone where the gate did not pass the artifact."""
    decision = subject.decision
    if decision is None:
        hint = "give --min-level or expectations (--source-uri, ...), which the artifact passes or fails"
        raise ConfigError("a summary states a decision, and nothing was asked of the artifact", hint=hint)
    if not decision.passed:
        return ("FAILED",)
    ceiling = next((row.level.ceiling for row in subject.levels if row.reading == "demonstrated"), 0)
    unevaluated = decision.level == 0 and ceiling > 0
    name = f"SLSA_BUILD_LEVEL_{'UNEVALUATED' if unevaluated else decision.level}"
    # (10)
    return (name,) if not plan.for_slsa_verifier or parsed_by_slsa_verifier(name) else ()


def parsed_by_slsa_verifier(name: str) -> bool:
    """Whether slsa-verifier reads an entry of `verifiedLevels`; one that it does not read makes it refuse them all."""
    return _PARSED_BY_SLSA_VERIFIER.fullmatch(name) is not None


def _statement(
    assessment: Assessment, plan: VsaPlan, policy: bytes, levels: tuple[str, ...], subjects: list[SubjectAssessment]
) -> dict[str, Any]:
    predicate: dict[str, Any] = {
        # (2)
        "verifier": {"id": plan.verifier_id, "version": {"slsa-assess": assessment.tool_version}},
        "timeVerified": assessment.time,
        # (3)
        "resourceUri": plan.resource_uri,
        # (4)
        "policy": {
            "uri": plan.policy_uri or _named_by_hash(policy),
            "digest": {"sha256": sha256(policy).hexdigest()},
        },
        "verificationResult": "FAILED" if levels == ("FAILED",) else "PASSED",
        "verifiedLevels": list(levels),
        # (8)
        "slsaVersion": assessment.spec,
    }
    inputs = _inputs(subjects)
    if inputs:
        predicate["inputAttestations"] = inputs
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": one.subject.name, "digest": {digest.algorithm: digest.value for digest in one.subject.digests}}
            for one in subjects
        ],
        "predicateType": SUMMARY_V1,
        "predicate": predicate,
    }


def _inputs(subjects: list[SubjectAssessment]) -> list[dict[str, Any]]:
    """(5) The attestations that counted, consumed summaries among them, in the order of their digests."""
    used = {
        one.digest: one.predicate_type
        for subject in subjects
        for one in subject.attestations
        if one.disposition == "counts" and one.digest is not None
    }
    return [
        {"uri": _ni(digest), "digest": {"sha256": digest}, "annotations": {"predicateType": used[digest]}}
        for digest in sorted(used)
    ]


def _named_by_hash(data: bytes) -> str:
    return _ni(sha256(data).hexdigest())


def _ni(digest: str) -> str:
    """A URI that names bytes by their hash (RFC 6920): no place of ours, and none that could lie."""
    return f"ni:///sha-256;{base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip('=')}"
