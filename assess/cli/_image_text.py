"""What `image` prints: one block for each image, then the workloads that run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assess.cli._common import clean

if TYPE_CHECKING:
    from assess.image_batch import Answer
    from assess.images.kubernetes import Manifests

WORDS = {"verified": "VERIFIED", "failed": "FAILED", "nobody-expected": "NOT DECIDED", "error": "NOT CHECKED"}
_RESULTS = {"verified": "verified", "failed": "FAILED", "not-provable-offline": "not proven", "none": "-"}
_TITLES = {
    "signature": "signature",
    "provenance": "provenance",
    "summary": "verification summary (VSA)",
    "sbom": "SBOM",
    "notation": "Notary Project signature",
    "publish": "publish attestation",
}


def as_rows(answers: tuple[Answer, ...], manifests: Manifests | None) -> list[dict[str, Any]]:
    """The JSON form: one object for each image, with the workloads that run it."""
    rows = []
    for one in answers:
        row = one.told if one.told is not None else _error(one)
        if manifests is not None:
            row["used_by"] = [
                {"workload": str(use.workload), "container": use.container, "role": use.role, "source": str(use.source)}
                for use in manifests.uses
                if use.image == one.reference
            ]
        rows.append(row)
    if manifests is not None and (manifests.unreadable or manifests.notes):
        lost = [{"source": str(one.source), "reason": one.reason} for one in manifests.unreadable]
        rows.append(
            {
                "reference": None,
                "verdict": "error" if lost else "note",
                "reason": "of the manifests themselves",
                "unreadable": lost,
                "notes": [f"{one.source}: {one.text}" for one in manifests.notes],
            }
        )
    return rows


def _error(one: Answer) -> dict[str, Any]:
    problem = one.error
    return {
        "reference": one.reference,
        "verdict": "error",
        "reason": str(problem),
        "exit_code": int(problem.exit_code) if problem is not None else 0,
    }


def as_text(answers: tuple[Answer, ...], manifests: Manifests | None, verbose: bool) -> str:
    """The text form, safe for a terminal."""
    lines: list[str] = []
    many = len(answers) > 1 or manifests is not None
    for one in answers:
        if one.told is None:
            lines += [one.reference, f"  NOT CHECKED: {one.error}", ""] if many else []
        else:
            lines += [*_image(one.told, verbose, many), ""]
    if manifests is not None:
        lines += _workloads(answers, manifests)
    return "".join(f"{clean(line)}\n" for line in lines)


def _image(told: dict[str, Any], verbose: bool, many: bool) -> list[str]:
    lines = [told["reference"], f"  {told['kind']} {told['digest']}"]
    if told["platforms"]:
        names = ", ".join(one["platform"] or one["digest"] for one in told["platforms"])
        lines.append(f"  platforms: {names}")
    if told["by_tag"]:
        lines.append("  named by a tag, which can be moved to another image at any time; what was checked is")
        lines.append(f"    {told['name']}")
    for one in told["attached"]:
        lines += _attached(one, told, verbose)
    if not told["attached"]:
        lines.append("  nothing hangs on it: no signature, no attestation")
    lines += [f"  unreadable: {one['source']}: {one['reason']}" for one in told["unreadable"]]
    lines += [f"  note: {one}" for one in told["notes"]]
    if many:
        lines.append(f"  {WORDS[told['verdict']]}: {told['reason']}")
    return lines


def _attached(one: dict[str, Any], told: dict[str, Any], verbose: bool) -> list[str]:
    title = _TITLES.get(one["kind"]) or one["predicate_type"] or one["form"]
    named = f" ({one['predicate_type']})" if one["predicate_type"] and one["predicate_type"] != title else ""
    on = next((part["platform"] for part in told["platforms"] if part["digest"] == one["on"]), None)
    of = f" on {on or one['on']}" if one["on"] != told["digest"] else ""
    lines = [f"  {title}{named}{of}, {one['found']}: {one['source']}"]
    if one["signed_by"]:
        lines.append(f"    signed by {one['signed_by']}")
    if verbose:
        for check in one["checks"]:
            lines.append(
                f"    {_RESULTS[check['result']]:<11} {check['step']:>2} {check['name']:<11} {check['detail']}"
            )
    else:
        lines += [f"    {_RESULTS[row['result']]:<11} {row['term']}: {row['detail']}" for row in one["terms"]]
    for check in one["checks"]:
        if check["result"] == "failed" and "expected" in check:
            lines.append(f"                expected {check['expected']}, found {check.get('found', 'nothing')}")
    lines.append(f"    {one['proves']}")
    return lines


def _workloads(answers: tuple[Answer, ...], manifests: Manifests) -> list[str]:
    """Who runs what, in the order of the manifests."""
    verdicts = {one.reference: (one.told or {"verdict": "error"})["verdict"] for one in answers}
    tags = {one.reference for one in answers if one.told is not None and one.told["by_tag"]}
    lines = ["Workloads"]
    before = None
    for use in manifests.uses:
        if use.workload != before:
            lines.append(f"  {use.workload} ({use.workload.source})")
            before = use.workload
        tag = ", by tag" if use.image in tags else ""
        role = "" if use.role == "container" else f" ({use.role})"
        lines.append(f"    {WORDS[verdicts[use.image]]:<11} {use.container}{role}: {use.image}{tag}")
    if not manifests.uses:
        lines.append("  none of the manifests runs an image")
    lines += [f"  unreadable: {one.source}: {one.reason}" for one in manifests.unreadable]
    lines += [f"  note: {one.source}: {one.text}" for one in manifests.notes]
    return lines


def summary(answers: tuple[Answer, ...], manifests: Manifests | None) -> str:
    """The last line over many images."""
    counts = dict.fromkeys(("verified", "failed", "nobody-expected", "error"), 0)
    for one in answers:
        counts[one.told["verdict"] if one.told is not None else "error"] += 1
    tags = sum(one.told is not None and one.told["by_tag"] for one in answers)
    parts = [f"{counts['verified']} of {len(answers)} images verified"]
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += (
        [f"{counts['nobody-expected']} signed by somebody, and nobody was expected"]
        if counts["nobody-expected"]
        else []
    )
    parts += [f"{counts['error']} could not be checked"] if counts["error"] else []
    lost = len(manifests.unreadable) if manifests is not None else 0
    parts += [f"{lost} place(s) of the manifests could not be read"] if lost else []
    parts += [f"{tags} named by tag"] if tags else []
    good = counts["verified"] == len(answers) and not lost
    return f"{'VERIFIED' if good else 'FAILED'}: {'; '.join(parts)}"
