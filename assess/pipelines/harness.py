"""Harness: recognised. Each stage of a pipeline in `.harness` is a job."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.evidence import Source
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import Act, PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "harness"
_PLACE = re.compile(r"(?:^|/)\.harness/.*\.ya?ml\Z")
_ROOT = re.compile(rb"^pipeline[ \t]*:", re.MULTILINE)
_KEY = re.compile(rb"^[ \t]+(?:orgIdentifier|projectIdentifier|stages)[ \t]*:", re.MULTILINE)
_PARAMETER = re.compile(r"<\+(?:pipeline|stage)\.variables\.([\w-]+)>|<\+(?:input)\b()")
_SECRET = re.compile(r"<\+secrets\.getValue\(\s*[\"']([^\"']+)[\"']\s*\)>")
_TAINT = re.compile(r"<\+(trigger\.(?:payload\.[\w.]*(?:title|body|message|ref|login)[\w.]*|sourceBranch|prTitle)"
                    r"|codebase\.(?:prTitle|sourceBranch|branch|commitMessage|gitUser))>")  # fmt: skip
_BUILD_AND_PUSH = re.compile(r"BuildAndPush\w+\Z")
_HARMLESS = """
HarnessApproval JiraApproval ServiceNowApproval Wait Http Email Barrier Queue JiraCreate JiraUpdate ServiceNowCreate
SlsaVerification SscaEnforcement PolicyStep Policy FlagConfiguration Snyk AquaTrivy Semgrep Gitleaks Owasp Sonarqube
K8sRollingDeploy K8sRollingRollback K8sBlueGreenDeploy K8sCanaryDeploy K8sApply K8sScale K8sDelete HelmDeploy
HelmRollback TerraformPlan TerraformApply TerraformDestroy TerraformRollback Custom Verify SaveCacheS3 SaveCacheGCS
SaveCacheHarness
"""
HARMLESS = frozenset(_HARMLESS.split())


def discover(folder: Folder) -> tuple[str, ...]:
    """The YAML files in `.harness` that hold a pipeline."""
    return tuple(name for name in folder.walk() if recognises(name) and _ROOT.search(folder.peek(name, 65_536) or b""))


def recognises(path: str) -> bool:
    """The path is in `.harness`."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def sniffs(data: bytes) -> bool:
    """The file holds a pipeline with Harness' expressions."""
    return _ROOT.search(data) is not None and _KEY.search(data) is not None and b"<+" in data


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One pipeline file as facts. Raises InputError if it is not YAML, or holds no pipeline."""
    from assess.errors import InputError
    from assess.evidence import ExternalParameter
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import one_mapping, text

    reading = Reading(folder, path, NAME, depth="recognised", parameter=_PARAMETER, taint=_TAINT)
    reading.secret_variable = _SECRET
    root = one_mapping(data, path, "pipeline", reading)
    pipeline = root.get("pipeline")
    if pipeline is None or pipeline.kind != "mapping":
        raise InputError("not a pipeline (it has no `pipeline` key)", f"{path}:{root.line}:{root.column}")
    for one in pipeline.get("variables") or ():
        if (name := text(one.get("name"))) is not None and text(one.get("type")) != "Secret":
            reading.parameters.append(ExternalParameter(one.source, name, "variable"))
    if (template := pipeline.get("template")) is not None:
        name = text(template.get("templateRef")) or "?"
        reading.include(template.source, name, "template", "unknown", False)
        reading.note(template.source, f"the template `{name[:60]}` is not in this file")
    drafts: list[Draft] = []
    before: tuple[str, ...] = ()
    for item in pipeline.get("stages") or ():
        group = item.get("parallel")
        made = [_stage(reading, one, before) for one in (group if group is not None else (item,))]
        drafts += made
        before = tuple(draft.id for draft in made) or before
    if not drafts:
        reading.note(pipeline.source, "the pipeline has no stages here")
    return reading.pipeline(root.source, text(pipeline.get("name")) or "", [one.finish() for one in drafts], None)


def _stage(reading: Reading, item: Node, before: tuple[str, ...]) -> Draft:
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import Act
    from assess.pipelines._values import text

    stage = item.get("stage") or item
    identifier = stage.get("identifier") or stage.get("name") or stage
    draft = Draft(reading, identifier.source, text(identifier) or f"stage-{stage.line}", needs=before)
    spec = stage.get("spec")
    when = stage.get("when")
    draft.condition = text(when.get("condition")) if when is not None else None
    if (template := stage.get("template")) is not None:
        name = text(template.get("templateRef")) or "?"
        reading.include(template.source, name, "template", "unknown", False)
        draft.act(Act("unread", name, template.source, note=f"the template `{name[:60]}` is not in this file"))
    if spec is None:
        return draft
    runtime, infrastructure = spec.get("runtime"), spec.get("infrastructure")
    kind = text(runtime.get("type")) if runtime is not None else None
    where = text(infrastructure.get("type")) if infrastructure is not None else None
    draft.runner_label = kind or where
    draft.runner = "hosted" if kind == "Cloud" else "self-hosted" if (kind or where) else None
    clone = spec.get("cloneCodebase")
    if clone is not None and clone.value is True:
        draft.act(Act("checkout", "cloneCodebase", clone.source))
        draft.directory = ""
    caching = spec.get("caching") or spec.get("buildIntelligence")
    enabled = caching.get("enabled") if caching is not None else None
    if caching is not None and enabled is not None and enabled.value is not False:
        draft.cache(caching.source, "cache intelligence", text(caching.get("key")), True, True, None)
    execution = spec.get("execution")
    _steps(reading, draft, execution.get("steps") if execution is not None else None, 0)
    setting = spec.get("slsa_provenance")
    if setting is not None and (asked := setting.get("enabled")) is not None and asked.value is not False:
        for act in _provenance(draft, setting, setting.source, True if asked.value is True else None):
            draft.act(act)
    return draft


def _steps(reading: Reading, draft: Draft, steps: Node | None, depth: int) -> None:
    """Steps, those in parallel, and those of groups."""
    if depth > 10:
        return
    for item in steps or ():
        if (group := item.get("stepGroup")) is not None:
            _steps(reading, draft, group.get("steps"), depth + 1)
        elif (parallel := item.get("parallel")) is not None:
            _steps(reading, draft, parallel, depth + 1)
        elif (step := item.get("step")) is not None:
            _step(reading, draft, step)


def _step(reading: Reading, draft: Draft, step: Node) -> None:
    from assess.evidence import Step
    from assess.pipelines._facts import Act
    from assess.pipelines._values import image_pin, inputs_of, text, texts

    kind, spec = text(step.get("type")) or "", step.get("spec")
    name = text(step.get("name"))
    place = (step.get("type") or step).source
    if (template := step.get("template")) is not None:
        reference = text(template.get("templateRef")) or "?"
        reading.include(template.source, reference, "template", "unknown", False)
        draft.act(
            Act("unread", reference, template.source, note=f"the template `{reference[:60]}` is not in this file")
        )
        return
    values = texts(spec)
    _secrets(draft, spec, 0)
    image = spec.get("image") if spec is not None else None
    if image is not None:
        draft.image(image, "step")
    variables = texts(spec.get("envVariables")) if spec is not None else {}
    when = step.get("when")
    condition = text(when.get("condition")) if when is not None else None
    command = spec.get("command") if spec is not None else None
    if kind in {"ShellScript"} and spec is not None:
        source = spec.get("source")
        inner = source.get("spec") if source is not None else None
        command = inner.get("script") if inner is not None else None
    if command is not None and kind in {"Run", "RunTests", "Test", "Background", "ShellScript", "Script"}:
        draft.run(command, variables, name, condition, template=command.text)
        return
    uses = image.text if image is not None and kind == "Plugin" else kind
    made = Step(source=step.source, name=name, uses=uses, pinned=image_pin(image.text) if image is not None else None,
                inputs=inputs_of(values), conditional=condition is not None)  # fmt: skip
    draft.step(made, _acts(draft, kind, spec, place, uses), values.values(), condition)


def _secrets(draft: Draft, node: Node | None, depth: int) -> None:
    if node is None or depth > 8:
        return
    if node.kind == "scalar":
        for match in _SECRET.finditer(node.text):
            draft.secret(node.source, match.group(1))
        return
    for one in (*node, *(value for _, value in node.items())):
        _secrets(draft, one, depth + 1)


def _acts(draft: Draft, kind: str, spec: Node | None, place: Source, uses: str) -> tuple[Act, ...]:
    from assess.pipelines._facts import Act
    from assess.pipelines._plugin_images import acts_of, name_of
    from assess.pipelines._tools import CONTAINER
    from assess.pipelines._values import texts

    if _BUILD_AND_PUSH.match(kind):
        if spec is not None and (caching := spec.get("caching")) is not None:
            draft.cache(caching.source, "layer cache", None, True, True, None)
        return (Act("build", kind, place), Act("publish", kind, place, CONTAINER))
    if kind == "Plugin":
        return acts_of(name_of(uses), uses, texts(spec.get("settings")) if spec is not None else {}, place)
    if kind in {"provenance", "Provenance"}:
        return _provenance(draft, spec, place)
    if kind in {"RestoreCacheS3", "RestoreCacheGCS", "RestoreCacheHarness"}:
        draft.cache(place, kind, texts(spec).get("key"), True, False, None)
        return ()
    targets = {"GCSUpload": "Google Cloud Storage", "S3Upload": "S3", "ArtifactoryUpload": "Artifactory"}
    if kind in targets:
        return (Act("publish", kind, place, targets[kind]),)
    if kind in {"SscaOrchestration", "CdSscaOrchestration"}:
        return (Act("sbom", kind, place),)
    if kind == "GitClone":
        return (Act("checkout", kind, place),)
    if kind in {"SscaArtifactSigning"}:
        return (Act("sign", kind, place),)
    if kind in HARMLESS or kind.startswith(("K8s", "Terraform", "Helm", "Ecs", "Aws", "Jenkins")):
        return (Act("verify", kind, place),) if kind == "SlsaVerification" else ()
    return (Act("unread", kind or "step", place, note=f"what the step `{kind[:60]}` does is not known"),)


def _provenance(draft: Draft, spec: Node | None, place: Source, asked: bool | None = True) -> tuple[Act, ...]:
    """Harness' own provenance, by a step or by the stage's setting: L3 is claimed on the vendor's cloud.

    A key in the pipeline is the tenant's.
    """
    from assess.evidence import Interval
    from assess.pipelines._caps import HARNESS
    from assess.pipelines._facts import Act

    attestation = spec.get("attestation") if spec is not None else None
    inner = attestation.get("spec") if attestation is not None else None
    keyed = inner is not None and inner.get("privateKey") is not None
    signed = attestation is not None
    made = replace(HARNESS, generated=asked, signed=signed, distributed=True if signed else None)
    if draft.runner != "hosted":
        note = "the vendor's claim holds for its own cloud only"
        made = replace(made, level=Interval(1, 1), note=note)
    elif attestation is None:
        made = replace(made, level=Interval(1, 1), note="the provenance is not signed")
    if asked is None and made.level is not None:
        made = replace(made, level=Interval(0, made.level.ceiling))
    acts: tuple[Act, ...] = (Act("attest", "provenance", place, offer=made),)
    return (*acts, Act("key", "provenance", place)) if keyed else acts
