"""Where a GitHub job runs: labels, groups, and the labels that a literal matrix can give."""

from __future__ import annotations

from assess._yaml import Node
from assess.evidence import RunnerKind
from assess.pipelines import _expressions as expressions
from assess.pipelines._actions import RUNNERS, THIRD_PARTY_RUNNERS

_WORST: tuple[RunnerKind, ...] = ("self-hosted", "unknown", "hosted")


def runner(job: Node) -> tuple[RunnerKind | None, str | None, str | None]:
    """(kind, label as written, note) of a job's `runs-on`; the kind is None where it cannot be told.

    Only GitHub's standard labels are `hosted`; any other single label is `unknown` (a larger runner of GitHub's or
    somebody's own machine), and `self-hosted` is what says so, or a vendor whose machines register as such.
    """
    node = job.get("runs-on")
    if node is None:
        return None, None, "the job names no runner"
    if node.kind == "mapping":
        labels = node.get("labels")
        shown = "group " + (group.text if (group := node.get("group")) is not None else "?")
        if labels is not None and any("self-hosted" in one.text for one in (labels, *labels)):
            return "self-hosted", shown, None
        return "unknown", shown, "a runner group may hold self-hosted runners"
    if node.kind == "sequence":
        found = [one.text for one in node]
        shown = ", ".join(found)
        if any("${{" in one for one in found) and "self-hosted" not in found:
            if len(found) == 1:
                return _expression(found[0], job)
            return None, shown, f"the runner [{shown[:80]}] is an expression"
        if "self-hosted" in found:
            return "self-hosted", shown, None
        return (_label(found[0]) if len(found) == 1 else "unknown"), shown, None
    return _expression(node.text, job) if "${{" in node.text else (_label(node.text), node.text, None)


def _label(label: str) -> RunnerKind:
    lower = label.strip().lower()
    if lower in RUNNERS:
        return "hosted"
    return "self-hosted" if lower == "self-hosted" or lower.startswith(THIRD_PARTY_RUNNERS) else "unknown"


def _expression(text: str, job: Node) -> tuple[RunnerKind | None, str, str | None]:
    values = possible(text, job)
    if values is None:
        kind: RunnerKind | None = "self-hosted" if text.lower().startswith(THIRD_PARTY_RUNNERS) else None
        return kind, text, None if kind else f"the runner is an expression that cannot be resolved ({text[:80]})"
    if "" in values:
        return None, text, f"the runner may be an empty label ({text[:80]})"
    kinds = {_label(value) for value in values}
    return next((kind for kind in _WORST if kind in kinds), None), " | ".join(sorted(values)), None


def possible(text: str, job: Node) -> frozenset[str] | None:
    """All values that a text with `${{ }}` may have with the job's literal matrix; None where it cannot be told."""
    values = frozenset({""})
    rest = text
    for span in expressions.spans(text):
        before, _, rest = rest.partition("${{" + span + "}}")
        tree = expressions.parse(span)
        found = None if tree is None else expressions.outcomes(tree, lambda one: _matrix(one, job))
        if found is None or len(values) * len(found) > 200:
            return None
        values = frozenset(value + before + one for value in values for one in found)
    return frozenset(value + rest for value in values)


def _matrix(context: expressions.Context, job: Node) -> frozenset[str] | None:
    """The values of `matrix.name[.field]` in a matrix that is written out."""
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if strategy is not None else None
    if context.path[0] != "matrix" or len(context.path) < 2 or matrix is None or matrix.kind != "mapping":
        return None
    own = {key.lower(): value for key, value in matrix.value.items()}
    include = own.get("include")
    if include is not None and include.kind != "sequence":
        return None
    base = own.get(context.path[1])
    found: set[str] = set()
    if base is not None:
        if base.kind != "sequence":
            return None
        rows = list(base)
    else:
        rows = []
    extra = (
        [row.get(key) for row in include or () for key in row.value or () if key.lower() == context.path[1]]
        if (include is not None and all(row.kind == "mapping" for row in include))
        else []
    )
    missing = include is not None and base is None and len(extra) < len(include.value)
    for value in (*rows, *extra):
        text = _field(value, context.path[2:])
        if text is None or "${{" in text:
            return None
        found.add(text)
    if missing or (base is None and len(own) > (include is not None)):
        found.add("")
    return frozenset(found) if found else None


def _field(value: Node | None, path: tuple[str, ...]) -> str | None:
    for step in path:
        if value is None or value.kind != "mapping":
            return None
        value = next((item for key, item in value.value.items() if key.lower() == step), None)
        if value is None:
            return ""
    return value.text if value is not None and value.kind == "scalar" else None
