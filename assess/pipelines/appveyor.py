"""AppVeyor: recognised. `appveyor.yml` is one job, which its matrix repeats."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "appveyor"
_PLACE = re.compile(r"(?:^|/)\.?appveyor\.ya?ml\Z", re.IGNORECASE)
_IN_ORDER = """
init install before_build build_script after_build before_test test_script after_test before_deploy before_package
deploy_script after_deploy on_success on_failure on_finish
"""
_BEFORE = tuple(_IN_ORDER.split())
_SHELLS = ("ps", "pwsh", "cmd", "sh", "bat")
_TARGETS = {
    "github": "GitHub release", "nuget": "NuGet", "bintray": "Bintray", "s3": "S3", "azureblob": "Azure storage",
    "artifact": None, "local": None, "agent": None, "environment": None, "webdeploy": None, "ftp": None,
    "webhook": None, "azureappservicezipdeploy": None, "azurewebjob": None, "azurecs": None, "sql": None,
}  # fmt: skip


def discover(folder: Folder) -> tuple[str, ...]:
    """`appveyor.yml` or `.appveyor.yml`."""
    return tuple(name for name in folder.walk() if "/" not in name and recognises(name))


def recognises(path: str) -> bool:
    """The path has AppVeyor's name."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One file as facts. Raises InputError if it is not YAML, or holds no mapping."""
    from assess.errors import InputError
    from assess.evidence import Trigger
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import documents_of

    reading = Reading(folder, path, NAME, depth="recognised", can_sign=False, directory="", one_shell=True)
    reading.secret_variable = re.compile(r"\$env:(\w+)|%(\w+)%|\$\((\w+)\)|\$(\w+)")
    documents = documents_of(data, path)
    for problem in documents.problems:
        reading.note(problem.source, problem.text)
    roots = [one for one in documents.roots if one.kind == "mapping"]
    if not roots and documents.roots and documents.roots[0].kind == "sequence":
        roots = [one for one in documents.roots[0] if one.kind == "mapping"]
    if not roots:
        raise InputError("not a configuration (it holds no mapping)", path)
    jobs = [_job(_draft(reading, root, at), root).finish() for at, root in enumerate(roots)]
    triggers = (Trigger(roots[0].source, "push", "maintainer"), Trigger(roots[0].source, "pull_request", "contributor"))
    return reading.pipeline(roots[0].source, "", jobs, triggers)


def _draft(reading: Reading, root: Node, at: int) -> Draft:
    """The job of one configuration."""
    from assess.pipelines._draft import Draft
    from assess.pipelines._values import words

    draft = Draft(reading, root.source, "build" if not at else f"build-{at + 1}", runner="hosted")
    images = words(root.get("image")) or words(root.get("os"))
    draft.runner_label = " | ".join(images) or None
    if (cloud := root.get("build_cloud")) is not None:
        draft.runner, draft.runner_label = "self-hosted", cloud.text
    return draft


def _job(draft: Draft, root: Node) -> Draft:
    from assess.pipelines._facts import Act
    from assess.pipelines._values import scalars

    _environment(draft, root.get("environment"))
    draft.variants = _variants(root)
    for one in scalars(root.get("cache")):
        draft.cache(one.source, "cache", one.text, True, True, None)
    for service in scalars(root.get("services")):
        draft.image(service, "service")
    for phase in _BEFORE[: _BEFORE.index("deploy_script") + 1]:
        _commands(draft, root, phase)
    build = root.get("build")
    if build is not None and build.value not in (False, "off", "Off", None):
        draft.act(Act("build", "MSBuild", build.source))
    artifacts = root.get("artifacts")
    for one in artifacts or ():
        path = one.get("path") or one
        draft.give(path.source, "artifacts", path.text)
    deploy = root.get("deploy")
    for one in (deploy,) if deploy is not None and deploy.kind == "mapping" else deploy or ():
        _deploy(draft, one)
    for phase in _BEFORE[_BEFORE.index("deploy_script") + 1 :]:
        _commands(draft, root, phase)
    for special in root.get("for") or ():
        for phase in _BEFORE:
            _commands(draft, special, phase, "for")
    return draft


def _environment(draft: Draft, environment: Node | None) -> None:
    from assess.pipelines._values import texts

    if environment is None:
        return
    for part in (environment, environment.get("global")):
        draft.variables.update(texts(part))
        for key, value in part.items() if part is not None else ():
            if value.get("secure") is not None:
                draft.secret(key.source, key.text)


def _variants(root: Node) -> int | None:
    count = 1
    environment = root.get("environment")
    rows = environment.get("matrix") if environment is not None else None
    if environment is not None and environment.kind == "sequence":
        rows = environment
    for value in (rows, root.get("image"), root.get("platform"), root.get("configuration"), root.get("os")):
        if value is not None and value.kind == "sequence":
            count *= max(len(value.value), 1)
    matrix = root.get("matrix")
    return None if matrix is not None and matrix.get("exclude") is not None else count


def _commands(draft: Draft, root: Node, phase: str, around: str | None = None) -> None:
    from assess.pipelines._values import scalars

    node = root.get(phase)
    condition = around if phase not in {"on_failure", "on_finish"} else f"{phase}"
    for one in (node,) if node is not None and node.kind != "sequence" else node or ():
        for command in scalars(one):
            if command.value not in ("off", False):
                draft.run(command, name=phase, condition=condition, shell=_shell(draft, None))
        for shell in _SHELLS:
            for command in scalars(one.get(shell)):
                draft.run(command, name=phase, condition=condition, shell=_shell(draft, shell))


def _shell(draft: Draft, written: str | None) -> str | None:
    """The language of a command: cmd, unless it says otherwise or the image is not Windows."""
    if written in {"ps", "pwsh"}:
        return "pwsh"
    unix = any(name in (draft.runner_label or "").lower() for name in ("ubuntu", "linux", "macos"))
    return "sh" if written in {"sh", "bash"} or (written is None and unix) else "cmd"


def _deploy(draft: Draft, node: Node) -> None:
    from assess.evidence import Step
    from assess.pipelines._facts import Act
    from assess.pipelines._values import inputs_of, text, texts
    from assess.pipelines.drone import condition_of

    provider = node.get("provider")
    name = provider.text if provider is not None else ""
    for key, value in node.items():
        if value.get("secure") is not None:
            draft.secret(key.source, key.text, "publish-token")
    if not name or provider is None:
        return
    target = _TARGETS.get(name.lower(), "")
    acts: tuple[Act, ...] = (Act("publish", f"deploy {name}", provider.source, target),) if target else ()
    if target == "":
        acts = (
            Act("unread", f"deploy {name}", provider.source, note=f"what deploying to `{name[:60]}` does is not known"),
        )
    on = node.get("on")
    condition = f"deploy on {condition_of(on)}" if on is not None else "deploy"
    inputs = {"artifact": text(node.get("artifact")) or ""}
    draft.step(Step(source=node.source, name="deploy", uses=f"deploy {name}", inputs=inputs_of(inputs)), acts,
               texts(node).values(), condition)  # fmt: skip
