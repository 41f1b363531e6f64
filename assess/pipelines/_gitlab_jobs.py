"""The jobs of a GitLab pipeline: what their scripts do, with what they inherit; child pipelines followed or noted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import ExternalParameter, Include, Source
from assess.pipelines import _gitlab_evidence as evidence
from assess.pipelines import _gitlab_rules as rules
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act, JobFacts
from assess.pipelines._gitlab_config import Files, flag, include_name, include_pin, load, local_files, merge
from assess.pipelines._gitlab_elsewhere import jobs_from_elsewhere
from assess.pipelines._gitlab_extends import Config
from assess.pipelines._gitlab_offers import GITLAB_RELEASE, known_jobs, provenance_variables
from assess.pipelines._gitlab_scripts import read_scripts
from assess.pipelines._values import secret_kind, text, words

MAX_JOBS = 2_000
MAX_CHILDREN = 2
"""GitLab lets a child pipeline have children, and those none."""
STAGES = ("build", "test", "deploy")
JOB_KEYS = frozenset(
    {"after_script", "allow_failure", "artifacts", "before_script", "cache", "coverage", "dast_configuration",
     "dependencies", "environment", "except", "extends", "hooks", "id_tokens", "identity", "image", "inherit", "inputs",
     "interruptible", "manual_confirmation", "needs", "only", "pages", "parallel", "publish", "release",
     "resource_group", "retry", "rules", "run", "script", "secrets", "services", "stage", "start_in", "tags", "timeout",
     "trigger", "type", "variables", "when"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Around:
    """What the jobs of a pipeline inherit from the job that starts it as its child."""

    prefix: str = ""
    needs: tuple[str, ...] = ()
    variables: Mapping[str, Node] = field(default_factory=dict)
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Reader:
    files: Files
    config: Config
    around: Around
    jobs: dict[str, Node]
    made: dict[str, str]
    """Jobs that hand artifacts on, with what these are called."""
    unsure: bool
    """Something that is not here may set defaults for all jobs."""


def parse(files: Files, path: str, data: bytes) -> tuple[Config, list[JobFacts], list[Node]]:
    """A pipeline file with all that it includes, and its jobs' nodes. Raises InputError as `load` does."""
    root = load(files, path, data, None)
    described = root.get("variables")
    for key, node in described.items() if described is not None else ():
        if node.kind == "mapping" and node.get("description") is not None:
            files.parameters.append(ExternalParameter(key.source, key.text, "variable"))
    names = "|".join(re.escape(one.name) for one in files.parameters[:500])
    files.parameter = re.compile(rf"\$\[\[\s*inputs\.({names})\b|\$\{{?({names})\b") if names else None
    files.taint = evidence.TAINT
    config = Config(files, root)
    try:
        jobs, nodes = read_jobs(files, config, Around())
    except RecursionError:
        raise InputError("the configuration refers to itself too deeply", path) from None
    return config, jobs, nodes


def read_jobs(files: Files, config: Config, around: Around) -> tuple[list[JobFacts], list[Node]]:
    """All jobs of a configuration, those of local child pipelines as `bridge/job`; and the jobs' nodes."""
    jobs: dict[str, Node] = {}
    keys: dict[str, Node] = {}
    for key, node in config.names():
        if len(jobs) >= MAX_JOBS:
            files.note(key.source, f"more than {MAX_JOBS} jobs: the rest was not read")
            break
        files.unknown_keys(node, JOB_KEYS, "job")
        jobs[key.text], keys[key.text] = config.job(key.text), key
    missing = list(files.missing)
    unsure = any(one.kind != "template" and known_jobs(one) is None for one in missing)
    reader = _Reader(files, config, around, jobs, evidence.offered(jobs), unsure)
    earlier = _earlier(reader, keys)
    found: list[JobFacts] = []
    for name, job in jobs.items():
        found += _job(reader, keys[name], job, earlier[name])
    if around.depth == 0:
        found += jobs_from_elsewhere(files, missing, tuple(one.job.id for one in found if one.job.gives))
    return found, list(jobs.values())


def _earlier(reader: _Reader, keys: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    """Per job, the names of all jobs of earlier stages."""
    root = reader.config.root
    named = words(root.get("stages") or root.get("types")) or STAGES
    stages = [".pre", *(one for one in named if one not in {".pre", ".post"}), ".post"]
    by_stage: dict[str, list[str]] = {stage: [] for stage in stages}
    for name, job in reader.jobs.items():
        stage = _stage(job)
        if stage not in by_stage and "$" not in stage:
            note = f"job {name[:60]!r} is in stage {stage[:40]!r}, which is not listed"
            reader.files.note(keys[name].source, note)
        by_stage.setdefault(stage, []).append(name)
    before: dict[str, tuple[str, ...]] = {}
    so_far: tuple[str, ...] = ()
    for stage, names in by_stage.items():
        before[stage] = so_far
        so_far = (*so_far, *names)
    return {name: before[_stage(job)] for name, job in reader.jobs.items()}


def _stage(job: Node) -> str:
    return text(job.get("stage")) or text(job.get("type")) or "test"


def _job(reader: _Reader, key: Node, node: Node, earlier: tuple[str, ...]) -> list[JobFacts]:
    variables = reader.config.variables(node, reader.around.variables)
    draft = _draft(reader, key, node, earlier, variables)
    read_scripts(draft, key, node)
    for act in provenance_variables(variables, _stage(node), bool(evidence.gives(node))):
        if act.offer is not None:
            draft.act(act)
        elif act.note is not None:
            reader.files.note(act.source, act.note)
    if node.get("release") is not None:
        draft.act(Act("publish", "release", _key_of(node, "release"), GITLAB_RELEASE))
    _secrets(draft, node, variables)
    trigger = node.get("trigger")
    if trigger is not None:
        return _bridge(reader, draft, node, trigger, variables)
    incomplete = key.text in reader.config.incomplete
    if not draft.steps and node.get("release") is None:
        reader.files.note(key.source, f"job {key.text[:60]!r} has no script")
    if incomplete and not any(act.does == "unread" for act in draft.acts):
        note = f"job {key.text[:60]!r} inherits something that is not here"
        draft.acts.append(Act("unread", "extends", key.source, note=note))
    checks = None if any(a.does == "unread" for a in draft.acts) else any(a.does == "verify" for a in draft.acts)
    here = replace(node, path=key.path, line=key.line, column=key.column)
    for one in evidence.takes(here, earlier, reader.made, checks):
        maker = None if one.from_job is None else reader.around.prefix + one.from_job
        draft.takes.append(replace(one, from_job=maker))
    if len(draft.takes) >= evidence.MAX_TAKEN:
        reader.files.note(key.source, f"of what job {key.text[:60]!r} takes the first {evidence.MAX_TAKEN} are listed")
    return [_finished(draft, node)]


def _draft(reader: _Reader, key: Node, node: Node, earlier: tuple[str, ...], variables: Mapping[str, Node]) -> Draft:
    kind, label = evidence.runner(node, node.get("trigger") is not None)
    identities, able = evidence.identities(node)
    elsewhere = [one for one in identities if one.source.path != reader.files.path]
    if able and (elsewhere or reader.around.depth):
        able = None
        note = "keyless signing is documented for tokens of the project's own file only, and this one is elsewhere"
        reader.files.note((elsewhere or list(identities))[0].source, note)
    place = node.get("environment")
    draft = Draft(
        reader.files,
        key.source,
        reader.around.prefix + key.text,
        runner=kind,
        runner_label=label,
        needs=_needs(reader, node, earlier),
        condition=_condition(reader, node),
        environment=text(place.get("name") if place is not None and place.kind == "mapping" else place),
        continue_on_error=evidence.tolerated(node),
        variants=evidence.variants(node),
        can_sign=None if reader.unsure and not identities else able,
        variables={name: value.text for name, value in variables.items()},
        identities=dict.fromkeys(identities),
        directory="",
    )
    for use in evidence.images(node):
        draft.images[use] = None
    for cache in evidence.caches(node.get("cache")):
        draft.caches.append(cache)
        if cache.restores is not False and cache.written_by_others:
            draft.acts.append(Act("cache", "cache", cache.source, sure=cache.restores is True))
    draft.gives.update(dict.fromkeys(evidence.gives(node)))
    return draft


def _finished(draft: Draft, node: Node) -> JobFacts:
    facts = draft.finish()
    known = facts.job.identities if draft.identities or draft.can_sign is not None else None
    regardless = bool({"always", "on_failure"} & evidence.whens(node))
    job = replace(facts.job, regardless=regardless, can_sign=draft.can_sign, identities=known)
    return replace(facts, job=job)


def _key_of(node: Node, name: str) -> Source:
    return (node.keys or {}).get(name, node).source


def _condition(reader: _Reader, node: Node) -> str | None:
    for rule in node.get("rules") or ():
        clause = rule.get("if") if rule.kind == "mapping" else None
        if clause is not None and not rules.understood(clause.text):
            reader.files.note(clause.source, f"the rule `{clause.text[:80]}` was not understood")
    own = rules.condition(node)
    outer = reader.files.conditional.get(node.path)
    return own if outer is None else f"included if {outer}" + (f"; {own}" if own else "")


def _needs(reader: _Reader, node: Node, earlier: tuple[str, ...]) -> tuple[str, ...]:
    needs, prefix = node.get("needs"), reader.around.prefix
    if needs is None:
        return tuple(prefix + name for name in earlier) or reader.around.needs
    names: list[str] = []
    for one in needs if needs.kind == "sequence" else (needs,):
        name = one if one.kind == "scalar" else one.get("job")
        elsewhere = one.get("project") is not None or one.get("pipeline") is not None
        if name is not None and not elsewhere:
            names.append(prefix + name.text)
    return tuple(dict.fromkeys(names)) or reader.around.needs


def _secrets(draft: Draft, node: Node, variables: Mapping[str, Node]) -> None:
    """The secrets that a job fetches (`secrets:`), and those that its variables take from the project's settings."""
    fetched = node.get("secrets")
    for key, _ in fetched.items() if fetched is not None else ():
        draft.secret(key.source, key.text, secret_kind(key.text) or "other")
    for value in variables.values():
        draft.secrets_in(value.text, value.source)
    tokens = node.get("id_tokens")
    for key, _ in tokens.items() if tokens is not None else ():
        draft.secrets.pop(key.text, None)


def _bridge(reader: _Reader, draft: Draft, node: Node, trigger: Node, variables: Mapping[str, Node]) -> list[JobFacts]:
    """A job that starts another pipeline: a child of this project that is followed, or one elsewhere."""
    project = trigger if trigger.kind == "scalar" else trigger.get("project")
    entries = trigger.get("include")
    if project is not None or entries is None:
        shown = project.text[:80] if project is not None else "?"
        draft.calls = shown
        draft.act(Act("unread", shown, trigger.source, note=f"what the pipeline of {shown} does is not known"))
        return [_finished(draft, node)]
    draft.calls = entries.text if entries.kind == "scalar" and entries.text else "trigger"
    child, whole = _child(reader, entries)
    deep = reader.around.depth >= MAX_CHILDREN
    inner: list[JobFacts] = []
    if child is not None and not deep:
        forward = trigger.get("forward")
        passed = variables if forward is None or flag(forward.get("yaml_variables"), True) else {}
        around = Around(f"{draft.id}/", draft.needs, passed, reader.around.depth + 1)
        inner, _ = read_jobs(reader.files, Config(reader.files, child), around)
    if not whole or deep:
        note = f"the child pipeline of {draft.id[:60]!r} is not here, or only in part"
        draft.act(Act("unread", draft.calls, trigger.source, note=note))
    return [_gathered(_finished(draft, node), inner), *inner]


def _child(reader: _Reader, entries: Node) -> tuple[Node | None, bool]:
    """The configuration of a child pipeline as far as it is here, and whether that is all of it."""
    files = reader.files
    before = len(files.missing)
    merged: Node | None = None
    for entry in (entries,) if entries.kind != "sequence" else tuple(entries):
        name = entry if entry.kind == "scalar" else entry.get("local")
        if name is not None and not name.text.startswith("http"):
            for root in local_files(files, entry, name, name.text, (files.path,)):
                merged = root if merged is None else merge(merged, root)
            continue
        kind, reference, named = include_name(entry)
        found = Include(named.source, reference, kind or "remote", include_pin(kind or "remote", entry), False)
        files.includes[found] = None
        files.missing.append(found)
    whole = len(files.missing) == before
    del files.missing[before:]
    return merged, whole and merged is not None


def _gathered(bridge: JobFacts, inner: list[JobFacts]) -> JobFacts:
    """The bridge, saying what the jobs of its child say together."""

    def some(name: str) -> bool | None:
        values = [getattr(one.job, name) for one in (bridge, *inner)]
        return True if True in values else None if None in values else False

    job = bridge.job
    return replace(
        bridge,
        job=replace(
            job, builds=some("builds"), signs=some("signs"), attests=some("attests"), publishes=some("publishes"),
            caches=some("caches"),
        ),
    )  # fmt: skip
