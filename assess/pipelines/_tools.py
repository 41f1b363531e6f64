"""Tools whose meaning depends on their flags: image builders, cosign, npm, ko, GoReleaser; and names of scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assess.evidence import Interval, Source
from assess.pipelines._facts import Act, Does, Offer

CONTAINER = "container registry"
GITHUB_RELEASE = "GitHub release"

_HARMLESS = re.compile(
    r"(?:[\w.-]*[-_:/.])?(?:unit|test|tests|e2e|lint|check|fmt|format|vet|verify|validate|clean|deps|install|tools?"
    r"|generate|docs?|coverage|typecheck|mypy|ci|configure|bootstrap|setup|requirements|activate|env|audit)(?:[-_:/.].*)?\Z",
    re.IGNORECASE,
)
_RISKY = re.compile(r"push|publish|release|deploy|sign|attest|upload|promote", re.IGNORECASE)
_BUILDING = re.compile(r"(?:build|compile|dist|package|all|bundle|assemble|wheel|sdist|image)(?:[-_:/.].*)?\Z", re.I)
LOCAL_REGISTRY = re.compile(r"(?:localhost|127\.0\.0\.1|kind-registry|registry\.local|ttl\.sh)(?:[:/]|\Z)")
_SLSA_TYPE = re.compile(r"slsaprovenance(?:02|1)?\Z|https://slsa\.dev/provenance(?:/|\Z)")
_OFF = frozenset({"false", "0", "off", "disabled"})
PUBLISH_NOTE = "a PyPI publish attestation says who published; it is not provenance"


WITNESS = Offer(
    "witness", Interval(0, 2), generated=None, authored_by_tenant=None,
    note="witness writes an attestation collection; SLSA provenance only if its slsa attestor is on",
)  # fmt: skip
IN_TOTO = Offer(
    "in-toto link", Interval(0, 1), generated=None, signed=True, authored_by_tenant=True,
    note="in-toto link metadata is not SLSA provenance",
)  # fmt: skip


def opaque(shown: str, name: str, place: Source) -> tuple[Act, ...]:
    """Project code behind a name: conventional names for tests and builds are believed, all else was not read."""
    if not _RISKY.search(name):
        if _HARMLESS.match(name):
            return (Act("code", shown, place),)
        if _BUILDING.match(name):
            return (Act("build", shown, place),)
    return (
        Act("code", shown, place),
        Act("unread-script", shown, place, note=f"`{shown[:80]}` was not read: it may build, sign or publish"),
    )


def docker(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    plain = [word for word in words[1:] if not word.startswith("-")]
    match plain[:2]:
        case ["buildx", "build"] | ["buildx", "bake"]:
            pushes = "--push" in words or any("push=true" in word or "type=registry" in word for word in words)
            acts = [Act("build", f"docker buildx {plain[1]}", place)]
            acts += buildkit(flag(words, "--provenance"), pushes, f"docker buildx {plain[1]}", place, variables,
                             attest=flags(words, "--attest"), loads="--load" in words)  # fmt: skip
            if any(word.startswith("--cache-from") for word in words):
                acts.append(Act("cache", "docker buildx --cache-from", place))
            return tuple(acts)
        case ["buildx", "imagetools"]:
            return (Act("publish", "docker buildx imagetools", place, CONTAINER),) if "create" in plain else ()
        case ["build", *_] | ["image", "build"] | ["builder", "build"]:
            return (Act("build", "docker build", place),)
        case ["push", *rest] | ["image", *rest] | ["manifest", *rest]:
            names = rest[1:] if plain[0] != "push" else rest
            if plain[0] != "push" and rest[:1] != ["push"]:
                return ()
            if any(LOCAL_REGISTRY.match(name) for name in (*names, *plain[1:])):
                return ()
            note = "`docker build` attaches provenance only with the containerd image store"
            unsure = Offer("docker push", Interval(0, 1), generated=None, signed=False, covers=CONTAINER, note=note)
            return (Act("publish", "docker push", place, CONTAINER, offer=unsure),)
        case ["run", *_] | ["compose", *_]:
            return (Act("code", "docker run", place),)
        case _:
            return ()


def buildkit(
    provenance: str | None,
    pushes: bool | None,
    tool: str,
    place: Source,
    variables: Mapping[str, str],
    attest: tuple[str, ...] = (),
    loads: bool = False,
) -> list[Act]:
    """BuildKit's provenance and push: on by default, unsigned, made inside the build (at most L1)."""
    acts: list[Act] = []
    off = (provenance or "").strip().lower() in _OFF
    off = off or str(variables.get("BUILDX_NO_DEFAULT_ATTESTATIONS", "")).lower() in {"1", "true"}
    off = off or any("type=provenance" in one and "disabled=true" in one for one in attest) or "false" in attest
    if off:
        acts.append(Act("provenance-off", tool, place, note="provenance of the image is switched off"))
    if pushes:
        acts.append(Act("publish", tool, place, CONTAINER))
    if off or loads or pushes is False:
        return acts
    sure = pushes is True and "${{" not in (provenance or "")
    offer = Offer(
        f"{tool} --provenance", Interval(1, 1) if sure else Interval(0, 1), generated=True if sure else None,
        signed=False, distributed=True if sure else None, by_digest=True, covers=CONTAINER,
        note="BuildKit's provenance is unsigned and made inside the build",
    )  # fmt: skip
    return [*acts, Act("attest", tool, place, offer=offer)]


def flag(words: tuple[str, ...], name: str) -> str | None:
    found = flags(words, name)
    return found[-1] if found else None


def flags(words: tuple[str, ...], name: str) -> tuple[str, ...]:
    found = [word.partition("=")[2] for word in words if word.startswith(name + "=")]
    for at, word in enumerate(words):
        if word == name:
            following = words[at + 1] if at + 1 < len(words) else ""
            found.append("true" if following.startswith("-") else following)
    return tuple(found)


def cosign(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    key = flag(words, "--key") or variables.get("COSIGN_KEY")
    managed = key is not None and re.match(r"(?:aws|gcp|azure|hashivault|k8s)\w*://", key) is not None
    keys = (Act("key", f"cosign {verb}", place),) if key is not None and not managed else ()
    match verb:
        case "sign" | "sign-blob":
            return (Act("sign", f"cosign {verb}", place), *keys)
        case "attest" | "attest-blob":
            kind = flag(words, "--type") or ""
            unsure = "$" in kind
            if not unsure and not _SLSA_TYPE.match(kind):
                does: Does = "sbom" if kind in {"spdx", "spdxjson", "cyclonedx"} else "sign"
                return (
                    Act(does, f"cosign {verb}", place, note=f"`cosign {verb} --type {kind[:40]}` is not provenance"),
                    *keys,
                )
            blob = verb == "attest-blob"
            offer = Offer(
                f"cosign {verb}", Interval(0 if unsure else 1, 1 if keys else 2),
                generated=None if unsure else True, signed=True, keyless=key is None,
                distributed=None if blob else True, authored_by_tenant=True, records_parameters=None,
                by_digest=blob or any("@" in word for word in words[2:]),
                covers="files" if blob else CONTAINER, note="the predicate is written by the pipeline's own steps",
            )  # fmt: skip
            return (Act("attest", f"cosign {verb}", place, offer=offer), *keys)
        case "verify" | "verify-blob" | "verify-attestation" | "verify-blob-attestation":
            return (Act("verify", f"cosign {verb}", place),)
        case "copy" | "upload":
            return (Act("publish", f"cosign {verb}", place, CONTAINER),)
        case _:
            return ()


def npm_offer(flagged: bool, token: bool) -> Offer:
    """npm's provenance: asked for by flag, or possible through trusted publishing where no token is in sight."""
    if flagged:
        return Offer("npm --provenance", Interval(2, 2), signed=True, keyless=True, distributed=True,
                     records_parameters=False, by_digest=True, covers="npm")  # fmt: skip
    note = (
        "package.json or .npmrc may ask for provenance"
        if token
        else "trusted publishing would add provenance by itself"
    )
    name = "npm publish" if token else "npm trusted publishing"
    return Offer(name, Interval(0, 2), generated=None, keyless=True, records_parameters=False, by_digest=True,
                 covers="npm", note=note)  # fmt: skip


def npm_token(variables: Mapping[str, str]) -> bool:
    """A long-lived token for the registry is set."""
    return any(
        name in {"NODE_AUTH_TOKEN", "NPM_TOKEN", "YARN_NPM_AUTH_TOKEN"} and variables[name] for name in variables
    )


def npm_flagged(variables: Mapping[str, str]) -> bool:
    """The environment asks npm for provenance."""
    return any(name.upper() == "NPM_CONFIG_PROVENANCE" and variables[name].lower() == "true" for name in variables)


def npm(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    plain = [word for word in words[1:] if not word.startswith("-")]
    program = words[0].rpartition("/")[2]
    match plain:
        case ["publish", *_] | ["npm", "publish", *_] if not dry(words):
            asked = flag(words, "--provenance")
            flagged = (asked is not None and asked not in _OFF) or npm_flagged(variables)
            offer = npm_offer(flagged, npm_token(variables))
            if asked in _OFF:
                return (Act("publish", program, place, "npm"), Act("provenance-off", program, place))
            return (Act("publish", f"{program} publish", place, "npm", offer=offer),)
        case ["audit", "signatures", *_]:
            return (Act("verify", "npm audit signatures", place),)
        case ["run" | "run-script", name, *_]:
            return opaque(f"{program} run {name}", name, place)
        case ["pack", *_] | ["build", *_]:
            return (Act("build", f"{program} {plain[0]}", place),)
        case ["ci" | "install" | "i" | "test" | "t" | "exec", *_]:
            return (Act("code", f"{program} {plain[0]}", place),)
        case []:
            return (Act("code", program, place),) if program == "yarn" and len(words) < 2 else ()
        case [name, *_] if program in {"yarn", "pnpm", "bun"}:
            return opaque(f"{program} {name}", name, place)
        case _:
            return ()


def ko(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    if verb not in {"build", "publish", "resolve", "apply"}:
        return ()
    local = "--local" in words or "-L" in words or "--push=false" in words
    built = Act("build", f"ko {verb}", place)
    return (built,) if local else (built, Act("publish", f"ko {verb}", place, CONTAINER))


def goreleaser(arguments: str, place: Source) -> tuple[Act, ...]:
    """GoReleaser: builds, and publishes unless told not to. Its own configuration is not read here."""
    words = re.split(r"[\s'\"]+", arguments)  # the arguments may be an expression that holds them as literals
    built = Act("build", "goreleaser", place)
    held = {"--snapshot", "--skip=publish", "--skip-publish", "--auto-snapshot"} & set(words)
    if "release" not in words or held or any(w.startswith("--skip=") and "publish" in w for w in words):
        return (built,) if {"build", "release"} & set(words) else ()
    note = "GoReleaser makes no provenance for files; its configuration, which may for images, was not read"
    offer = Offer("goreleaser", Interval(0, 1), generated=None, authored_by_tenant=None, note=note)
    return (built, Act("publish", "goreleaser", place, GITHUB_RELEASE, offer=offer))


def dry(words: tuple[str, ...]) -> bool:
    return any(word in {"--dry-run", "-n", "--dryrun"} or word == "--dry-run=true" for word in words)
