"""Azure Pipelines: `azure-pipelines.yml` and its local templates into jobs; templates of other repositories are named.

A pipeline without `trigger` or `pr` is started by every push and every pull request, so both stand in its triggers;
pull requests of forks see no secrets unless a setting, which no file shows, allows it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.evidence import Trigger
    from assess.pipelines._azure_steps import Around
    from assess.pipelines._facts import PipelineFacts

NAME = "azure-pipelines"
_NAMED = re.compile(r"(?:^|/)\.?azure-?pipelines?[^/]*\.ya?ml\Z|(?:^|/)\.vsts-ci\.ya?ml\Z", re.IGNORECASE)
_FOLDERS = re.compile(r"(?:^|/)\.(?:azure-?pipelines?|azuredevops|pipelines|ado)/.*\.ya?ml\Z", re.IGNORECASE)
_TOP = re.compile(rb"^(?:trigger|pr|pool|stages|jobs|steps|extends|variables|resources)[ \t]*:", re.MULTILINE)
_SURE = re.compile(
    rb"^[ \t-]*(?:-[ \t]+task:[ \t]*[\"']?[\w.-]+@\d|vmImage[ \t]*:)|^[ \t-]*pool[ \t]*:[ \t]*\{[ \t]*vmImage\b",
    re.MULTILINE,
)
_TOP_LEVEL = """
trigger pr schedules resources pool variables parameters stages jobs steps extends name
appendCommitMessageToRunName lockBehavior strategy container services workspace continueOnError
timeoutInMinutes condition dependsOn displayName cancelTimeoutInMinutes uses environment job
"""
_KEYS = frozenset(_TOP_LEVEL.split())
_START = ("trigger", "pr", "schedules", "extends", "resources", "name")


def discover(folder: Folder) -> tuple[str, ...]:
    """Files with Azure's names or in its folders, and others that hold what only its pipelines hold."""
    from assess.pipelines._discover import holding

    named = {name for name in folder.walk() if _by_name(name)}
    return tuple(sorted(named | set(holding(folder, (".yml", ".yaml"), (_TOP, _SURE)))))


def _by_name(path: str) -> bool:
    return (_NAMED.search(path) or _FOLDERS.search(path)) is not None


def recognises(path: str) -> bool:
    """The path has Azure's name or folder."""
    return _by_name(path.replace("\\", "/"))


def sniffs(data: bytes) -> bool:
    """The file holds what only Azure's pipelines hold."""
    return _TOP.search(data) is not None and _SURE.search(data) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One pipeline or template file as facts. Raises InputError if it is not YAML, or no mapping."""
    from assess.pipelines._azure_expand import Expander
    from assess.pipelines._azure_jobs import Inherited, extended, read_all, variables_of
    from assess.pipelines._azure_steps import Around
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import one_mapping, text

    reading = Reading(folder, path, NAME, directory="")
    reading.parameter = re.compile(r"\$\{\{[^}]*?\bparameters(?:\.|\[')([\w-]+)")
    reading.secret_variable = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)|\$(?:env:|\{)?([A-Za-z_]\w*)")
    reading.taint = re.compile(
        r"\$\((Build\.SourceBranchName|Build\.SourceBranch|Build\.SourceVersionMessage|System\.PullRequest\.SourceBranch"
        r"|Build\.SourceVersionAuthor|Build\.RequestedFor)\)"
        r"|\$\{\{\s*variables\[?[.']+(Build\.SourceBranchName|Build\.SourceVersionMessage)", re.IGNORECASE
    )  # fmt: skip
    written = one_mapping(data, path, "pipeline", reading)
    expander = Expander()
    root = expander.expand(written, {})
    around = Around(reading, expander)
    template = not any(written.get(key) is not None for key in _START)
    if not template or written.get("parameters") is None:
        reading.unknown_keys(root, _KEYS, "pipeline")
    _resources(around, root)
    _parameters(around, root)
    values, groups = variables_of(around, root.get("variables"), (path,))
    inherited = Inherited(root.get("pool"), values, groups, chain=(path,))
    jobs = read_all(around, root, inherited)
    if (extends := root.get("extends")) is not None:
        jobs += extended(around, extends, inherited)
    if not jobs and root.get("variables") is None:
        reading.note(root.source, "the pipeline has no jobs")
    if expander.exhausted:
        reading.note(root.source, "the templates expand to too much: the rest was not read")
    triggers = None if template and written.get("parameters") is not None else _triggers(root)
    return reading.pipeline(root.source, text(root.get("name")) or "", jobs, triggers, template)


def _parameters(around: Around, root: Node) -> None:
    from assess.evidence import ExternalParameter

    declared = root.get("parameters")
    for one in declared or ():
        if (name := one.get("name")) is not None:
            around.reading.parameters.append(ExternalParameter(name.source, name.text, "parameter"))
    for key, _ in declared.items() if declared is not None else ():
        around.reading.parameters.append(ExternalParameter(key.source, key.text, "parameter"))


def _resources(around: Around, root: Node) -> None:
    from assess.pipelines._values import ref_pin, text

    resources = root.get("resources")
    if resources is None or resources.kind != "mapping":
        return
    for one in resources.get("repositories") or ():
        alias, ref = text(one.get("repository")), one.get("ref")
        if alias is not None:
            name = text(one.get("name")) or alias
            around.repositories[alias] = (name, text(ref))
            around.reading.include(
                (ref or one).source,
                f"{name}@{text(ref) or '(default branch)'}",
                "repository",
                ref_pin(text(ref)),
                False,
            )
    for one in resources.get("containers") or ():
        short, image = text(one.get("container")), one.get("image")
        if short is not None and image is not None:
            around.containers[short] = image
    around.pipelines = frozenset(
        known for one in resources.get("pipelines") or () if (known := text(one.get("pipeline"))) is not None
    )


def _triggers(root: Node) -> tuple[Trigger, ...]:
    from dataclasses import replace

    from assess.evidence import Trigger
    from assess.pipelines._values import scalars, text, words

    found: list[Trigger] = []
    for key, trust in (("trigger", "maintainer"), ("pr", "contributor")):
        node = root.get(key)
        event = "push" if key == "trigger" else "pull_request"
        place = root.source if node is None or root.keys is None else root.keys[key].source
        made = Trigger(place, event, trust, (), (), (), ())  # type: ignore[arg-type]
        if node is not None and node.kind == "scalar" and node.text in {"none", "None"}:
            continue
        if node is not None and node.kind == "sequence":
            made = replace(made, branches=words(node))
        elif node is not None and node.kind == "mapping":
            made = replace(made, branches=_patterns(node.get("branches")), tags=_patterns(node.get("tags")))
        if made.branches != ("!*",):
            found.append(made)
    for one in root.get("schedules") or ():
        found.append(Trigger(one.source, "schedule", "maintainer", _patterns(one.get("branches")), (), (), ()))
    resources = root.get("resources")
    for one in (resources.get("pipelines") if resources is not None else None) or ():
        trigger = one.get("trigger")
        if trigger is not None and trigger.text != "none":
            names = (text(one.get("source")) or text(one.get("pipeline")) or "",)
            found.append(Trigger(trigger.source, "pipeline", "maintainer", (), (), (), names))
    for one in scalars(resources.get("webhooks") if resources is not None else None):
        found.append(Trigger(one.source, "webhook", "maintainer", (), (), (), ()))
    return tuple(found)


def _patterns(node: Node | None) -> tuple[str, ...]:
    """Branches or tags that count, those that do not as `!pattern`."""
    from assess.pipelines._values import words

    if node is None:
        return ()
    if node.kind != "mapping":
        return words(node)
    return (*words(node.get("include")), *(f"!{one}" for one in words(node.get("exclude"))))
