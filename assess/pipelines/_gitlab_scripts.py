"""What a GitLab job runs: the scripts of its sections item by item, and CI steps (`run:`)."""

from __future__ import annotations

from assess import _yaml
from assess._yaml import Node
from assess.evidence import Step
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._gitlab_extends import UNRESOLVED, flat
from assess.pipelines._values import text

_SCRIPTS = ("before_script", "script", "after_script")


def read_scripts(draft: Draft, key: Node, node: Node) -> None:
    """All commands of a job into steps; what should be a command and is none, or is not here, as unread."""
    hooks = node.get("hooks")
    before = hooks.get("pre_get_sources_script") if hooks is not None else None
    for name, section in (("pre_get_sources_script", before), *((name, node.get(name)) for name in _SCRIPTS)):
        for item in flat(section):
            if item.tag == UNRESOLVED:
                draft.act(Act("unread", "!reference", item.source, note="a part of the script is not here"))
            elif item.kind != "scalar":
                note = f"a command of job {key.text[:60]!r} is no text"
                draft.act(Act("unread", name, item.source, note=note))
            else:
                draft.run(item, name=name, tolerated=name == "after_script")
    for item in node.get("run") or ():
        _ci_step(draft, item)


def _ci_step(draft: Draft, item: Node) -> None:
    """One entry of `run:` (CI steps): a script, or a step from elsewhere."""
    commands, uses = item.get("script"), item.get("step") or item.get("func")
    if commands is not None:
        draft.run(commands, name=text(item.get("name")))
        return
    place = uses.source if uses is not None else item.source
    shown = (text(uses) or str(_yaml.plain(uses))[:200]) if uses is not None else "?"
    draft.reading.include(place, shown, "step", "unknown", False)
    act = Act("unread", shown, place, note=f"what the step `{shown[:80]}` does is not known")
    draft.step(Step(source=item.source, name=text(item.get("name")), uses=shown, pinned="unknown"), (act,))
