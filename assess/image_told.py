"""What the check of one image tells, as plain values in cosign's own terms: for JSON, and for text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from assess.evidence import Check, Signer
from assess.image_check import ImageCheck, Seen, signer_text

TERMS: tuple[tuple[str, tuple[int, ...], str], ...] = (
    ("claims validated", (9,), "not checked"),
    ("signature verified", (1, 2), "not checked"),
    ("transparency log entry verified offline", (6, 7), "none, and a key that was given needs none"),
    ("certificate chain verified", (3, 4, 5), "no certificate: a key signed"),
    ("identity", (8,), "not checked"),
    ("certificate and statement agree", (10,), ""),
)
"""cosign's term, the steps of `trust/verify.py` that it stands for, and what is said where there was none of them."""

_WORST = ("failed", "not-provable-offline", "verified")


def as_told(check: ImageCheck) -> dict[str, Any]:
    """Everything of one image as plain values; attestations themselves are left out."""
    return {
        "reference": check.reference,
        "name": check.name,
        "digest": check.root.digest,
        "kind": check.root.kind,
        "platforms": [asdict(one) for one in check.platforms],
        "by_tag": check.by_tag,
        "verdict": check.verdict,
        "reason": check.reason,
        "attached": [_attached(one) for one in check.seen],
        "unreadable": [{"source": str(one.source), "reason": one.reason} for one in check.unreadable],
        "notes": list(check.notes),
    }


def _attached(one: Seen) -> dict[str, Any]:
    examined = one.examined
    return {
        "on": one.attached.target,
        "form": one.attached.form,
        "found": one.attached.where,
        "source": str(one.attached.source),
        "layer": one.attached.layer,
        "media_type": one.attached.media_type,
        "kind": examined.kind if examined is not None else one.attached.form,
        "predicate_type": one.predicate_type,
        "holds": one.holds,
        "signature": examined.signature if examined is not None else None,
        "signer": _signer(one.signer),
        "signed_by": signer_text(one.signer) if one.signer is not None else None,
        "terms": _terms(one),
        "checks": [_check(check) for check in one.checks],
        "proves": proves(one),
    }


def _check(check: Check) -> dict[str, Any]:
    rows = ("name", "step", "result", "detail", "expected", "found")
    return {name: value for name in rows if (value := getattr(check, name)) is not None}


def _signer(signer: Signer | None) -> dict[str, Any] | None:
    return {k: v for k, v in asdict(signer).items() if v} if signer is not None else None


def _terms(one: Seen) -> list[dict[str, str]]:
    """Each of cosign's terms with the check that decides it."""
    if one.examined is None or one.examined.signature == "absent":
        return []
    rows = []
    for term, steps, otherwise in TERMS:
        own = [check for check in one.checks if check.step in steps]
        worst = _worst(own)
        if worst is not None:
            detail = worst.detail if worst.result != "verified" else _joined(own)
            rows.append({"term": term, "result": worst.result, "detail": detail})
        elif otherwise:
            stopped = _worst([check for check in one.checks if check.step <= 2 and check.result != "verified"])
            detail = f"not checked: {stopped.name} did not end well" if stopped is not None else otherwise
            rows.append({"term": term, "result": "none", "detail": detail})
    return rows


def _joined(checks: list[Check]) -> str:
    more = f"; and {len(checks) - 3} more" if len(checks) > 3 else ""
    return "; ".join(one.detail for one in checks[:3]) + more


def _worst(checks: list[Check]) -> Check | None:
    return min(checks, key=lambda one: _WORST.index(one.result), default=None)


def proves(one: Seen) -> str:
    """What this means for SLSA, and what it does not."""
    examined = one.examined
    if examined is None:
        return one.attached.note
    if examined.unreadable is not None and examined.signature != "failed":
        return f"could not be read: {examined.unreadable.reason}"
    if examined.signature == "absent":
        if examined.kind == "provenance":
            return "unsigned provenance: whoever can push here can write it; evidence for Build L1 at most"
        return "unsigned: whoever can push here can write it; proves no level"
    if not one.holds:
        return "proves nothing of this image here"
    match examined.kind:
        case "signature":
            return "proves who signed this image; a signature is not provenance, and carries no SLSA level"
        case "provenance":
            return "signed provenance of this image; `slsa-assess check --image` says which level it carries"
        case "summary":
            return "a signed verification summary (VSA); it counts where its verifier is listed"
        case "sbom":
            return "a signed SBOM: what is inside, by this signer; not provenance, and no SLSA level"
        case _:
            return "proves who stated this of the image; it is not provenance, and carries no SLSA level"
