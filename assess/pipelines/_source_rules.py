"""Rulesets and branch protection in files of GitHub's own form: exported rulesets, probot settings, Allstar.

What adds up to which control follows source-tool's logic: continuity needs `deletion` and `non_fast_forward`; two-party
review needs an approval, stale ones dismissed, code owners, and the last push approved by somebody else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from assess._yaml import Node
from assess.evidence import Note, Source, SourceControl

MAX_RULES = 500
RULES = {
    "deletion": "no-deletion", "non_fast_forward": "no-force-push", "update": "no-update", "creation": "no-creation",
    "required_signatures": "signed-commits", "required_linear_history": "linear-history",
    "required_status_checks": "status-checks", "required_deployments": "deployments", "merge_queue": "merge-queue",
    "workflows": "status-checks", "code_scanning": "status-checks",
}  # fmt: skip
REVIEW = {
    "dismiss_stale_reviews_on_push": "dismiss-stale-reviews", "require_code_owner_review": "code-owner-review",
    "require_last_push_approval": "last-push-approval", "required_review_thread_resolution": "resolved-threads",
}  # fmt: skip
REFS: dict[str, Literal["branch", "tag"]] = {"branch": "branch", "tag": "tag"}
TWO_PARTY = frozenset({"review", "dismiss-stale-reviews", "code-owner-review", "last-push-approval"})
_NOTHING = Node("mapping", {}, "", 0, 0)


def hints(control: SourceControl) -> SourceControl:
    """The control with what its requirements together are a candidate for; of nothing where somebody may pass it by."""
    told = set(control.requirements or ())
    found: list[str] = []
    if control.enforced is False or control.bypass:
        return replace(control, candidates=())
    if control.refs == "branch" and {"no-deletion", "no-force-push"} <= told:
        found.append("continuity")
    everything = control.patterns is None or control.patterns in {("~ALL",), ("*",), ("**",)}
    if control.refs == "tag" and {"no-deletion", "no-update"} <= told and everything:
        found.append("tag-hygiene")
    if control.refs == "branch" and told >= TWO_PARTY:
        found.append("two-party-review")
    if control.refs == "branch" and "status-checks" in told:
        found.append("organization-controls")
    return replace(control, candidates=tuple(found))


def ruleset(root: Node) -> list[SourceControl]:
    """A ruleset as GitHub exports it, or several in a list; other JSON gives nothing."""
    found = []
    for one in (root,) if root.kind == "mapping" else tuple(root)[:MAX_RULES]:
        rules, target = one.get("rules"), one.get("target")
        if rules is None or rules.kind != "sequence" or target is None or target.text not in {"branch", "tag", "push"}:
            continue
        told: list[str] = []
        approvals: int | None = None
        for rule in tuple(rules)[:MAX_RULES]:
            name = _text(rule, "type")
            if name in RULES:
                told.append(RULES[name])
            elif name == "pull_request":
                words, approvals = _reviews(rule.get("parameters") or _NOTHING)
                told += words
        enforcement = _text(one, "enforcement")
        names = (one.get("conditions") or _NOTHING).get("ref_name") or _NOTHING
        bypass = one.get("bypass_actors")
        control = SourceControl(
            one.source, "ruleset", system="github", refs=REFS.get(target.text),
            patterns=(*_texts(names.get("include")), *(f"!{text}" for text in _texts(names.get("exclude")))),
            enforced=None if enforcement is None else enforcement == "active",
            requirements=tuple(dict.fromkeys(told)), approvals=approvals,
            bypass=None if bypass is None else tuple(_actor(actor) for actor in bypass),
        )  # fmt: skip
        found.append(hints(_warned(control, enforcement)))
    return found


def _warned(control: SourceControl, enforcement: str | None) -> SourceControl:
    notes = list(control.notes)
    if enforcement in {"evaluate", "disabled"}:
        notes.append(Note(control.source, f"the ruleset is not enforced (`{enforcement}`)"))
    if control.bypass:
        who = ", ".join(control.bypass[:5])
        notes.append(
            Note(control.source, f"{len(control.bypass)} may pass it by ({who}): a lapse unless it is documented")
        )
    return replace(control, notes=tuple(notes))


def _actor(node: Node) -> str:
    kind, number, mode = _text(node, "actor_type"), _text(node, "actor_id"), _text(node, "bypass_mode")
    return " ".join(one for one in (kind, number, f"({mode})" if mode else None) if one)[:100]


def _reviews(parameters: Node) -> tuple[list[str], int | None]:
    count = parameters.get("required_approving_review_count")
    approvals = count.value if count is not None and isinstance(count.value, int) else None
    told = ["pull-request"]
    told += ["review"] if approvals else []
    told += [word for key, word in REVIEW.items() if true(parameters, key)]
    return told, approvals


def true(node: Node, key: str) -> bool:
    found = node.get(key)
    return found is not None and found.value is True


def _text(node: Node, key: str) -> str | None:
    found = node.get(key)
    return found.text if found is not None and found.kind == "scalar" else None


def _texts(node: Node | None) -> tuple[str, ...]:
    return () if node is None else tuple(one.text for one in node if one.kind == "scalar")[:MAX_RULES]


def settings(root: Node) -> list[SourceControl]:
    """`.github/settings.yml` (probot settings, safe-settings): `branches[].protection`, and `rulesets`."""
    found: list[SourceControl] = []
    for one in tuple(root.get("branches") or ())[:MAX_RULES]:
        protection = one.get("protection")
        if protection is None or protection.kind != "mapping":
            continue
        name = one.get("name") or one
        found.append(protected(protection, one.source, name.text or None, REST))
    listed = root.get("rulesets")
    found += ruleset(listed) if listed is not None else []
    return [_declared(one) for one in found]


def _declared(control: SourceControl) -> SourceControl:
    return replace(control, enforced=None if control.enforced is not False else False)


REST: dict[str, str] = {
    "dismiss_stale_reviews": "dismiss-stale-reviews", "require_code_owner_reviews": "code-owner-review",
    "require_last_push_approval": "last-push-approval",
}  # fmt: skip


def protected(protection: Node, source: Source, pattern: str | None, words: dict[str, str]) -> SourceControl:
    """Branch protection in the words of GitHub's REST interface."""
    reviews = protection.get("required_pull_request_reviews")
    told: list[str] = []
    approvals: int | None = None
    if reviews is not None and reviews.kind == "mapping":
        count = reviews.get("required_approving_review_count")
        approvals = count.value if count is not None and isinstance(count.value, int) else None
        told += ["pull-request", *(["review"] if approvals is None or approvals > 0 else [])]
        told += [word for key, word in words.items() if true(reviews, key)]
    checks = protection.get("required_status_checks")
    told += ["status-checks"] if checks is not None and checks.kind == "mapping" else []
    told += ["enforced-for-admins"] if true(protection, "enforce_admins") else []
    told += ["linear-history"] if true(protection, "required_linear_history") else []
    told += ["signed-commits"] if true(protection, "required_signatures") else []
    # GitHub's protection forbids both unless it is told to allow them
    told += [] if true(protection, "allow_force_pushes") else ["no-force-push"]
    told += [] if true(protection, "allow_deletions") else ["no-deletion"]
    bypass = None if "enforced-for-admins" in told else ("administrators",)
    return hints(
        SourceControl(
            source, "branch-protection", system="github", refs="branch", patterns=(pattern,) if pattern else None,
            enforced=None, requirements=tuple(told), approvals=approvals, bypass=bypass,
        )
    )  # fmt: skip


_ALLSTAR: dict[str, str] = {
    "dismissStale": "dismiss-stale-reviews", "blockForce": "no-force-push", "requireStatusChecks": "status-checks",
    "requireSignedCommits": "signed-commits", "enforceOnAdmins": "enforced-for-admins",
    "requireCodeOwnerReviews": "code-owner-review",
}  # fmt: skip


def allstar(root: Node) -> list[SourceControl]:
    """Allstar's branch protection policy: `action: fix` changes settings, `issue` and `log` only tell."""
    keys = {*_ALLSTAR, "requireApproval", "approvalCount"}
    if root.kind != "mapping" or not keys & set(root.value):
        return []
    action = _text(root, "action")
    told = [word for key, word in _ALLSTAR.items() if _set(root, key)]
    count = root.get("approvalCount")
    approvals = count.value if count is not None and isinstance(count.value, int) else None
    told += ["pull-request", "review"] if _set(root, "requireApproval") else []
    note = Note(
        root.source, f"Allstar with `action: {(action or 'log')[:20]}`" + ("" if action == "fix" else " only tells")
    )
    return [
        hints(
            SourceControl(
                root.source, "policy-app", system="github", refs="branch", patterns=None,
                enforced=None if action == "fix" else False, requirements=tuple(told), approvals=approvals,
                notes=(note,),
            )
        )
    ]  # fmt: skip


def _set(node: Node, key: str) -> bool:
    """True, or a list with something in it."""
    found = node.get(key)
    return found is not None and bool(found.value)
