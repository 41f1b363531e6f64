"""GitLab CI: `.gitlab-ci.yml` with its includes, child pipelines and components, into jobs and release paths."""

from __future__ import annotations

import re

from assess.errors import InputError
from assess.evidence import Source
from assess.pipelines._facts import PipelineFacts
from assess.pipelines._files import Folder
from assess.pipelines._gitlab_config import Files
from assess.pipelines._gitlab_jobs import parse
from assess.pipelines._gitlab_rules import triggers, understood
from assess.pipelines._values import text

NAME = "gitlab-ci"
ROOTS = (".gitlab-ci.yml", ".gitlab-ci.yaml")
_PLACE = re.compile(
    r"(?:\A|/)(?:\.gitlab-ci\.ya?ml|[^/]*\.gitlab-ci\.ya?ml|\.gitlab-ci/.*\.ya?ml|\.gitlab/.*\.ya?ml)\Z"
)
_TEMPLATE = re.compile(r"templates/(?:[^/]+\.ya?ml|[^/]+/template\.ya?ml)\Z")
_NOT_PIPELINES = re.compile(
    r"\.gitlab/(?:issue_templates|merge_request_templates|agents|changelog_config|route-map|duo)"
)


def discover(folder: Folder) -> tuple[str, ...]:
    """The project's pipeline, and the components that it offers; other files only where none has the usual name."""
    roots = tuple(name for name in ROOTS if folder.read(name) is not None)
    names = folder.walk()
    components = tuple(name for name in names if _TEMPLATE.fullmatch(name) and _is_component(folder, name))
    if roots:
        return (*roots, *components)
    others = tuple(n for n in names if _PLACE.search(n) and not _NOT_PIPELINES.search(n))
    return (*others, *components)


def _is_component(folder: Folder, name: str) -> bool:
    """Only a header tells a component from a Helm chart's template."""
    try:
        data = folder.read(name) or b""
    except InputError:
        return False
    return re.match(rb"(?:\s*#[^\n]*\n|---\s*\n|\s)*spec:\s*(?:#[^\n]*)?\n\s+inputs:", data) is not None


def recognises(path: str) -> bool:
    """The path is one that GitLab, or by custom its users, give a pipeline's file."""
    name = path.replace("\\", "/")
    return _PLACE.search(name) is not None and _NOT_PIPELINES.search(name) is None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One pipeline as facts. Raises InputError if it is not YAML, or no mapping."""
    files = Files(folder, path, NAME, depth="full")
    config, jobs, nodes = parse(files, path, data)
    place = Source(path, config.root.line, config.root.column)
    if not jobs:
        files.note(place, "the pipeline has no jobs")
    workflow = config.resolved(config.root.get("workflow"))
    for rule in (workflow.get("rules") or ()) if workflow is not None else ():
        clause = rule.get("if") if rule.kind == "mapping" else None
        if clause is not None and not understood(clause.text):
            files.note(clause.source, f"the rule `{clause.text[:80]}` was not understood")
    component = _TEMPLATE.search(path) is not None and path not in ROOTS
    name = text(workflow.get("name")) if workflow is not None else None
    return files.pipeline(place, name or "", jobs, triggers(workflow, nodes, place), only_called=component)
