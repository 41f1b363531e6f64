"""Actions and reusable workflows whose meaning depends on their inputs and version, above all what makes provenance."""

from __future__ import annotations

import re
from dataclasses import replace

from assess.evidence import Interval
from assess.pipelines._actions import HARMLESS, PLAIN
from assess.pipelines._facts import Act, Offer
from assess.pipelines._github_caches import act_of, cache_use, has_rule
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
from assess.pipelines._uses import HEX, Use

_FULL_VERSION = re.compile(r"v\d+\.\d+\.\d+\Z")
_SLSA = re.compile(
    r"slsa-framework/slsa-github-generator/\.github/workflows/((builder|generator|delegator)_[\w-]+)\.ya?ml\Z"
)
_LOOK_ALIKE = re.compile(r"/slsa-github-generator/\.github/workflows/")
_HEAD = re.compile(
    r"github\.event\.pull_request\.(?:head|merge_commit_sha)|github\.head_ref|refs/pull/|pull/\$"
    r"|github\.event\.workflow_run\.head_|\bpull/.+/(?:head|merge)"
)


def action(use: Use) -> tuple[Act, ...] | None:
    """What an action does; None if it is not one we know."""
    found = _special(use)
    if found is None and (plain := PLAIN.get(use.name)) is not None:
        found = tuple(Act(does, use.name, use.source, target) for does, target in plain)
    if found is None and (use.name in HARMLESS or has_rule(use)):
        found = ()
    return None if found is None else (*found, *act_of(cache_use(use)))


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
            return None


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
    if "${{" in asked:
        acts = [replace(act, asked=inputs["push"]) if act.does == "publish" else act for act in acts]
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
    ref = (use.ref or "").removeprefix("refs/tags/")
    level, generated, note = Interval(3, 3), True, None
    maybe: bool | None = generated
    if not _FULL_VERSION.match(ref):
        level = Interval(1, 1)
        note = f"{name} at {ref[:60]!r}: its verifier accepts full release tags (vX.Y.Z) only"
        if HEX.match(ref):
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
