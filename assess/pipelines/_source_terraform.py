"""Branch and tag protection in Terraform: literal attributes of three forges' resources; the rest is not evaluated."""

from __future__ import annotations

import re
from dataclasses import replace

from assess._yaml import Node
from assess.evidence import Note, SourceControl
from assess.pipelines._hcl import read_hcl
from assess.pipelines._source_rules import REFS, REST, REVIEW, RULES, hints, protected, true

_NOTHING = Node("mapping", {}, "", 0, 0)
_LITERAL = re.compile(r"[$({]|\bvar\.|\blocal\.|\beach\.|\bfor\b")


def terraform(data: bytes, path: str) -> list[SourceControl]:
    """The protections of one `.tf` file. Raises InputError where the file is no HCL that is understood."""
    found: list[SourceControl] = []
    for kind, resources in (read_hcl(data, path).get("resource") or _NOTHING).items():
        for _, block in resources.items():
            for one in (block,) if block.kind == "mapping" else tuple(block):
                control = _resource(kind.text, one)
                if control is not None:
                    found.append(_told(control, one))
    return found


def _told(control: SourceControl, node: Node) -> SourceControl:
    """With a note on what depends on variables, and that a declared protection may not be applied."""
    open_ = sorted(
        {
            key.text
            for key, value in node.items()
            if value.kind == "scalar" and not value.style and _LITERAL.search(value.text)
        }
    )
    notes = list(control.notes)
    if open_:
        notes.append(Note(control.source, f"not evaluated: {', '.join(open_[:10])}"))
    return replace(control, notes=tuple(notes), enforced=None if control.enforced is not False else False)


def _resource(kind: str, node: Node) -> SourceControl | None:
    match kind:
        case "github_branch_protection" | "github_branch_protection_v3":
            return _github_branch(node)
        case "github_repository_ruleset" | "github_organization_ruleset":
            return _github_ruleset(node)
        case "gitlab_branch_protection" | "gitlab_tag_protection":
            return _gitlab(kind, node)
        case "gitlab_project_approval_rule" | "gitlab_project_level_mr_approvals":
            return _gitlab_approvals(node)
        case _ if kind.startswith("azuredevops_"):
            return _azure(kind, node)
        case _:
            return None


def _pattern(node: Node, *keys: str) -> tuple[str, ...] | None:
    found = next((one for key in keys if (one := node.get(key)) is not None), None)
    return None if found is None or (not found.style and _LITERAL.search(found.text)) else (found.text,)


def _github_branch(node: Node) -> SourceControl:
    pattern = _pattern(node, "pattern", "branch")
    control = protected(node, node.source, pattern[0] if pattern else None, REST)
    told = [one for one in control.requirements or () if one not in {"no-force-push", "no-deletion"}]
    for key, word in (("allows_force_pushes", "no-force-push"), ("allows_deletions", "no-deletion")):
        value = node.get(key)
        told += [word] if value is None or value.value is False else []
    told += ["signed-commits"] if true(node, "require_signed_commits") else []
    return hints(replace(control, requirements=tuple(told)))


def _github_ruleset(node: Node) -> SourceControl:
    rules = node.get("rules") or _NOTHING
    told = [word for key, word in RULES.items() if (one := rules.get(key)) is not None and one.value is not False]
    reviews = rules.get("pull_request")
    approvals: int | None = None
    if reviews is not None and reviews.kind == "mapping":
        count = reviews.get("required_approving_review_count")
        approvals = count.value if count is not None and isinstance(count.value, int) else None
        told += ["pull-request", *(["review"] if approvals else [])]
        told += [word for key, word in REVIEW.items() if true(reviews, key)]
    target, enforcement = node.get("target"), node.get("enforcement")
    names_ = (node.get("conditions") or _NOTHING).get("ref_name") or _NOTHING
    include = tuple(one.text for one in names_.get("include") or () if one.kind == "scalar")
    exclude = tuple(f"!{one.text}" for one in names_.get("exclude") or () if one.kind == "scalar")
    bypass = node.get("bypass_actors")
    actors = () if bypass is None else (bypass,) if bypass.kind == "mapping" else tuple(bypass)
    return hints(
        SourceControl(
            node.source, "ruleset", system="github",
            refs=REFS.get(target.text) if target is not None else None,
            patterns=(*include, *exclude) or None, enforced=_in_force(enforcement),
            requirements=tuple(dict.fromkeys(told)), approvals=approvals,
            bypass=tuple((one.get("actor_type") or one).text or "actor" for one in actors),
        )
    )  # fmt: skip


def _in_force(node: Node | None) -> bool | None:
    """A literal `active`; an expression may be anything."""
    return None if node is None or not node.style else node.text == "active"


def _gitlab(kind: str, node: Node) -> SourceControl:
    tags = kind == "gitlab_tag_protection"
    told: list[str] = []
    if tags:
        told += ["no-creation-by-others"]
    else:
        told += [] if true(node, "allow_force_push") else ["no-force-push"]
        told += ["code-owner-review"] if true(node, "code_owner_approval_required") else []
    return hints(
        SourceControl(
            node.source, "branch-protection", system="gitlab", refs="tag" if tags else "branch",
            patterns=_pattern(node, "tag" if tags else "branch"), enforced=None, requirements=tuple(told),
        )
    )  # fmt: skip


def _gitlab_approvals(node: Node) -> SourceControl:
    count = node.get("approvals_required") or node.get("approvals_before_merge")
    approvals = count.value if count is not None and isinstance(count.value, int) else None
    told = ["review"] if approvals else []
    told += ["dismiss-stale-reviews"] if true(node, "reset_approvals_on_push") else []
    return SourceControl(
        node.source, "branch-protection", system="gitlab", refs="branch", patterns=None, enforced=None,
        requirements=tuple(told), approvals=approvals,
    )  # fmt: skip


def _azure(kind: str, node: Node) -> SourceControl:
    enabled, blocking = node.get("enabled"), node.get("blocking")
    off = any(one is not None and one.value is False for one in (enabled, blocking))
    inside = node.get("settings") or _NOTHING
    told: list[str] = []
    approvals: int | None = None
    if kind.endswith("min_reviewers"):
        count = inside.get("reviewer_count")
        approvals = count.value if count is not None and isinstance(count.value, int) else None
        told += ["review"] if approvals else []
        told += (
            ["dismiss-stale-reviews"]
            if true(inside, "on_push_reset_all_votes") or true(inside, "on_push_reset_approved_votes")
            else []
        )
        told += ["last-push-approval"] if true(inside, "last_pusher_cannot_approve") else []
    elif kind.endswith(("build_validation", "status_check")):
        told.append("status-checks")
    elif kind.endswith("auto_reviewers"):
        told.append("code-owner-review")
    return SourceControl(
        node.source, "branch-protection", system="azure-devops", refs="branch", patterns=None,
        enforced=False if off else None, requirements=tuple(told), approvals=approvals,
    )  # fmt: skip
