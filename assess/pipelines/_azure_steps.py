"""The steps of an Azure Pipelines job: scripts, tasks, hand-overs, and step templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from assess._yaml import Node
from assess.evidence import Identity, Source, Step
from assess.pipelines._azure_expand import CONDITION, Expander, alternatives, parameters_of
from assess.pipelines._azure_tasks import acts_of, name_of, script_of
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._reader import Reading
from assess.pipelines._values import Pin, inputs_of, ref_pin, text, texts, truth

MAX_TEMPLATES = 300
_SCRIPTS = ("script", "bash", "pwsh", "powershell")
_SIMPLE = frozenset({"reviewApp", "getPackage", "downloadBuild"})
_NODES = ("inlinescript", "inline", "script")


@dataclass(slots=True)
class Around:
    """What holds for the whole file: what was gathered, and the names that `resources` gives."""

    reading: Reading
    expander: Expander
    repositories: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Alias to (name, ref as written)."""
    containers: dict[str, Node] = field(default_factory=dict)
    pipelines: frozenset[str] = frozenset()
    templates: int = 0


def open_template(around: Around, call: Node, reference: Node, chain: tuple[str, ...]) -> Node | None:
    """The expanded template that a `template:` names; None, noted, where it is not here."""
    reading = around.reading
    name, at, repository = reference.text.partition("@")
    if "${{" in reference.text or "$(" in reference.text:
        reading.include(reference.source, reference.text, "template", "unknown", False)
        reading.note(reference.source, f"the template's name is an expression ({reference.text[:80]})")
        return None
    if at and repository != "self":
        pin: Pin = ref_pin(around.repositories.get(repository, ("", None))[1])
        reading.include(reference.source, reference.text, "template", pin, False)
        reading.note(reference.source, f"the template `{reference.text[:100]}` is in another repository")
        return None
    path = _inside(name if name.startswith("/") or at else f"{PurePosixPath(reference.path).parent}/{name}")
    around.templates += 1
    if path is None or path in chain or len(chain) > 20 or around.templates > MAX_TEMPLATES:
        reading.include(reference.source, reference.text, "template", "local", False)
        reading.note(reference.source, f"the template `{reference.text[:100]}` could not be followed")
        return None
    found = reading.open(path, reference.source)
    reading.include(reference.source, reference.text, "template", "local", found is not None)
    if found is None:
        reading.note(reference.source, f"the template `{reference.text[:100]}` was not found here")
        return None
    given = call.get("parameters")
    values = {key.text: value for key, value in given.items()} if given is not None else {}
    scope = {f"parameters.{key}": value for key, value in parameters_of(found, values).items()}
    return around.expander.expand(found, scope)


def _inside(name: str) -> str | None:
    """A path without `.` and `..`; None if it climbs out of the repository."""
    parts: list[str] = []
    for part in PurePosixPath(name.lstrip("/")).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts) or None


def read_steps(around: Around, draft: Draft, steps: Node | None, chain: tuple[str, ...]) -> None:
    """All steps of a list, those of local templates in their place."""
    if steps is None:
        return
    if steps.kind != "sequence":
        around.reading.note(steps.source, "steps are not a list, or not known here")
        draft.act(Act("unread", "steps", steps.source))
        return
    for node in steps:
        if node.kind != "mapping":
            if node.value is not None:
                around.reading.note(node.source, f"a step is not known here ({node.text[:80]})")
                draft.act(Act("unread", "step", node.source))
            continue
        if (template := node.get("template")) is not None:
            _template(around, draft, node, template, chain)
        else:
            _step(around, draft, node)


def _template(around: Around, draft: Draft, node: Node, template: Node, chain: tuple[str, ...]) -> None:
    opened = open_template(around, node, template, chain)
    if opened is None:
        shown = template.text[:100]
        repository = template.text.partition("@")[2]
        pin = ref_pin(around.repositories.get(repository, ("", None))[1]) if repository else "local"
        note = f"the steps of the template `{shown}` were not read"
        draft.step(
            Step(source=node.source, uses=template.text, pinned=pin), (Act("unread", shown, node.source, note=note),)
        )
        given = node.get("parameters")
        for _, value in given.items() if given is not None else ():
            if value.kind == "sequence" and any(one.kind == "mapping" and _is_step(one) for one in value):
                read_steps(around, draft, value, chain)
        return
    if opened.kind == "mapping":
        read_steps(around, draft, opened.get("steps"), (*chain, opened.path))
    else:
        read_steps(around, draft, opened, (*chain, opened.path))


def _is_step(node: Node) -> bool:
    return any(node.get(key) is not None for key in (*_SCRIPTS, "task", "checkout", "publish", "download"))


def _step(around: Around, draft: Draft, node: Node) -> None:
    condition = " and ".join(one.text for key in (CONDITION, "condition") if (one := node.get(key)) is not None) or None
    if (enabled := node.get("enabled")) is not None and enabled.value is False:
        return
    tolerated = truth(node.get("continueOnError"))
    variables = texts(node.get("env"))
    name = text(node.get("displayName")) or text(node.get("name"))
    for value in variables.values():
        draft.secrets_in(value, node.source)
    if (task := node.get("task")) is not None:
        _task(draft, node, task, variables, name, condition, tolerated)
        return
    for kind in _SCRIPTS:
        if (script := node.get(kind)) is not None:
            where = text(node.get("workingDirectory"))
            for one in alternatives(script):
                draft.run(
                    one, variables, name, condition, tolerated, directory=_folder(where), shell=_shell(draft, kind)
                )
            return
    _other(around, draft, node, Step(
        source=node.source, name=name, conditional=condition is not None, continue_on_error=tolerated
    ), condition)  # fmt: skip


def _folder(written: str | None) -> str | None:
    """A working directory relative to the sources."""
    for name in ("$(Build.SourcesDirectory)", "$(System.DefaultWorkingDirectory)", "$(Build.Repository.LocalPath)"):
        written = written.replace(name, ".") if written is not None else None
    return None if written is None else "/".join(one for one in written.replace("\\", "/").split("/") if one != ".")


def _shell(draft: Draft, kind: str, asked: str | None = None) -> str | None:
    """The language of a script: `script` is cmd on Windows and a shell elsewhere."""
    kind = (asked or kind).lower()
    if kind in {"pwsh", "powershell", "pscore", "ps", "azurepowershell"}:
        return "pwsh"
    if kind in {"batch", "batchscript"}:
        return "cmd"
    if kind in {"script", "cmdline"}:
        return "cmd" if "win" in (draft.runner_label or "").lower().replace("darwin", "") else None
    return "bash" if kind == "bash" else None


def _other(around: Around, draft: Draft, node: Node, step: Step, condition: str | None) -> None:
    if (checkout := node.get("checkout")) is not None:
        if checkout.text != "none":
            acts = (Act("checkout", "checkout", node.source),)
            draft.step(replace(step, uses=f"checkout: {checkout.text}"), acts, (), condition)
            known = around.repositories.get(checkout.text)
            if known is not None:
                around.reading.include(checkout.source, f"{known[0]}@{known[1] or ''}", "repository", ref_pin(known[1]))
        return
    if (published := node.get("publish") or node.get("upload")) is not None:
        draft.give(node.source, "publish", text(node.get("artifact")) or published.text)
        draft.step(replace(step, uses="publish", does=("upload",)))
        return
    if (download := node.get("download")) is not None:
        if download.text != "none":
            other = download.text not in {"current", ""}
            draft.take(node.source, "download", text(node.get("artifact")), None, other)
            draft.step(replace(step, uses="download", does=("download",)))
        return
    if any(node.get(key) is not None for key in _SIMPLE):
        draft.step(step)
        return
    around.reading.note(node.source, "a step is of no kind that is known")
    draft.step(step, (Act("unread", "step", node.source),))


def _task(
    draft: Draft, node: Node, task: Node, variables: Mapping[str, str], name: str | None,
    condition: str | None, tolerated: bool | None,
) -> None:  # fmt: skip
    given = node.get("inputs")
    nodes = {key.text.lower(): value for key, value in given.items()} if given is not None else {}
    inputs = {key: value.text for key, value in nodes.items() if value.kind == "scalar"}
    does = _reach(draft, task, nodes, inputs)
    script = script_of(task.text, inputs)
    if script is not None:
        inline, file = script
        if inline is not None:
            where = _folder(inputs.get("workingdirectory") or inputs.get("workingfolder"))
            draft.run(nodes[inline], variables, name, condition, tolerated, directory=where,
                      shell=_shell(draft, name_of(task.text), inputs.get("scripttype")))  # fmt: skip
        elif file:
            draft.script(_call(file, inputs), node.source, node.source, variables, name, condition, tolerated)
        return
    step = Step(
        source=node.source, name=name, uses=task.text, pinned="tag" if "@" in task.text else "unknown",
        inputs=inputs_of(inputs), does=does, conditional=condition is not None, continue_on_error=tolerated,
    )  # fmt: skip
    draft.step(step, acts_of(task.text, inputs, task.source), inputs.values(), condition, tolerated)


def _call(file: str, inputs: Mapping[str, str]) -> str:
    inside = file.replace("$(Build.SourcesDirectory)", ".").replace("$(System.DefaultWorkingDirectory)", ".")
    inside = inside.replace("\\", "/")
    return f"{inside if inside.startswith(('.', '/', '$')) else './' + inside} {inputs.get('arguments', '')}".strip()


def _reach(draft: Draft, task: Node, nodes: Mapping[str, Node], inputs: Mapping[str, str]) -> tuple[str, ...]:
    """What a task brings within reach beyond what it does: caches, artifacts, secrets, identities; words for it."""
    place: Source = task.source
    before = len(draft.acts)
    for key, value in inputs.items():
        if key not in _NODES:
            draft.secrets_in(value, nodes[key].source)
    match name_of(task.text):
        case "cache" | "cachebeta" | "restoreanddsavecache":
            draft.cache(place, task.text, inputs.get("key"), others=None)
        case "publishpipelineartifact" | "publishbuildartifacts" | "publishpipelineartifacts":
            shown = inputs.get("artifact") or inputs.get("artifactname") or inputs.get("targetpath") or "drop"
            draft.give(place, task.text, shown)
        case "downloadpipelineartifact" | "downloadbuildartifacts" | "downloadpipelineartifacts":
            kind = (inputs.get("source") or inputs.get("buildtype") or "current").lower()
            name = inputs.get("artifact") or inputs.get("artifactname")
            draft.take(place, task.text, name, None, None if "$" in kind else kind == "specific")
        case "azurekeyvault":
            shown = inputs.get("secretsfilter", "*")
            for one in shown.split(","):
                draft.secret(place, one.strip() or "*")
        case "downloadsecurefile":
            draft.secret(place, inputs.get("securefile", "*"))
        case "installapplecertificate" | "esrpcodesigning" | "azuresigntool" | "androidsigning":
            draft.secret(
                place, inputs.get("certsecurefile") or inputs.get("keystorefile") or name_of(task.text), "signing-key"
            )
        case "azurecli" | "azurepowershell" if inputs.get("addspntoenvironment", "").lower() == "true":
            draft.identities[Identity(place, None)] = None
        case _:
            pass
    for key in ("azuresubscription", "connectedservicename", "containerregistry", "githubconnection",
                "publishendpoint", "nugetserviceconnections", "publishfeedcredentials", "pythonuploadserviceconnection",
                "customendpoint", "connectedservicenamearm", "dockerregistryendpoint"):  # fmt: skip
        if inputs.get(key):
            publishes = key not in {"azuresubscription", "connectedservicename", "connectedservicenamearm"}
            draft.secret(nodes[key].source, inputs[key], "publish-token" if publishes else None)
    return tuple(dict.fromkeys(act.does for act in draft.acts[before:]))
