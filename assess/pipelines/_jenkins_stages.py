"""The sections of a declarative Jenkins pipeline: agents, environment, parameters, triggers, and stages as jobs."""

from __future__ import annotations

from dataclasses import replace

from assess.evidence import ExternalParameter, Source, Trigger, TriggerTrust
from assess.pipelines._groovy_tree import Call, Closure, Expression, Items, Raw, Text, calls_in
from assess.pipelines._jenkins_calls import library, pod_images, runner_of, yaml_images
from assess.pipelines._jenkins_steps import Around, Place, Walk
from assess.pipelines._jenkins_tables import CONTROLLER

_SECTIONS = """
agent options parameters triggers environment stages post tools libraries when steps parallel matrix input failFast
"""
SECTIONS = frozenset(_SECTIONS.split())


def read_pipeline(walk: Walk, pipeline: Call, triggers: list[Trigger]) -> None:
    """All stages of `pipeline { ... }` as jobs of the walk."""
    body = _sections(walk, pipeline.body)
    around = _around(walk, body, Around(runner=None))
    for one in _calls_of(body.get("parameters")):
        name = one.named("name")
        if isinstance(name, Text):
            walk.reading.parameters.append(ExternalParameter(walk.at(one.line), name.text, "parameter"))
    for one in _calls_of(body.get("triggers")):
        triggers.append(trigger_of(one, walk.at(one.line)))
    for one in _calls_of(body.get("libraries")):
        given = one.first()
        if one.name == "lib" and given is not None:
            library(walk.reading, Call("library", one.line, one.args), walk.at(one.line))
    for one in _calls_of(body.get("stages")):
        _stage(walk, one, around)
    _post(walk, body.get("post"), around)


def trigger_of(call: Call, source: Source) -> Trigger:
    """What starts a pipeline by itself: `cron(...)`, `upstream(...)`, `githubPush()`; comments can be anyone's."""
    event = call.name.rpartition(".")[2]
    named = call.named("upstreamProjects")
    names = tuple(one.strip() for one in named.text.split(",")) if isinstance(named, Text) else ()
    trust: TriggerTrust = (
        "anyone" if "comment" in event.lower() else "contributor" if "pull" in event.lower() else "maintainer"
    )
    return Trigger(source, event, trust, (), (), (), names)


def _sections(walk: Walk, body: Closure | None) -> dict[str, Call]:
    """The sections of a block by name; what is no section is walked like a script."""
    found: dict[str, Call] = {}
    for one in body.statements if body is not None else ():
        if isinstance(one, Call) and one.name in SECTIONS:
            found[one.name] = one
        elif isinstance(one, Call) and one.name.startswith("@"):
            library(walk.reading, one, walk.at(one.line))
        elif not isinstance(one, Raw | Text):
            line = one.line
            walk.reading.note(walk.at(line), "not a section of a declarative pipeline")
    return found


def _calls_of(section: Call | None) -> list[Call]:
    body = section.body if section is not None else None
    return [one for one in body.statements if isinstance(one, Call)] if body is not None else []


def _around(walk: Walk, body: dict[str, Call], outer: Around) -> Around:
    """What a block's agent and environment add to what holds around it."""
    inner = _agent(walk, body.get("agent"), outer)
    for one in _calls_of(body.get("environment")):
        if one.name != "=" or not isinstance(one.args[0][1], Raw):
            continue
        name, value = one.args[0][1].text, one.args[1][1]
        held = value.first() if isinstance(value, Call) and value.name == "credentials" else None
        if isinstance(held, Text):
            inner = replace(inner, secrets=(*inner.secrets, (held.text, name, one.line)))
        else:
            text = value.text.replace("\x00$", "$") if isinstance(value, Text) and not value.interpolates else "\0"
            inner = replace(inner, variables=(*inner.variables, (name, text)))
    return inner


def _agent(walk: Walk, agent: Call | None, outer: Around) -> Around:
    if agent is None:
        return outer
    plain = agent.first()
    if isinstance(plain, Raw):
        return replace(outer, runner=None if plain.text == "none" else "unknown",
                       label=None if plain.text == "none" else plain.text, images=())  # fmt: skip
    found = replace(outer, runner="unknown", label=None, images=())
    for one in _calls_of(agent):
        match one.name:
            case "label":
                kind, label = runner_of(one.first())
                found = replace(found, runner=kind, label=label)
            case "docker" | "dockerContainer":
                found = _container(one, found)
            case "dockerfile":
                found = replace(_labelled(one, found), images_unknown=True)
            case "kubernetes":
                found = _pod(walk, one, found)
            case "node":
                found = _labelled(one, found)
            case _:
                walk.reading.note(walk.at(one.line), f"an agent of a kind that is not known (`{one.name[:40]}`)")
                found = replace(found, runner=None)
    return found


def _setting(call: Call, name: str) -> Expression | None:
    """`name 'value'` in a block, or `name: 'value'` among the arguments."""
    inside = next((one for one in _calls_of(call) if one.name == name), None)
    return call.named(name) if inside is None else inside.first()


def _labelled(call: Call, found: Around) -> Around:
    label = _setting(call, "label")
    if label is None:
        return found
    kind, shown = runner_of(label)
    return replace(found, runner=kind, label=shown)


def _container(call: Call, found: Around) -> Around:
    image = _setting(call, "image") or call.first()
    if isinstance(image, Text):
        found = replace(found, images=((image.text, image.line),), label=f"docker {image.text}")
    else:
        found = replace(found, images_unknown=True)
    credential = _setting(call, "registryCredentialsId")
    if isinstance(credential, Text):
        found = replace(found, secrets=(*found.secrets, (credential.text, credential.text, credential.line)))
    label = _setting(call, "label")
    if isinstance(label, Text) and label.text.strip() in CONTROLLER:
        found = replace(found, runner="self-hosted")
    return found


def _pod(walk: Walk, call: Call, found: Around) -> Around:
    images = list(pod_images(call))
    written = _setting(call, "yaml")
    if isinstance(written, Text):
        images += yaml_images(written)
    file = _setting(call, "yamlFile")
    unknown = not images
    if isinstance(file, Text):
        try:
            data = walk.reading.folder.read(file.text)
        except Exception:
            data = None
        walk.reading.include(walk.at(file.line), file.text, "pod", "local", data is not None)
    for one in _calls_of(call):
        if one.name == "containerTemplate":
            image = _setting(one, "image")
            if isinstance(image, Text):
                images.append((image.text, image.line))
                unknown = False
    label = _setting(call, "label") or _setting(call, "cloud")
    shown = f"kubernetes {label.text}" if isinstance(label, Text) else "kubernetes"
    return replace(found, images=tuple(dict.fromkeys(images)), images_unknown=unknown, label=shown)


def _stage(walk: Walk, stage: Call, outer: Around) -> None:
    """A stage as a job; one that holds stages as the jobs of these."""
    if stage.name != "stage" or stage.body is None:
        walk.step(stage, Place("stage", stage.line), outer)
        return
    title = stage.first()
    name = title.text if isinstance(title, Text) else "stage"
    body = _sections(walk, stage.body)
    around = _around(walk, body, outer)
    when = body.get("when")
    if when is not None:
        condition = " and ".join(one for one in (outer.condition, _shown(when)) if one)
        around = replace(around, condition=condition)
    if (asked := body.get("input")) is not None:
        for one in (*_calls_of(asked), asked):
            for inner in calls_in(one):
                parameter = inner.named("name")
                if isinstance(parameter, Text):
                    walk.reading.parameters.append(ExternalParameter(walk.at(inner.line), parameter.text, "input"))
    nested = replace(around, prefix=f"{outer.prefix}{name}/")
    if (inner_stages := body.get("stages")) is not None:
        for one in _calls_of(inner_stages):
            _stage(walk, one, nested)
        _post(walk, body.get("post"), nested)
    elif (parallel := body.get("parallel")) is not None:
        _parallel(walk, _calls_of(parallel), nested)
        _post(walk, body.get("post"), nested)
    elif (matrix := body.get("matrix")) is not None:
        _matrix(walk, matrix, nested)
        _post(walk, body.get("post"), nested)
    else:
        place = Place(name, stage.line)
        draft = walk.job(place, around)
        if (steps := body.get("steps")) is not None and steps.body is not None:
            walk.steps(steps.body.statements, place, replace(around, prefix=f"{outer.prefix}{name}/"))
        _post(walk, body.get("post"), replace(around, prefix=outer.prefix), place)
        if draft.id not in walk.last and not any(one.startswith(f"{draft.id}/") for one in walk.last):
            walk.last = (draft.id,)


def _parallel(walk: Walk, stages: list[Call], around: Around) -> None:
    before, after = walk.last, []
    for one in stages:
        walk.last = before
        _stage(walk, one, around)
        after += [name for name in walk.last if name not in before]
    walk.last = tuple(dict.fromkeys(after)) or before


def _matrix(walk: Walk, matrix: Call, around: Around) -> None:
    """The stages of a matrix, run once for each combination of its axes."""
    body = {one.name: one for one in _calls_of(matrix)}
    count: int | None = 1
    for axis in _calls_of(body.get("axes")):
        values = next((one for one in _calls_of(axis) if one.name == "values"), None)
        count = count * max(len(values.args), 1) if values is not None and count is not None else None
    if body.get("excludes") is not None:
        count = None
    inner = _around(walk, body, around)
    first = len(walk.drafts)
    for one in _calls_of(body.get("stages")):
        _stage(walk, one, inner)
    for draft in walk.drafts[first:]:
        draft.variants = count


def _post(walk: Walk, post: Call | None, around: Around, place: Place | None = None) -> None:
    """Steps after a stage, in its job; those after the whole pipeline in a job of their own."""
    if post is None:
        return
    where = place or Place("post", post.line)
    for one in _calls_of(post):
        condition = " and ".join(part for part in (around.condition, f"post {one.name}") if part)
        inner = replace(around, condition=condition)
        if one.body is not None:
            walk.steps(one.body.statements, where, inner)


def _shown(section: Call) -> str:
    """A `when` in one line."""
    return "when " + ", ".join(_text(one) for one in _calls_of(section))


def _text(one: Expression) -> str:
    match one:
        case Text():
            return repr(one.text)
        case Raw():
            return one.text
        case Call():
            parts = [_text(value) if key is None else f"{key}: {_text(value)}" for key, value in one.args]
            inside = [_text(value) for value in one.body.statements] if one.body is not None else []
            written = " ".join(filter(None, [one.name, ", ".join(parts)]))
            return written + (" { " + "; ".join(inside) + " }" if one.body is not None else "")
        case Items():
            return "[...]"
        case Closure():
            return "{...}"
