"""Tekton tasks: their steps' images and commands, parameters that become code, results, secrets, volumes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from assess._yaml import Node
from assess.evidence import Identity, Include, Step
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._image_programs import SHELLS, inline_script, kaniko, program_of, quoted
from assess.pipelines._tekton_documents import Document, find
from assess.pipelines._tekton_references import params_of, reference
from assess.pipelines._values import image_pin, scalars, secret_kind, text, truth, words

MAX_STEPS = 500
STEP_KEYS = frozenset(
    {"name", "image", "script", "command", "args", "env", "envFrom", "workingDir", "securityContext", "resources",
     "computeResources", "volumeMounts", "volumeDevices", "imagePullPolicy", "timeout", "workspaces", "onError", "ref",
     "stdoutConfig", "stderrConfig", "params", "results", "when", "displayName", "ports", "livenessProbe",
     "readinessProbe", "startupProbe", "lifecycle", "terminationMessagePath", "terminationMessagePolicy", "stdin",
     "stdinOnce", "tty"}
)  # fmt: skip
TASK_KEYS = frozenset(
    {"params", "description", "displayName", "steps", "stepTemplate", "sidecars", "workspaces", "results", "volumes",
     "resources", "metadata", "inputs", "outputs", "apiVersion", "kind", "spec"}
)  # fmt: skip
_REFERENCE = re.compile(
    r"\$\(((?:params|inputs|outputs|results|workspaces|context|steps|tasks|tt|step|credentials)[^()\s]*)\)"
)
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-S\s+)?)?(\S+)")
PARAMETER = re.compile(r"\$\((?:params|inputs\.params)(?:\.([\w-]+)|\[[\"']?([\w.-]+)[\"']?\])")
OUTSIDERS = (
    r"\{\{\s*((?:body|headers)[.\[][^}]*?|source_branch|sender|event_title|trigger_comment|pull_request_title"
    r"|cel:[^}]*?\b(?:body|headers|pac\.source_branch)\b[^}]*?)\s*\}\}"
)
_HARMLESS_IMAGES = re.compile(r"(?:.*/)?(?:build-trusted-artifacts|yq|jq|ubi-minimal|ubi9-minimal|nop)(?:[:@].*)?\Z")


@dataclass(frozen=True, slots=True)
class Given:
    """What a task is given from outside: parameters by name, as written, and those that outsiders fill."""

    values: Mapping[str, str]
    tainted: frozenset[str] = frozenset()


def taint_of(tainted: frozenset[str]) -> re.Pattern[str]:
    """What becomes code of a step: PaC's own templates, and the parameters that they fill."""
    names = "|".join(re.escape(name) for name in sorted(tainted)[:200])
    return re.compile(OUTSIDERS + (rf"|\$\(params\.({names})\)" if names else ""))


def tainted_params(values: Mapping[str, str], above: frozenset[str]) -> frozenset[str]:
    """The parameters whose value comes from outsiders, directly or through a tainted parameter above."""
    pattern = taint_of(above)
    return frozenset(name for name, value in values.items() if pattern.search(value))


def read_task(draft: Draft, spec: Node, given: Given, own: tuple[Document, ...]) -> None:
    """The steps of a task into a job."""
    draft.reading.unknown_keys(spec, TASK_KEYS, "task")
    values = {**params_of(spec.get("params")), **given.values}
    draft.reading.taint = taint_of(given.tainted)
    template = spec.get("stepTemplate")
    draft.variables.update(_environment(draft, template))
    for one in spec.get("sidecars") or ():
        if (image := one.get("image")) is not None:
            draft.image(image, "service")
        _environment(draft, one)
    for one in spec.get("volumes") or ():
        _volume(draft, one)
    steps = spec.get("steps")
    for number, one in enumerate(steps or ()):
        if number >= MAX_STEPS:
            draft.reading.note(one.source, f"more than {MAX_STEPS} steps: the rest was not read")
            break
        _step(draft, one, template, values, own)
    if steps is None or not steps.value:
        draft.reading.note(spec.source, f"task {draft.id[:60]!r} has no steps")
    draft.reading.taint = None


def results_of(spec: Node) -> dict[str, Node]:
    """The results of a task or pipeline, by name."""
    return {name.text: name for one in spec.get("results") or () if (name := one.get("name")) is not None}


def exposed(spec: Node) -> str | None:
    """What breaks the isolation of a task's steps from their node; None if nothing does."""
    parts = [spec.get("stepTemplate"), *(spec.get("steps") or ()), *(spec.get("sidecars") or ())]
    for one in parts:
        context = one.get("securityContext") if one is not None else None
        if context is not None and truth(context.get("privileged")):
            return "a step runs privileged"
    for one in spec.get("volumes") or ():
        if one.get("hostPath") is not None:
            return "a step mounts a folder of its node"
    return None


def _volume(draft: Draft, node: Node) -> None:
    secret, claim, projected = node.get("secret"), node.get("persistentVolumeClaim"), node.get("projected")
    if secret is not None and (name := secret.get("secretName")) is not None:
        draft.secret(name.source, name.text, secret_kind(name.text) or "other")
    if claim is not None:
        draft.cache(claim.source, "persistentVolumeClaim", text(claim.get("claimName")), True, True, True)
    for one in (projected.get("sources") if projected is not None else None) or ():
        if (token := one.get("serviceAccountToken")) is not None:
            draft.identities[Identity(token.source, text(token.get("audience")))] = None
            draft.can_sign = True if text(token.get("audience")) == "sigstore" else draft.can_sign


def _environment(draft: Draft, node: Node | None) -> dict[str, str]:
    """The variables of a step with a value; those from secrets are noted as such and left out."""
    found: dict[str, str] = {}
    for one in (node.get("env") if node is not None else None) or ():
        name, value, origin = text(one.get("name")), one.get("value"), one.get("valueFrom")
        secret = origin.get("secretKeyRef") if origin is not None else None
        if secret is not None and name is not None:
            draft.secret(secret.source, name, secret_kind(name) or "other")
        if name is not None and value is not None:
            found[name] = value.text
    for one in (node.get("envFrom") if node is not None else None) or ():
        secret = one.get("secretRef")
        if secret is not None and (title := secret.get("name")) is not None:
            draft.secret(title.source, title.text, secret_kind(title.text) or "other")
    return found


def _step(
    draft: Draft, node: Node, template: Node | None, values: Mapping[str, str], own: tuple[Document, ...]
) -> None:
    draft.reading.unknown_keys(node, STEP_KEYS, "step")
    place = node.source
    action = node.get("ref")
    if action is not None:
        node = _action(draft, node, action, own)
        if node.get("script") is None and node.get("image") is None:
            return
    image = node.get("image") or (template.get("image") if template is not None else None)
    if image is not None:
        draft.image(image, "step")
    variables = {**draft.variables, **_environment(draft, node)}
    name, tolerated = text(node.get("name")), text(node.get("onError")) in {"continue", "stopAndContinue"}
    condition = "when" if node.get("when") is not None else None
    script = node.get("script")
    begun = len(draft.steps)
    if script is not None:
        _script(draft, script, variables, name, condition, tolerated)
    else:
        _command(draft, node, image, values, variables, name, condition, tolerated)
    used, pin = (f"docker://{image.text}", image_pin(image.text)) if image is not None else (None, None)
    draft.steps[begun:] = [replace(one, source=place, uses=used, pinned=pin) for one in draft.steps[begun:]]


def shell_text(written: str) -> str:
    """Tekton's `$(params.x)` as shell variables, so that no shell takes them for commands of their own."""
    return _REFERENCE.sub(lambda found: "${" + re.sub(r"\W", "_", found.group(1)) + "}", written)


def _script(
    draft: Draft, script: Node, variables: Mapping[str, str], name: str | None, condition: str | None, tolerated: bool
) -> None:
    shebang = _SHEBANG.match(script.text)
    interpreter = shebang.group(1).rpartition("/")[2] if shebang is not None else "sh"
    if interpreter in SHELLS or interpreter in {"ksh", "env"}:
        before = len(draft.steps)
        draft.run(script, variables, name, condition, tolerated, text=shell_text(script.text))
        _as_written(draft, before, script.text)
        return
    note = f"a script for {interpreter[:40]} was not read"
    step = Step(source=script.source, name=name, run=script.text, conditional=condition is not None)
    act = Act("unread-script", interpreter[:40], script.source, note=note)
    draft.step(step, (act,), (script.text,), condition, tolerated)


def _as_written(draft: Draft, before: int, written: str) -> None:
    """The step with its text as the file has it, and what of it outsiders fill or whoever starts it chooses."""
    pattern = draft.reading.taint
    found = [next((one for one in match.groups() if one), "") for match in pattern.finditer(written)] if pattern else []
    tainted = tuple(dict.fromkeys(one for one in found if one))
    draft.steps[before:] = [replace(one, run=written, tainted=tainted) for one in draft.steps[before:]]
    for match in PARAMETER.finditer(written):
        draft.parameters[match.group(1) or match.group(2)] = None


def _command(
    draft: Draft,
    node: Node,
    image: Node | None,
    values: Mapping[str, str],
    variables: Mapping[str, str],
    name: str | None,
    condition: str | None,
    tolerated: bool,
) -> None:
    command, arguments = scalars(node.get("command")), scalars(node.get("args"))
    place = (node.get("command") or node.get("args") or node).source
    every = (*command, *arguments)
    program = command[0].text.rpartition("/")[2] if command else None
    inline = inline_script(every) if program in SHELLS else None
    before = len(draft.steps)
    if inline is not None:
        draft.run(inline, variables, name, condition, tolerated, text=shell_text(inline.text))
        _as_written(draft, before, inline.text)
        return
    shown = _image_name(image.text, values) if image is not None else ""
    begin = command[0].text if command else program_of(shown)
    line = " ".join(quoted(shell_text(one.text)) for one in every)
    written = " ".join(one.text for one in every)
    if begin is None and _HARMLESS_IMAGES.match(shown):
        draft.step(
            Step(source=node.source, name=name, run=written, conditional=condition is not None), (), (), condition
        )
    elif begin is None:
        note = f"what the image `{shown[:100]}` does is not known"
        act = Act("unread", shown[:100] or "image", (image or node).source, note=note)
        step = Step(source=node.source, name=name, run=written or None, conditional=condition is not None)
        draft.step(step, (act,), (written,), condition, tolerated)
    elif begin.rpartition("/")[2] in {"kaniko", "executor"}:
        step = Step(source=node.source, name=name, run=written, conditional=condition is not None)
        draft.step(step, kaniko(words(node.get("args")), place), (written,), condition, tolerated)
    else:
        whole = line if command or not begin else f"{begin} {line}"
        draft.script(whole, place, node.source, variables, name, condition, tolerated)
    _as_written(draft, before, written)


def _image_name(written: str, values: Mapping[str, str]) -> str:
    """An image that is one parameter, by the value or default of the parameter."""
    whole = re.fullmatch(r"\$\((?:params|inputs\.params)\.([\w-]+)\)", written.strip())
    return values.get(whole.group(1), written) if whole is not None else written


def _action(draft: Draft, node: Node, action: Node, own: tuple[Document, ...]) -> Node:
    """A step with the step action that it refers to filled in; the step alone where that is not here."""
    name = text(action.get("name"))
    found = find(draft.reading, own, "StepAction", name) if name is not None else None
    shown, pin = reference(action)
    if found is not None:
        pin = "local"
    place = (action.get("name") or action.get("resolver") or action).source
    kind = "step-action" if action.get("resolver") is None else "resolver"
    draft.reading.includes[Include(place, shown, kind, pin, found is not None)] = None
    if found is None:
        note = f"what the step action `{shown[:100]}` does is not known"
        draft.step(Step(source=node.source, name=text(node.get("name")), uses=shown, pinned=pin),
                   (Act("unread", shown, place, note=note),))  # fmt: skip
        return node
    values = {**found.spec.value, **{key: value for key, value in node.value.items() if key != "ref"}}
    keys = {**(found.spec.keys or {}), **(node.keys or {})}
    return replace(node, value=values, keys=keys)
