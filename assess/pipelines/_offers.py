"""Actions and reusable workflows whose meaning depends on their inputs and version, above all what makes provenance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from assess.evidence import Interval, Source
from assess.pipelines._actions import HARMLESS, PLAIN
from assess.pipelines._facts import Act, Offer
from assess.pipelines._tools import (
    CONTAINER,
    GITHUB_RELEASE,
    IN_TOTO,
    PUBLISH_NOTE,
    WITNESS,
    buildkit,
    goreleaser,
    npm_flagged,
    npm_offer,
    npm_token,
)

Pin: TypeAlias = Literal["digest", "tag", "branch", "local", "unknown"]

_HEX = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_VERSION = re.compile(r"v?(\d{1,9})(?:\.\d{1,9})*(?:[-+._][0-9A-Za-z.+-]+)?\Z")
_FULL_VERSION = re.compile(r"v\d+\.\d+\.\d+\Z")
_SLSA = re.compile(
    r"slsa-framework/slsa-github-generator/\.github/workflows/((builder|generator|delegator)_[\w-]+)\.ya?ml\Z"
)
_LOOK_ALIKE = re.compile(r"/slsa-github-generator/\.github/workflows/")
_HEAD = re.compile(
    r"github\.event\.pull_request\.(?:head|merge_commit_sha)|github\.head_ref|refs/pull/|pull/\$"
    r"|github\.event\.workflow_run\.head_|\bpull/.+/(?:head|merge)"
)


@dataclass(frozen=True, slots=True)
class Use:
    """One `uses:`: `name` in lower case without the ref, `ref` as written, `comment` what follows `#` on its line."""

    text: str
    name: str
    ref: str | None
    inputs: Mapping[str, str]
    environment: Mapping[str, str]
    source: Source
    comment: str = ""

    @property
    def major(self) -> int | None:
        """The major version: of the tag, or of the comment beside a digest; None if neither tells."""
        for text in (self.ref or "", self.comment.split(" ")[0]):
            if not _HEX.match(text) and (match := _VERSION.match(text.rpartition("/")[2])):
                return int(match.group(1))
        return None

    def on(self, name: str) -> bool:
        """The input is literally true."""
        return self.inputs.get(name, "").strip().lower() == "true"

    def off(self, name: str) -> bool:
        """The input is literally false."""
        return self.inputs.get(name, "").strip().lower() == "false"


def split(uses: str) -> tuple[str, str | None]:
    """(name in lower case, ref) of a remote `uses`."""
    name, at, ref = uses.partition("@")
    return name.lower().rstrip("/"), ref if at else None


def pin(uses: str) -> Pin:
    """How firmly a `uses` names its content; no ref, or an image without tag, counts as a branch."""
    if uses.startswith(("./", "$/", "../")):
        return "local"
    if "${{" in uses:
        return "unknown"
    if uses.startswith("docker://"):
        name = uses.removeprefix("docker://")
        if "@sha256:" in name:
            return "digest"
        return "tag" if ":" in name.rpartition("/")[2] and not name.endswith(":latest") else "branch"
    _, ref = split(uses)
    if not ref:
        return "unknown"
    if _HEX.match(ref):
        return "digest"
    return "tag" if _VERSION.match(ref) else "branch"


def action(use: Use) -> tuple[Act, ...] | None:
    """What an action does; None if it is not one we know."""
    found = _special(use)
    if found is not None:
        return found
    if use.name in HARMLESS:
        return ()
    plain = PLAIN.get(use.name)
    if plain is None:
        return None
    if use.on("lookup-only"):
        return ()
    return tuple(Act(does, use.name, use.source, target) for does, target in plain)


def _special(use: Use) -> tuple[Act, ...] | None:
    match use.name:
        case "actions/checkout":
            return _checkout(use)
        case "actions/download-artifact" | "dawidd6/action-download-artifact":
            acts = (Act("download", use.name, use.source),)
            if use.name == "actions/download-artifact" and not use.inputs.get("run-id"):
                return acts
            return (*acts, Act("untrusted", use.name, use.source, note="takes artifacts of another run", sure=False))
        case "actions/attest" | "actions/attest-build-provenance":
            return _attest(use)
        case "docker/build-push-action" | "docker/bake-action":
            return _docker(use)
        case "goreleaser/goreleaser-action":
            return () if use.on("install-only") else goreleaser(use.inputs.get("args", ""), use.source)
        case "pypa/gh-action-pypi-publish":
            test = "test.pypi.org" in use.inputs.get("repository-url", "") + use.inputs.get("repository_url", "")
            note = "publish attestations are off" if use.off("attestations") else PUBLISH_NOTE
            return (Act("publish", use.name, use.source, "TestPyPI" if test else "PyPI", note=note),)
        case "changesets/action" | "js-devtools/npm-publish" | "cycjimmy/semantic-release-action":
            if use.name == "changesets/action" and not use.inputs.get("publish"):
                return ()
            flagged = npm_flagged(use.environment) or use.on("provenance")
            return (Act("publish", use.name, use.source, "npm", npm_offer(flagged, npm_token(use.environment))),)
        case "philips-labs/slsa-provenance-action":
            offer = Offer(use.name, Interval(1, 1), signed=False, note="its provenance is unsigned")
            return (Act("attest", use.name, use.source, offer=offer),)
        case "testifysec/witness-run-action":
            return (Act("code", use.name, use.source), Act("attest", use.name, use.source, offer=WITNESS))
        case "in-toto/github-action":
            keys = (Act("key", use.name, use.source),) if use.inputs.get("private-key") else ()
            return (Act("code", use.name, use.source), Act("attest", use.name, use.source, offer=IN_TOTO), *keys)
        case _:
            return _cache(use)


def _cache(use: Use) -> tuple[Act, ...] | None:
    """Set-up actions that restore a cache, by default or when asked."""
    major = use.major
    asked: bool | None
    match use.name:
        case "actions/setup-go":
            asked = False if use.off("cache") else True if use.on("cache") else None if major is None else major >= 4
        case "actions/setup-node":
            automatic = None if major is None or major >= 5 else False
            asked = bool(use.inputs.get("cache")) or (False if use.off("package-manager-cache") else automatic)
        case "actions/setup-python" | "actions/setup-java":
            asked = bool(use.inputs.get("cache"))
        case "ruby/setup-ruby":
            asked = use.on("bundler-cache")
        case "pnpm/action-setup":
            asked = use.on("cache")
        case "astral-sh/setup-uv":
            sure = use.on("enable-cache") or (major is not None and major >= 6)
            asked = False if use.off("enable-cache") else True if sure else None
        case "gradle/actions/setup-gradle" | "gradle/gradle-build-action":
            asked = not use.on("cache-disabled")
        case "golangci/golangci-lint-action":
            asked = not use.on("skip-cache")
        case "actions-rust-lang/setup-rust-toolchain" | "jdx/mise-action":
            asked = not use.off("cache")
        case "bazel-contrib/setup-bazel":
            asked = any(
                use.inputs.get(name, "false") != "false"
                for name in ("disk-cache", "repository-cache", "bazelisk-cache")
            )
        case _:
            return None
    code = (Act("code", use.name, use.source),) if use.name == "golangci/golangci-lint-action" else ()
    return code if asked is False else (*code, Act("cache", use.name, use.source, sure=asked is True))


def _checkout(use: Use) -> tuple[Act, ...]:
    acts = (Act("checkout", use.name, use.source),)
    where = use.inputs.get("ref", "") + " " + use.inputs.get("repository", "")
    refuses = use.major is not None and use.major >= 7 and not use.on("allow-unsafe-pr-checkout")
    if not _HEAD.search(where) or refuses:
        return acts
    return (
        *acts,
        Act("untrusted", use.name, use.source, note=f"checks out what somebody proposed ({where.strip()[:80]})"),
    )


def names_head(text: str) -> bool:
    """The text names the head of a pull request or of the run that triggered this one."""
    return _HEAD.search(text) is not None


def _attest(use: Use) -> tuple[Act, ...]:
    kind = use.inputs.get("predicate-type", "")
    written = bool(use.inputs.get("predicate") or use.inputs.get("predicate-path") or kind)
    if use.inputs.get("sbom-path"):
        return (Act("sbom", use.name, use.source),)
    slsa = kind.startswith("https://slsa.dev/provenance") or "${{" in kind or not kind
    if written and not slsa:
        return (Act("attest", use.name, use.source, note=f"attests {kind[:80]}, which is not provenance"),)
    image = bool(use.inputs.get("subject-name") and (use.inputs.get("subject-digest") or use.on("push-to-registry")))
    offer = Offer(
        use.name, Interval(1, 1) if written else Interval(2, 2), signed=True, keyless=True, distributed=True,
        authored_by_tenant=written, records_parameters=False, by_digest=True,
        covers=CONTAINER if image else "files" if use.inputs.get("subject-path") else None,
        note="the predicate is written by the pipeline's own steps" if written else None,
    )  # fmt: skip
    return (Act("attest", use.name, use.source, offer=offer),)


def _docker(use: Use) -> tuple[Act, ...]:
    inputs = use.inputs
    outputs = inputs.get("outputs", "") + inputs.get("set", "")
    asked = inputs.get("push", "").strip().lower()
    pushes = (asked not in {"", "false"}) or "push=true" in outputs or "type=registry" in outputs
    local = use.on("load") or "type=docker" in outputs or "type=local" in outputs
    tags = [tag for tag in re.split(r"[\s,]+", inputs.get("tags", "")) if tag]
    if tags and all(tag.startswith(("localhost", "127.0.0.1", "ttl.sh/")) for tag in tags):
        pushes = False
    attest = tuple(inputs.get("attests", "").split("\n")) if inputs.get("attests") else ()
    acts = [Act("build", use.name, use.source)]
    acts += buildkit(
        inputs.get("provenance"), pushes, use.name, use.source, use.environment, attest=attest, loads=local
    )
    if inputs.get("cache-from") or "cache-from" in inputs.get("set", ""):
        acts.append(Act("cache", f"{use.name} cache-from", use.source))
    return tuple(acts)


def workflow(use: Use) -> tuple[Act, ...] | None:
    """What a reusable workflow of somebody else's does; None if it is not one we know."""
    if (found := _SLSA.match(use.name)) is not None:
        return _generator(use, found.group(1), found.group(2))
    offer: Offer | None = None
    match use.name.removesuffix(".yml").removesuffix(".yaml"):
        case "docker/github-builder/.github/workflows/build" | "docker/github-builder/.github/workflows/bake":
            pushed = not use.off("push")
            offer = Offer(use.name, Interval(1, 3), signed=None if not pushed else not use.off("sign"), keyless=True,
                          distributed=pushed or None, isolated=True, by_digest=True, covers=CONTAINER)  # fmt: skip
            acts = [Act("build", use.name, use.source), Act("attest", use.name, use.source, offer=offer)]
            return tuple([*acts, Act("publish", use.name, use.source, CONTAINER)] if pushed else acts)
        case "bazel-contrib/.github/.github/workflows/release_ruleset":
            target = GITHUB_RELEASE
        case "bazel-contrib/publish-to-bcr/.github/workflows/publish":
            target = "Bazel Central Registry"
        case "jreleaser/release-action/.github/workflows/builder_slsa3":
            known = re.fullmatch(r"v\d+\.\d+\.\d+-java", use.ref or "") is not None
            level = Interval(3, 3) if known else Interval(1, 1)
            offer = Offer(
                use.name, level, signed=True, keyless=True, isolated=True, records_parameters=True, by_digest=True
            )
            return (Act("build", use.name, use.source), Act("attest", use.name, use.source, offer=offer))
        case _:
            return None
    offer = Offer(use.name, Interval(2, 3), signed=True, keyless=True, distributed=True, isolated=True, by_digest=True)
    return (Act("build", use.name, use.source), Act("attest", use.name, use.source, offer=offer),
            Act("publish", use.name, use.source, target))  # fmt: skip


def look_alike(use: Use) -> bool:
    """A fork of slsa-github-generator: same file names, not the recognised platform."""
    return _LOOK_ALIKE.search("/" + use.name) is not None


def _generator(use: Use, name: str, kind: str) -> tuple[Act, ...]:
    """slsa-github-generator: only a full release tag is accepted by its verifier."""
    ref = use.ref or ""
    level, generated, note = Interval(3, 3), True, None
    maybe: bool | None = generated
    if not _FULL_VERSION.match(ref):
        level = Interval(1, 1)
        note = f"{name} at {ref[:60]!r}: its verifier accepts full release tags (vX.Y.Z) only"
        if _HEX.match(ref):
            level, maybe = Interval(0, 1), None
            note = f"{name} at a digest: build or verification fails, it must be named by tag vX.Y.Z"
    elif tuple(int(part) for part in ref[1:].split(".")[:2]) < (1, 10):
        note = f"{name} {ref}: releases before v1.10.0 no longer work (Sigstore's trusted root changed)"
    container = name.startswith("generator_container")
    builds = kind == "builder"
    uploads = not use.off("upload-assets") if builds else use.on("upload-assets")
    publishes = builds and uploads and ("_go_" in name or "container-based" in name)
    offer = Offer(
        f"slsa-github-generator/{name}.yml", level, generated=maybe, signed=True, keyless=True,
        distributed=True if container or publishes or (uploads and not builds) else None,
        isolated=builds, separate=not builds,
        records_parameters=True, by_digest=True, covers=CONTAINER if container else "files",
        optional=use.on("continue-on-error"), note=note,
    )  # fmt: skip
    acts = [Act("build", name, use.source)] if builds else []
    acts.append(Act("attest", name, use.source, offer=offer, optional=offer.optional))
    if publishes:
        acts.append(Act("publish", name, use.source, GITHUB_RELEASE))
    return tuple(acts)
