"""What Buildkite's plugins and agent commands bring to a step."""

from __future__ import annotations

import re

from assess._yaml import Node
from assess.evidence import Identity, Interval, Source, Step
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act, Offer
from assess.pipelines._reader import Reading
from assess.pipelines._shell import commands
from assess.pipelines._tools import CONTAINER
from assess.pipelines._values import Pin, inputs_of, ref_pin, scalars, text, texts, words

PROVENANCE = Offer(
    "generate-provenance-attestation", Interval(1, 1), signed=False, by_digest=True, covers="files",
    note="the plugin signs with a key that is published in its own source, so that the signature proves nothing",
)  # fmt: skip
_KNOWN = """
shellcheck junit-annotate test-collector plugin-linter plugin-tester ossf-scorecard ecr-scan-results
test-summary mise asdf golang-install nvm annotate queue-metadata step-summary docker-login ecr
gcp-workload-identity-federation aws-assume-role aws-assume-role-with-web-identity aws-ssm aws-sm secrets
vault-secrets vault-env seek-oss/aws-sm detect-clowns file-counter slack-notify github-commit-status codecov
sonarqube snyk trivy grype wiz git-ssh-checkout sparse-checkout git-shallow-clone log-level metadata-env
ansi-annotate diff-annotate image-scan rubocop eslint-annotate test-engine-client
"""
_HARMLESS = frozenset(_KNOWN.split())
_AGENT = frozenset({"buildkite-agent", "buildkite-agent.exe"})


def read_plugins(reading: Reading, draft: Draft, plugins: Node | None) -> None:
    """The plugins of a step: a list of names or of mappings, or one mapping."""
    if plugins is None:
        return
    found: list[tuple[Node, Node | None]] = list(plugins.items())
    for one in plugins:
        found += [(one, None)] if one.kind == "scalar" else list(one.items())
    for key, config in found:
        _plugin(reading, draft, key, config)


def plugin_name(reference: str) -> tuple[str, str | None]:
    """(short name, version) of a reference: `docker#v5.8.0`, `org/name#v1`, a URL, `./local`."""
    name, at, version = reference.partition("#")
    if name.startswith(("http", "ssh", "git@", "file:")):
        name = name.rstrip("/").removesuffix(".git").rpartition("/")[2]
    return name.removesuffix("-buildkite-plugin").rpartition("/")[2], version if at else None


def plugin_pin(reference: str) -> Pin:
    """Tags of plugins can be moved but seldom are; none is the plugin's default branch."""
    return "local" if reference.startswith(("./", ".buildkite/")) else ref_pin(reference.partition("#")[2])


def _plugin(reading: Reading, draft: Draft, key: Node, config: Node | None) -> None:
    reference, place = key.text, key.source
    name, _ = plugin_name(reference)
    pin = plugin_pin(reference)
    reading.include(place, reference, "plugin", pin, None if pin == "local" else False)
    before = len(draft.acts)
    acts = _acts(draft, name, config, place)
    does = tuple(dict.fromkeys(act.does for act in draft.acts[before:]))
    if acts is None:
        note = None if pin == "local" else f"what the plugin `{reference[:80]}` does is not known"
        acts = () if pin == "local" else (Act("unread", reference, place, note=note),)
        if pin == "local":
            reading.note(place, f"the local plugin `{reference[:80]}` was not read")
            acts = (Act("unread-script", reference, place),)
    draft.step(Step(source=place, uses=reference, pinned=pin, inputs=inputs_of(texts(config)), does=does), acts)


def _acts(draft: Draft, name: str, config: Node | None, place: Source) -> tuple[Act, ...] | None:
    match name:
        case "docker":
            if config is not None and (image := config.get("image")) is not None:
                draft.image(image, "job")
            return ()
        case "docker-compose":
            return _compose(draft, config, place)
        case "kubernetes":
            _pod(draft, config)
            return ()
        case "artifacts":
            _artifacts(draft, config)
            return ()
        case "cache" | "s3-cache" | "hosted-cache" | "docker-cache" | "docker-ecr-cache" | "docker-ecr-publish":
            draft.cache(place, name, None, True, True, None)
            published = name == "docker-ecr-publish"
            built = (Act("build", name, place), Act("publish", name, place, CONTAINER)) if published else ()
            return (Act("build", name, place),) if name == "docker-ecr-cache" else built
        case "generate-provenance-attestation":
            return (Act("attest", name, place, offer=PROVENANCE),)
        case "publish-to-packages":
            draft.take(place, name, ", ".join(words(config.get("artifacts"))) or None if config is not None else None)
            return (Act("publish", name, place, "Buildkite Packages"),)
        case "docker-image-push" | "docker-push":
            return (Act("publish", name, place, CONTAINER),)
        case "cosign":
            return (Act("sign", name, place, note="a signature of an image is not provenance"),)
        case "monorepo-diff" | "dynamic-pipeline" | "terraform":
            return (Act("unread", name, place, note=f"`{name}` may upload steps that are not in this file"),)
    if name not in _HARMLESS:
        return None
    _credentials(draft, name, config, place)
    return ()


def _credentials(draft: Draft, name: str, config: Node | None, place: Source) -> None:
    """Identities and secrets that a plugin fetches."""
    if name.startswith(("aws-assume-role-with", "gcp-workload-identity")):
        asked = text(config.get("audience")) if config is not None else None
        draft.identities[Identity(place, asked or ("sts.amazonaws.com" if name.startswith("aws") else None))] = None
    if config is None:
        return
    for key in ("parameters", "env", "variables", "secrets"):
        section = config.get(key)
        if section is None:
            continue
        for one, value in section.items():
            draft.secret(one.source, one.text if value.kind == "scalar" else (text(value.get("env")) or one.text))
        for one in section:
            named = one if one.kind == "scalar" else one.get("env") or one.get("key") or one.get("path")
            if named is not None:
                draft.secret(named.source, named.text)
    for key in ("password-env", "password"):
        if (password := config.get(key)) is not None:
            draft.secret(password.source, password.text.strip("${}"), "publish-token")


def _compose(draft: Draft, config: Node | None, place: Source) -> tuple[Act, ...]:
    """`docker-compose`: runs, builds or pushes services of a file that is not read here."""
    draft.images_unknown = True
    acts: list[Act] = []
    if config is not None:
        if config.get("build") is not None:
            acts.append(Act("build", "docker-compose", place))
        if config.get("push") is not None:
            acts.append(Act("publish", "docker-compose", place, CONTAINER))
        if config.get("run") is not None:
            acts.append(Act("code", "docker-compose run", place))
        if (cached := config.get("cache-from")) is not None:
            draft.cache(cached.source, "docker-compose cache-from", None, True, False, None)
    return tuple(acts)


def _pod(draft: Draft, config: Node | None) -> None:
    pod = config.get("podSpec") if config is not None else None
    for at, container in enumerate((pod.get("containers") if pod is not None else None) or ()):
        if (image := container.get("image")) is not None:
            draft.image(image, "job" if at == 0 else "service")


def _artifacts(draft: Draft, config: Node | None) -> None:
    if config is None:
        return
    for one in _paths(config.get("download")):
        step, build = text(config.get("step")), config.get("build")
        draft.take(one.source, "artifacts", one.text, step, build is not None)
    for one in _paths(config.get("upload")):
        draft.give(one.source, "artifacts", one.text)


def _paths(node: Node | None) -> tuple[Node, ...]:
    found = list(scalars(node))
    for one in (*(node or ()), *((node,) if node is not None and node.kind == "mapping" else ())):
        if (path := one.get("from")) is not None:
            found.append(path)
    return tuple(found)


def agent_commands(draft: Draft, script: str, first: Source) -> None:
    """What a script asks of the Buildkite agent: artifacts, OIDC tokens, secrets, further steps."""
    if "buildkite-agent" not in script:
        return
    for command in commands(script) or ():
        if command.program not in _AGENT:
            continue
        line = None if first.line is None else first.line + command.line
        place = Source(first.path, line)
        plain = [word for word in command.words[1:] if not word.startswith("-")]
        match plain[:2]:
            case ["artifact", "download"]:
                step, build = _option(command.words, "--step"), _option(command.words, "--build")
                name = plain[2] if len(plain) > 2 else None
                draft.take(place, "buildkite-agent artifact download", name, step, build is not None)
            case ["artifact", "upload"]:
                draft.give(place, "buildkite-agent artifact upload", plain[2] if len(plain) > 2 else "*")
            case ["oidc", "request-token"]:
                draft.identities[Identity(place, _option(command.words, "--audience"))] = None
            case ["secret", "get"] if len(plain) > 2:
                draft.secret(place, plain[2])
            case ["pipeline", "upload"]:
                _upload(draft, plain[2] if len(plain) > 2 and command.piped_from is None else None, place)
            case _:
                pass


def _upload(draft: Draft, name: str | None, place: Source) -> None:
    """Steps that are added while the pipeline runs: from a file of this repository, or made by a script."""
    reading = draft.reading
    if name is not None and re.fullmatch(r"[\w./-]+\.ya?ml", name) and not name.startswith("/"):
        reading.include(place, name, "pipeline", "local", reading.folder.peek(name, 1) is not None)
        return
    draft.act(Act("unread", "buildkite-agent pipeline upload", place, note="adds steps that are not in this file"))


def _option(command: tuple[str, ...], name: str) -> str | None:
    for at, word in enumerate(command):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name and at + 1 < len(command):
            return command[at + 1]
    return None
