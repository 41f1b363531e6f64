"""Where a GitHub job runs: labels, groups, and the labels that a literal matrix can give."""

from __future__ import annotations

from assess._yaml import Node
from assess.evidence import RunnerKind
from assess.pipelines._actions import RUNNERS, THIRD_PARTY_RUNNERS
from assess.pipelines._github_matrix import Matrix, possible

_WORST: tuple[RunnerKind, ...] = ("self-hosted", "unknown", "hosted")


def runner(job: Node, matrix: Matrix, hosted: bool = True) -> tuple[RunnerKind | None, str | None, str | None]:
    """(kind, label as written, note) of a job's `runs-on`; the kind is None where it cannot be told.

    Where `hosted` is False (Forgejo, Gitea) every runner is one that somebody registered: no label tells whose.

    Only GitHub's standard labels are `hosted`; any other single label is `unknown` (a larger runner of GitHub's or
    somebody's own machine), and `self-hosted` is what says so, or a vendor whose machines register as such.
    """
    kind, label, note = _runner(job.get("runs-on"), matrix)
    return ("unknown" if kind == "hosted" and not hosted else kind), label, note


def _runner(node: Node | None, matrix: Matrix) -> tuple[RunnerKind | None, str | None, str | None]:
    if node is None:
        return None, None, "the job names no runner"
    if node.kind == "mapping":
        return _group(node)
    if node.kind == "sequence":
        found = [one.text for one in node]
        shown = ", ".join(found)
        if any("${{" in one for one in found) and "self-hosted" not in found:
            if len(found) == 1:
                return _expression(found[0], matrix)
            return None, shown, f"the runner [{shown[:80]}] is an expression"
        if "self-hosted" in found:
            return "self-hosted", shown, None
        return (_label(found[0]) if len(found) == 1 else "unknown"), shown, None
    return _expression(node.text, matrix) if "${{" in node.text else (_label(node.text), node.text, None)


def _group(node: Node) -> tuple[RunnerKind | None, str | None, str | None]:
    labels = node.get("labels")
    shown = "group " + (group.text if (group := node.get("group")) is not None else "?")
    if labels is not None and any("self-hosted" in one.text for one in (labels, *labels)):
        return "self-hosted", shown, None
    return "unknown", shown, "a runner group may hold self-hosted runners"


def _label(label: str) -> RunnerKind:
    lower = label.strip().lower()
    if lower in RUNNERS:
        return "hosted"
    return "self-hosted" if lower == "self-hosted" or lower.startswith(THIRD_PARTY_RUNNERS) else "unknown"


def _expression(text: str, matrix: Matrix) -> tuple[RunnerKind | None, str, str | None]:
    labels = possible(text, matrix)
    if labels is None:
        kind: RunnerKind | None = "self-hosted" if text.lower().startswith(THIRD_PARTY_RUNNERS) else None
        return kind, text, None if kind else f"the runner is an expression that cannot be resolved ({text[:80]})"
    if "" in labels:
        return None, text, f"the runner may be an empty label ({text[:80]})"
    kinds = {_label(label) for label in labels}
    return next((kind for kind in _WORST if kind in kinds), None), " | ".join(sorted(labels)), None
