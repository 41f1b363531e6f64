"""Bitbucket Pipelines: recognised. Each step of each pipeline in `bitbucket-pipelines.yml` is a job."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assess._yaml import Node
    from assess.evidence import Trigger
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import Does, PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "bitbucket"
_PLACE = re.compile(r"(?:^|/)bitbucket-pipelines\.ya?ml\Z")
_STEP = """
name image script after-script services caches artifacts deployment trigger oidc runs-on condition max-time clone size
on-fail fail-fast runtime type environment output-variables concurrency-group state enabled user-defined changesets
"""
_STEP_KEYS = frozenset(_STEP.split())
PIPES: dict[str, tuple[tuple[Does, str | None], ...]] = {
    "aws-ecr-push-image": (("publish", "container registry"),),
    "npm-publish": (("publish", "npm"),),
    "pypi-publish": (("publish", "PyPI"),),
    "bitbucket-upload-file": (("publish", "Bitbucket downloads"),),
    "aws-s3-deploy": (("publish", "S3"),),
    "nuget-publish": (("publish", "NuGet"),),
    "rubygems-publish": (("publish", "RubyGems"),),
    "slack-notify": (),
    "email-notify": (),
    "ssh-run": (),
    "scp-deploy": (),
    "rsync-deploy": (),
    "ftp-deploy": (),
    "sftp-deploy": (),
    "aws-ecs-deploy": (),
    "aws-cloudfront-invalidate": (),
    "aws-elasticbeanstalk-deploy": (),
    "aws-lambda-deploy": (),
    "aws-code-deploy": (),
    "aws-cloudformation-deploy": (),
    "kubectl-run": (),
    "aws-eks-kubectl-run": (),
    "git-secrets-scan": (),
    "sonarcloud-scan": (),
    "sonarcloud-quality-gate": (),
    "sonarqube-scan": (),
    "trigger-pipeline": (),
    "google-app-engine-deploy": (),
    "firebase-deploy": (),
    "heroku-deploy": (),
    "azure-web-apps-deploy": (),
    "jira-create-issue": (),
    "codecov": (),
    "snyk-scan": (),
}
"""What Atlassian's pipes and a few others do, by their name without the owner."""


def discover(folder: Folder) -> tuple[str, ...]:
    """`bitbucket-pipelines.yml` in the root."""
    return tuple(name for name in folder.walk() if "/" not in name and recognises(name))


def recognises(path: str) -> bool:
    """The path has Bitbucket's name."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One file as facts. Raises InputError if it is not YAML, or no mapping."""
    from assess.evidence import Trigger
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import one_mapping

    reading = Reading(folder, path, NAME, depth="recognised", can_sign=False, directory="", one_shell=True)
    root = one_mapping(data, path, "configuration", reading)
    pipelines = root.get("pipelines")
    if pipelines is None or pipelines.kind != "mapping":
        reading.note((pipelines or root).source, "the configuration has no pipelines")
        return reading.pipeline(root.source, "", [], ())
    drafts: list[Draft] = []
    triggers: list[Trigger] = []
    for key, section in pipelines.items():
        trust = "contributor" if key.text == "pull-requests" else "maintainer"
        event = {"pull-requests": "pull_request", "tags": "tag", "custom": "manual"}.get(key.text, "push")
        triggers.append(Trigger(key.source, event, trust))  # type: ignore[arg-type]
        named = [(key.text, section)] if section.kind == "sequence" else []
        named += [(f"{key.text}/{name.text}", items) for name, items in section.items()]
        for name, items in named:
            _pipeline(reading, root, name, items, drafts)
    return reading.pipeline(root.source, "", [one.finish() for one in drafts], tuple(triggers))


def _pipeline(reading: Reading, root: Node, name: str, items: Node, drafts: list[Draft]) -> None:
    """The steps of one pipeline, each after those before it; steps in parallel wait for the same."""
    if items.kind != "sequence":
        reading.note(items.source, f"the pipeline {name[:60]!r} is taken from elsewhere, or is no list")
        return
    before: tuple[str, ...] = ()
    for item in items:
        made = [_step(reading, root, name, step, before, drafts, stage) for step, stage in _steps(reading, item)]
        before = tuple(one.id for one in made) or before


def _steps(reading: Reading, item: Node) -> Iterator[tuple[Node, Node | None]]:
    from assess.evidence import ExternalParameter
    from assess.pipelines._values import text

    if (step := item.get("step")) is not None:
        yield step, None
    for key in ("parallel", "stage"):
        if (group := item.get(key)) is not None:
            inner = group if group.kind == "sequence" else group.get("steps")
            for one in inner or ():
                for step, _ in _steps(reading, one):
                    yield step, group if key == "stage" else None
    for one in item.get("variables") or ():
        if (name := text(one.get("name"))) is not None:
            reading.parameters.append(ExternalParameter(one.source, name, "variable"))


def _step(
    reading: Reading,
    root: Node,
    name: str,
    node: Node,
    before: tuple[str, ...],
    drafts: list[Draft],
    stage: Node | None,
) -> Draft:
    from assess.evidence import Identity
    from assess.pipelines._draft import Draft
    from assess.pipelines._values import scalars, text

    reading.unknown_keys(node, _STEP_KEYS, "step")
    shown = text(node.get("name")) or f"step-{len(drafts) + 1}"
    taken = {one.id for one in drafts}
    wanted = f"{name}/{shown}"
    draft = Draft(
        reading, node.source, wanted if wanted not in taken else f"{wanted} ({len(drafts) + 1})", needs=before
    )
    drafts.append(draft)
    _runner(draft, root, node)
    draft.environment = text(node.get("deployment")) or (text(stage.get("deployment")) if stage is not None else None)
    if text(node.get("trigger")) == "manual":
        draft.condition = "manual"
    if (oidc := node.get("oidc")) is not None and oidc.value is True:
        draft.can_sign = True
        draft.identities[Identity(oidc.source, None)] = None
    _image(draft, node.get("image") or root.get("image"))
    for one in scalars(node.get("services")):
        _service(draft, root, one)
    for one in scalars(node.get("caches")):
        draft.cache(one.source, f"cache {one.text}", one.text, True, True, None)
    _script(draft, node.get("script"), None)
    _script(draft, node.get("after-script"), "always()")
    artifacts = node.get("artifacts")
    paths = artifacts.get("paths") or artifacts.get("upload") if artifacts is not None else None
    for one in scalars(paths or artifacts):
        draft.give(one.source, "artifacts", one.text)
    return draft


def _runner(draft: Draft, root: Node, node: Node) -> None:
    from assess.pipelines._values import words

    options = root.get("options")
    labels = words(node.get("runs-on") or (options.get("runs-on") if options is not None else None))
    draft.runner = "self-hosted" if any("self.hosted" in one for one in labels) else "hosted"
    if any("$" in one for one in labels):
        draft.runner = None
    draft.runner_label = ", ".join(labels) or None


def _image(draft: Draft, node: Node | None) -> None:
    if node is None:
        return
    image = node.get("name") if node.kind == "mapping" else node
    if image is not None:
        draft.image(image, "job")
    password = node.get("password")
    if password is not None:
        draft.secrets_in(password.text, password.source)


def _service(draft: Draft, root: Node, name: Node) -> None:
    definitions = root.get("definitions")
    services = definitions.get("services") if definitions is not None else None
    defined = services.get(name.text) if services is not None else None
    image = defined.get("image") if defined is not None else None
    if image is not None:
        _image_of_service(draft, image)


def _image_of_service(draft: Draft, image: Node) -> None:
    named = image.get("name") if image.kind == "mapping" else image
    if named is not None:
        draft.image(named, "service")


def _script(draft: Draft, script: Node | None, condition: str | None) -> None:
    from assess.pipelines._values import scalars

    for node in (script,) if script is not None and script.kind == "scalar" else script or ():
        pipe = node.get("pipe")
        if pipe is not None:
            _pipe(draft, node, pipe, condition)
            continue
        for one in scalars(node):
            draft.run(one, condition=condition)


def _pipe(draft: Draft, node: Node, pipe: Node, condition: str | None) -> None:
    from assess.evidence import Step
    from assess.pipelines._facts import Act
    from assess.pipelines._values import image_pin, inputs_of, texts

    reference = pipe.text.removeprefix("docker://")
    short = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
    pin = image_pin(reference)
    draft.reading.include(pipe.source, pipe.text, "pipe", pin, False)
    values = texts(node.get("variables"))
    for value in values.values():
        draft.secrets_in(value, pipe.source)
    known = PIPES.get(short)
    acts = tuple(Act(does, pipe.text, pipe.source, target) for does, target in known or ())
    if known is None:
        acts = (Act("unread", pipe.text, pipe.source, note=f"what the pipe `{pipe.text[:80]}` does is not known"),)
    step = Step(source=node.source, uses=pipe.text, pinned=pin, inputs=inputs_of(values))
    draft.step(step, acts, values.values(), condition)
