"""Conditions that a workflow's triggers meet by themselves."""

from __future__ import annotations

from assess.evidence import Pipeline

_ON_TAGS = frozenset({"github-actions", "forgejo-actions", "gitea-actions"})


def always(pipeline: Pipeline) -> frozenset[str]:
    """Conditions that every run meets, since each trigger starts it at a tag; as `conjuncts` writes them."""
    triggers = pipeline.triggers or ()
    at_tags = all(one.event == "push" and one.tags and one.branches == () for one in triggers)
    named = [tag for one in triggers for tag in one.tags or () if not tag.startswith("!")]
    if pipeline.system not in _ON_TAGS or not at_tags or not named:
        return frozenset()
    starts = ("refs/tags/", "refs/tags/v") if all(tag.startswith("v") for tag in named) else ("refs/tags/",)
    refs = {f"{name}(github.ref, '{start}')" for name in ("startswith", "contains") for start in starts}
    return frozenset({*refs, "(github.ref_type == 'tag')", "(github.event_name == 'push')"})
