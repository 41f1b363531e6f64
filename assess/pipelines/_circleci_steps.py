"""The steps of a CircleCI job: commands, caches, workspaces, reusable commands, and what is known of orbs."""

from __future__ import annotations

import re

from assess._yaml import Node
from assess.evidence import Identity, Source, Step
from assess.pipelines._circleci_config import Config, Scope, environment_of, fill, given, layers, orb_pin, scope_of
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act, Does
from assess.pipelines._tools import CONTAINER
from assess.pipelines._values import first_line, inputs_of, scalars, text, texts

MAX_DEPTH = 12
_AUDIENCE = re.compile(r"circleci\s+run\s+oidc\s+get\b[^\n]*?[\"']aud\\?[\"']\s*:\s*\\?[\"']([^\"'\\]+)")
_OIDC = re.compile(r"\bCIRCLE_OIDC_TOKEN(?:_V2)?\b|circleci\s+run\s+oidc\s+get\b")

_BUILDS_IMAGE: tuple[tuple[Does, str | None], ...] = (("build", None), ("publish", CONTAINER))
ORBS: dict[str, tuple[tuple[Does, str | None], ...]] = {
    "circleci/docker publish": _BUILDS_IMAGE,
    "circleci/docker build": (("build", None),),
    "circleci/docker push": (("publish", CONTAINER),),
    "circleci/docker check": (),
    "circleci/docker hadolint": (),
    "circleci/docker dockerlint": (),
    "circleci/docker install-docker": (),
    "circleci/docker install-docker-credential-helper": (),
    "circleci/docker install-dockerize": (),
    "circleci/docker pull": (),
    "circleci/aws-ecr build_and_push_image": _BUILDS_IMAGE,
    "circleci/aws-ecr build-and-push-image": _BUILDS_IMAGE,
    "circleci/aws-ecr build_image": (("build", None),),
    "circleci/aws-ecr build-image": (("build", None),),
    "circleci/aws-ecr push_image": (("publish", CONTAINER),),
    "circleci/aws-ecr push-image": (("publish", CONTAINER),),
    "circleci/aws-ecr ecr_login": (),
    "circleci/gcp-gcr build-and-push-image": _BUILDS_IMAGE,
    "circleci/gcp-gcr build-image": (("build", None),),
    "circleci/gcp-gcr push-image": (("publish", CONTAINER),),
    "circleci/gcp-gcr gcr-auth": (),
    "circleci/azure-acr build-and-push-image": _BUILDS_IMAGE,
    "circleci/heroku deploy-via-git": (),
    "circleci/aws-cli setup": (),
    "circleci/aws-cli install": (),
    "circleci/aws-cli role-arn-setup": (),
    "circleci/aws-s3 copy": (),
    "circleci/aws-s3 sync": (),
    "circleci/gcp-cli setup": (),
    "circleci/gcp-cli install": (),
    "circleci/gcp-cli initialize": (),
    "circleci/github-cli setup": (),
    "circleci/github-cli install": (),
    "circleci/slack notify": (),
    "circleci/slack on-hold": (),
    "circleci/node install": (),
    "circleci/node install-packages": (("code", None), ("cache", None)),
    "circleci/node test": (("code", None), ("cache", None)),
    "circleci/node run": (("code", None), ("cache", None)),
    "circleci/python install-packages": (("code", None), ("cache", None)),
    "circleci/python test": (("code", None), ("cache", None)),
    "circleci/ruby install": (),
    "circleci/ruby install-deps": (("code", None), ("cache", None)),
    "circleci/go install": (),
    "circleci/go load-cache": (("cache", None),),
    "circleci/go save-cache": (),
    "circleci/go mod-download": (),
    "circleci/go mod-download-cached": (("cache", None),),
    "circleci/go test": (("code", None),),
    "circleci/rust install": (),
    "circleci/rust build": (("build", None), ("cache", None)),
    "circleci/rust test": (("code", None),),
    "circleci/rust clippy": (("code", None),),
    "circleci/rust format": (),
    "circleci/maven with_cache": (("code", None), ("cache", None)),
    "circleci/maven test": (("code", None), ("cache", None)),
    "circleci/gradle test": (("code", None), ("cache", None)),
    "circleci/orb-tools lint": (),
    "circleci/orb-tools pack": (("build", None),),
    "circleci/orb-tools review": (),
    "circleci/orb-tools publish": (("publish", "CircleCI orb registry"),),
    "circleci/orb-tools continue": (("unread", None),),
    "circleci/shellcheck check": (),
    "circleci/shellcheck install": (),
    "circleci/jq install": (),
    "circleci/helm install-helm-client": (),
    "circleci/kubernetes install-kubectl": (),
    "circleci/browser-tools install-chrome": (),
    "circleci/browser-tools install-chromedriver": (),
    "circleci/browser-tools install-browser-tools": (),
    "circleci/browser-tools install-firefox": (),
    "codecov/codecov upload": (),
    "coveralls/coveralls upload": (),
    "cypress-io/cypress run": (("code", None), ("cache", None)),
    "cypress-io/cypress install": (("code", None), ("cache", None)),
    "snyk/snyk scan": (),
    "twdps/cosign sign": (("sign", None),),
}
"""What the commands and jobs of common orbs do; all others are not read."""


def read_steps(
    config: Config, draft: Draft, steps: Node | None, scope: Scope, when: str | None = None, depth: int = 0
) -> None:
    """All steps of a list; reusable commands become the steps that they hold."""
    steps = given(steps, scope)
    if steps is None:
        return
    if steps.kind != "sequence":
        config.reading.note(steps.source, "steps are not a list, or not known here")
        draft.act(Act("unread", "steps", steps.source))
        return
    for node in steps:
        if node.kind == "scalar":
            known = given(node, scope)
            if known is not None and known.kind == "sequence":
                read_steps(config, draft, known, scope, when, depth + 1)
            else:
                _step(config, draft, node, node.text, None, scope, when, depth)
            continue
        for key, value in node.items():
            _step(config, draft, key, key.text, value, scope, when, depth)
        if node.kind == "sequence":
            read_steps(config, draft, node, scope, when, depth + 1)


def _step(
    config: Config, draft: Draft, key: Node, name: str, value: Node | None, scope: Scope, when: str | None, depth: int
) -> None:
    place = key.source
    match name:
        case "checkout":
            draft.step(Step(source=place, uses="checkout"), (Act("checkout", "checkout", place),))
        case "run" | "deploy":
            _run(config, draft, key, value, scope, when)
        case "restore_cache" | "save_cache":
            _cache(draft, place, name, value, scope)
        case "persist_to_workspace":
            for one in scalars(value.get("paths") if value is not None else None):
                draft.give(place, name, one.text)
            draft.step(Step(source=place, uses=name, does=("upload",)))
        case "attach_workspace":
            before = draft.needs[0] if len(draft.needs) == 1 else None
            draft.take(place, name, None, before, False, "workspace")
            draft.step(Step(source=place, uses=name, does=("download",)))
        case "store_artifacts" | "store_test_results" | "add_ssh_keys" | "setup_ssh":
            draft.step(Step(source=place, uses=name))
            if name == "add_ssh_keys":
                draft.secret(place, "ssh-key")
        case "setup_remote_docker":
            caching = value.get("docker_layer_caching") if value is not None else None
            draft.step(Step(source=place, uses=name))
            if caching is not None:
                layers(draft, caching, scope)
        case "steps":
            read_steps(config, draft, value, scope, when, depth + 1)
        case "when" | "unless":
            if value is not None:
                condition = value.get("condition")
                text_of = f"{name} {shown(condition)}"
                both = f"{when} and {text_of}" if when else text_of
                read_steps(config, draft, value.get("steps"), scope, both, depth + 1)
        case _:
            _reusable(config, draft, key, name, value, scope, when, depth)


def shown(node: Node | None) -> str:
    """A condition in one line."""
    if node is None:
        return ""
    if node.kind == "scalar":
        return node.text
    if node.kind == "sequence":
        return "[" + ", ".join(shown(one) for one in node) + "]"
    return ", ".join(f"{key.text}: {shown(value)}" for key, value in node.items())


def _run(config: Config, draft: Draft, key: Node, value: Node | None, scope: Scope, when: str | None) -> None:
    command = value if value is None or value.kind == "scalar" else value.get("command")
    if value is None or command is None:
        config.reading.note(key.source, "a run step has no command")
        return
    named = value.get("name") if value.kind == "mapping" else None
    at = text(value.get("when")) if value.kind == "mapping" else None
    condition = " and ".join(one for one in (when, f"when {at}" if at not in {None, "on_success"} else None) if one)
    script = fill(command.text, scope).replace("\\<<", "<<")
    variables = environment_of(value.get("environment"), scope)
    shown_as = fill(named.text, scope) if named is not None else None
    draft.run(command, variables, shown_as, condition or None, text=script, source=key.source,
              directory=_folder(value, scope))  # fmt: skip
    identities(draft, script, first_line(command))


def _folder(value: Node, scope: Scope) -> str | None:
    where = text(value.get("working_directory"))
    return None if where is None else fill(where, scope).removeprefix("./")


def identities(draft: Draft, script: str, first: Source) -> None:
    """OIDC tokens that commands use, with their audience where one is asked for."""
    for match in _OIDC.finditer(script):
        line = None if first.line is None else first.line + script.count("\n", 0, match.start())
        asked = _AUDIENCE.match(script, match.start())
        draft.identities[Identity(Source(first.path, line), asked.group(1) if asked else None)] = None


def _cache(draft: Draft, place: Source, name: str, value: Node | None, scope: Scope) -> None:
    restores = name == "restore_cache"
    keys = [
        fill(one.text, scope)
        for key in ("key", "keys")
        for one in scalars(value.get(key) if value is not None else None)
    ]
    draft.cache(place, name, keys[0] if keys else None, restores, not restores, True)
    draft.step(Step(source=place, uses=name, does=("cache",) if restores else ()))


def _reusable(
    config: Config, draft: Draft, key: Node, name: str, value: Node | None, scope: Scope, when: str | None, depth: int
) -> None:
    definition = config.commands.get(name)
    if definition is not None and depth < MAX_DEPTH:
        inner = scope_of(definition, value, scope)
        read_steps(config, draft, definition.get("steps"), inner, when, depth + 1)
        return
    orb = config.orb_of(name)
    if orb is not None:
        draft.step(*orb_call(config, key, name, value, scope), condition=when)
        if orb[1] in {"continue"}:
            config.reading.note(key.source, "continues with a configuration that is made while it runs")
        for nested in ("steps", "after_install", "with_cache"):
            if value is not None and (inside := value.get(nested)) is not None and inside.kind == "sequence":
                read_steps(config, draft, inside, scope, when, depth + 1)
        return
    note = f"the step `{name[:60]}` is not defined here" if definition is None else "commands are nested too deeply"
    draft.step(Step(source=key.source, uses=name), (Act("unread", name, key.source, note=note),), (), when)


def orb_call(config: Config, key: Node, name: str, value: Node | None, scope: Scope) -> tuple[Step, tuple[Act, ...]]:
    """A command or job of an orb as a step with what it is known to do."""
    orb = config.orb_of(name) or (name, "")
    alias = name.rpartition("/")[0]
    reference = config.orbs.get(alias, name)
    known = ORBS.get(" ".join(orb))
    acts = tuple(Act(does, name, key.source, target) for does, target in known or ())
    if known is None:
        acts = (Act("unread", name, key.source, note=f"what `{name[:80]}` of an orb does is not known"),)
    inputs = {one: fill(written, scope) for one, written in texts(value).items()}
    step = Step(source=key.source, uses=f"{orb[0]}/{orb[1]}@{reference.partition('@')[2]}", pinned=orb_pin(reference),
                inputs=inputs_of(inputs))  # fmt: skip
    return step, acts
