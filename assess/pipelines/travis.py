"""Travis CI: recognised. The jobs of `.travis.yml`, its stages in order; defaults of languages are not spelled out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "travis"
_PLACE = re.compile(r"(?:^|/)\.travis\.ya?ml\Z")
_PHASES = ("before_install", "install", "before_script", "script", "before_cache", "after_success", "after_failure",
           "before_deploy", "after_deploy", "after_script")  # fmt: skip
_EXPANDING = """
python node_js go rust ruby rvm php perl jdk scala julia haskell ghc elixir otp_release erlang dart crystal swift
xcode_sdk osx_image compiler os arch env gemfile perl6 d smalltalk r dotnet mono haxe hhvm jl
"""
_TARGETS = {
    "releases": "GitHub release", "github-releases": "GitHub release", "npm": "npm", "pypi": "PyPI",
    "rubygems": "RubyGems", "cargo": "crates.io", "s3": "S3", "gcs": "Google Cloud Storage", "bintray": "Bintray",
    "packagecloud": "packagecloud", "snap": "Snap store", "chef_supermarket": "Chef Supermarket", "hackage": "Hackage",
    "puppetforge": "Puppet Forge", "anynines": None, "pages": None, "heroku": None, "script": None, "engineyard": None,
    "elasticbeanstalk": None, "lambda": None, "cloudfoundry": None, "codedeploy": None, "firebase": None,
    "netlify": None, "surge": None, "azure_web_apps": None, "cloud66": None, "openshift": None, "scalingo": None,
    "launchpad": None, "git_push": None, "gae": None, "opsworks": None, "cloudfiles": None, "testfairy": None,
    "hephy": None, "ecr": "container registry", "convox": None,
}  # fmt: skip
_PAIR = re.compile(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)")
_HARMLESS_CACHE = frozenset({"timeout", "branch", "edge"})


def discover(folder: Folder) -> tuple[str, ...]:
    """`.travis.yml` in the root."""
    return tuple(name for name in folder.walk() if "/" not in name and recognises(name))


def recognises(path: str) -> bool:
    """The path has Travis' name."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One file as facts. Raises InputError if it is not YAML, or no mapping."""
    from assess.evidence import Trigger
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import one_mapping, scalars

    reading = Reading(folder, path, NAME, depth="recognised", can_sign=False, directory="", one_shell=True)
    root = one_mapping(data, path, "configuration", reading)
    for one in scalars(root.get("import")):
        reading.include(one.source, one.text, "import", "unknown", False)
        reading.note(one.source, f"`{one.text[:80]}` is imported and was not read")
    triggers = (Trigger(root.source, "push", "maintainer"), Trigger(root.source, "pull_request", "contributor"))
    return reading.pipeline(root.source, "", [one.finish() for one in _jobs(reading, root)], triggers)


def _jobs(reading: Reading, root: Node) -> list[Draft]:
    """The job of the file itself, where it has one, and those that it lists; each stage waits for the one before."""
    from assess.pipelines._reader import MAX_JOBS
    from assess.pipelines._values import text

    listed = root.get("jobs") or root.get("matrix")
    include = listed if listed is not None and listed.kind == "sequence" else listed.get("include") if listed else None
    found: list[Draft] = []
    stages: dict[str, list[str]] = {}
    expands = any(root.get(key) is not None for key in _EXPANDING.split() if key != "env")
    if include is None or not include.value or expands or isinstance(_environments(root), list):
        found.append(_job(reading, root, root, "test"))
        stages["test"] = ["test"]
    stage = "test"
    for at, node in enumerate(include or ()):
        if node.kind != "mapping" or len(found) >= MAX_JOBS:
            reading.note(node.source, "a job is no mapping, or one too many")
            continue
        named = node.get("stage")
        stage = (text(named.get("name")) if named is not None and named.kind == "mapping" else text(named)) or stage
        name = text(node.get("name")) or f"job-{at + 1}"
        draft = _job(reading, root, node, f"{stage}/{name}" if stage != "test" or named is not None else name)
        if draft.id in {one.id for one in found}:
            draft.id = f"{draft.id} ({at + 1})"
        order = list(stages)
        before = (
            order[order.index(stage) - 1] if stage in stages and order.index(stage) else (order[-1] if order else "")
        )
        if stage not in stages or order.index(stage):
            draft.needs = tuple(stages.get(before, ())) if before != stage else ()
        stages.setdefault(stage, []).append(draft.id)
        found.append(draft)
    return found


def _environments(root: Node) -> list[Node] | None:
    """The rows of `env` that make jobs; None where it only sets variables for all."""
    env = root.get("env")
    return None if env is None else _environments_of(env)


def _environments_of(env: Node) -> list[Node] | None:
    rows = env if env.kind == "sequence" else env.get("jobs") or env.get("matrix")
    return list(rows) if rows is not None and rows.kind == "sequence" and len(rows.value) > 1 else None


def _job(reading: Reading, root: Node, node: Node, name: str) -> Draft:
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import Act
    from assess.pipelines._values import scalars, text, words

    draft = Draft(reading, node.source, name, runner="hosted")
    draft.condition = text(node.get("if"))
    parts = [" | ".join(words(node.get(key) or root.get(key))) for key in ("os", "dist", "arch")]
    draft.runner_label = ", ".join(one for one in parts if one) or None
    draft.variants = _variants(node) if node is root else 1
    for place in dict.fromkeys((root, node)):
        _env(draft, place.get("env"))
        for secure in _secure(place.get("env")):
            draft.secret(secure.source, "secure")
    _cache(draft, node.get("cache") or root.get("cache"))
    for service in scalars(node.get("services") or root.get("services")):
        if service.text != "docker":
            draft.image(service, "service")
    failing = ("after_success", "after_failure", "after_script", "after_deploy")
    for phase in _PHASES:
        written = node.get(phase) or (root.get(phase) if node.get(phase) is None else None)
        for command in scalars(written):
            if command.text not in {"true", "skip", "false", "ignore"}:
                draft.run(command, name=phase, tolerated=phase in failing)
    language = node.get("language") or root.get("language")
    if language is not None and language.text not in {"generic", "minimal", "sh", "shell", "bash"}:
        if node.get("script") is None and root.get("script") is None:
            draft.act(Act("code", f"default script of {language.text[:40]}", language.source))
    deploy = node.get("deploy") or root.get("deploy")
    for one in (deploy,) if deploy is not None and deploy.kind == "mapping" else deploy or ():
        _deploy(draft, one)
    return draft


def _variants(node: Node) -> int | None:
    count = 1
    for key in _EXPANDING.split():
        value = node.get(key)
        rows = (
            _environments(node) if key == "env" else value if value is not None and value.kind == "sequence" else None
        )
        if rows is not None:
            count *= max(len(list(rows)), 1)
    listed = node.get("jobs") or node.get("matrix")
    return None if listed is not None and listed.get("exclude") is not None else count


def _env(draft: Draft, env: Node | None) -> None:
    """Variables that are set for all; rows that make jobs differ, so that their values are not fixed."""
    from assess.pipelines._values import scalars, texts

    if env is None:
        return
    rows = _environments_of(env)
    for one in (env.get("global"), *(() if rows else (env,))):
        if one is None:
            continue
        draft.variables.update(
            {key: value for key, value in texts(one).items() if key not in {"global", "jobs", "matrix"}}
        )
        for item in one:
            draft.variables.update({key: value for key, value in texts(item).items() if key != "secure"})
        for scalar in scalars(one):
            for name, value in _PAIR.findall(scalar.text):
                draft.variables[name] = value.strip("\"'")
    for row in rows or ():
        draft.defined.update(key.text for key, _ in row.items())
        draft.defined.update(name for name, _ in _PAIR.findall(row.text))


def _secure(node: Node | None, depth: int = 0) -> list[Node]:
    """Every `secure:` below a value."""
    if node is None or depth > 6:
        return []
    found = [value for key, value in node.items() if key.text == "secure"]
    for _, value in node.items():
        found += _secure(value, depth + 1)
    for one in node:
        found += _secure(one, depth + 1)
    return found


def _cache(draft: Draft, cache: Node | None) -> None:
    from assess.pipelines._values import scalars

    if cache is None or cache.value is False:
        return
    if cache.kind == "mapping":
        for key, value in cache.items():
            if value.value is not False and key.text not in _HARMLESS_CACHE:
                draft.cache(key.source, f"cache {key.text}", None, True, True, None)
        return
    for one in scalars(cache):
        draft.cache(one.source, f"cache {one.text}", None, True, True, None)


def _deploy(draft: Draft, node: Node) -> None:
    from assess.evidence import Step
    from assess.pipelines._facts import Act
    from assess.pipelines._values import inputs_of, scalars, text, texts
    from assess.pipelines.drone import condition_of

    provider = node.get("provider") if node.kind == "mapping" else node
    if provider is None or node.get("skip_deploy") is not None:
        return
    name = provider.text
    on = node.get("on")
    condition = f"deploy on {condition_of(on)}" if on is not None else "deploy"
    for secure in _secure(node):
        draft.secret(secure.source, f"{name} secure", "publish-token")
    for value in texts(node).values():
        draft.secrets_in(value, node.source)
    if name == "script":
        for script in scalars(node.get("script")):
            draft.run(script, name="deploy", condition=condition)
        return
    target = _TARGETS.get(name, "")
    acts: tuple[Act, ...] = (Act("publish", f"deploy {name}", provider.source, target),) if target else ()
    if target == "":
        acts = (
            Act("unread", f"deploy {name}", provider.source, note=f"what deploying to `{name[:60]}` does is not known"),
        )
    step = Step(
        source=node.source,
        name="deploy",
        uses=f"deploy {name}",
        inputs=inputs_of({"file": text(node.get("file")) or ""}),
    )
    draft.step(step, acts, texts(node).values(), condition)
