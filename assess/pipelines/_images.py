"""Tools that build, copy and push container images and packages of Linux distributions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assess.evidence import Interval, Source
from assess.pipelines._facts import Act, Offer
from assess.pipelines._flags import LOCAL_REGISTRY, OFF, flag, flags, off, on, positional

CONTAINER = "container registry"

_DOCKER_GLOBAL = frozenset({"-c", "--context", "-H", "--host", "-l", "--log-level", "--config", "-D"})
_BUILD_VALUES = frozenset(
    {
        "-t", "--tag", "-f", "--file", "--platform", "--build-arg", "--label", "--target", "--cache-from", "--cache-to",
        "-o", "--output", "--secret", "--ssh", "--attest", "--provenance", "--sbom", "--metadata-file", "--iidfile",
        "--builder", "--progress", "--annotation", "--build-context", "--allow", "--set", "--network", "--add-host",
        "--isolation", "--memory", "-m", "--shm-size", "--ulimit", "--destination", "--dockerfile", "--context",
        "--digest-file", "-v", "--volume", "--format",
    }
)  # fmt: skip
_RUN_VALUES = _BUILD_VALUES | frozenset(
    {
        "-e", "--env", "--env-file", "-w", "--workdir", "-u", "--user", "--name", "--entrypoint", "-p", "--publish",
        "--mount", "--net", "--cpus", "--device", "--dns", "-h", "--hostname", "--ipc", "-l", "--log-driver", "--pid",
        "--pull", "--restart", "--security-opt", "--tmpfs", "--group-add", "--cap-add", "--cap-drop", "--gpus",
    }
)  # fmt: skip
_CONFIG_DIGEST = re.compile(r"\.(?:Id|ID)\b")
_PROVENANCE = re.compile(r"type=provenance")


def docker(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    """`docker` and what behaves like it (podman, nerdctl): buildx, build, push, manifest, inspect, run, compose."""
    program = words[0].rpartition("/")[2]
    plain = positional(words, _DOCKER_GLOBAL | _BUILD_VALUES)
    match plain[:2]:
        case ("buildx" | "builder", "build" | "bake" | "b") | ("bake", *_):
            return _buildx(words, plain, place, variables)
        case ("buildx", "imagetools"):
            return (Act("publish", "docker buildx imagetools", place, CONTAINER),) if "create" in plain else ()
        case ("build", *_) | ("image", "build") | ("builder", "build"):
            told = any(word.startswith(("--push", "--provenance", "--attest", "--output=", "-o=")) for word in words)
            if told and program == "docker":  # BuildKit's flags: `docker build` is `docker buildx build` since v23
                return _buildx(words, ("buildx", "build"), place, variables)
            return (Act("build", f"{program} build", place), *_caches(words, f"{program} build", place))
        case ("push", *_) | ("image", "push") | ("manifest", "push"):
            return _push(program, words, plain, place)
        case ("run", *_) | ("container", "run"):
            return (Act("code", f"{program} run", place),)
        case ("compose", *_):
            return _compose(words, plain, place)
        case ("inspect", *_) | ("image", "inspect") | ("images", *_):
            if not _CONFIG_DIGEST.search(flag(words, "--format", "-f") or ""):
                return ()
            note = "`.Id` is the digest of an image's configuration in the classic image store, not of what is pulled"
            return (Act("config-digest", f"{program} {plain[0]}", place, note=note),)
        case ("trust", "sign"):
            return (Act("sign", "docker trust sign", place), Act("key", "docker trust sign", place))
        case _:
            return ()


def _compose(words: tuple[str, ...], plain: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    what = next((word for word in plain[1:] if word in {"build", "push", "up", "run"}), "")
    if what == "push":
        return (Act("publish", "docker compose push", place, CONTAINER, offer=_unsure("docker compose push")),)
    if what != "build":
        return (Act("code", "docker compose", place),)
    pushed = (Act("publish", "docker compose build", place, CONTAINER),) if on(words, "--push") else ()
    return (Act("build", "docker compose build", place), *pushed)


def run_inside(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The image's own name (no registry, no tag) and the arguments of `docker run`; None for anything else."""
    plain = positional(words, _DOCKER_GLOBAL | _RUN_VALUES)
    if "run" not in plain[:2]:
        return None
    image = next(iter(plain[plain.index("run") + 1 :]), "")
    if image not in words:
        return None
    rest = words[words.index(image, words.index("run")) + 1 :]
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return (flag(words, "--entrypoint") or name).rpartition("/")[2], rest


def _push(program: str, words: tuple[str, ...], plain: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    if any(LOCAL_REGISTRY.match(name) for name in plain):
        return ()
    tool = f"{program} push"
    if program == "docker":
        return (Act("publish", tool, place, CONTAINER, offer=_unsure(tool)),)
    signs = (Act("sign", f"{tool} --sign-by", place),) if flag(words, "--sign-by", "--sign-by-sigstore") else ()
    return (Act("publish", tool, place, CONTAINER), *signs)


def _unsure(tool: str) -> Offer:
    note = "`docker build` attaches provenance only with the containerd image store"
    return Offer(tool, Interval(0, 1), generated=None, signed=False, covers=CONTAINER, note=note)


def _buildx(
    words: tuple[str, ...], plain: tuple[str, ...], place: Source, variables: Mapping[str, str]
) -> tuple[Act, ...]:
    verb = "bake" if "bake" in plain[:2] else "build"
    tool = f"docker buildx {verb}"
    outputs = (
        *flags(words, "--output", "-o"),
        *(one.partition("=")[2] for one in flags(words, "--set") if ".output=" in one),
    )
    pushes = on(words, "--push") or any("push=true" in one or "type=registry" in one for one in outputs)
    pushes = pushes or any("push=true" in word for word in words if word.startswith("--set"))
    loads = on(words, "--load") or any(re.match(r"type=(?:docker|local|tar|oci|cacheonly)", one) for one in outputs)
    if any(LOCAL_REGISTRY.match(tag) for tag in flags(words, "-t", "--tag")):
        pushes = False
    attest = (*flags(words, "--attest"), *(one.partition("=")[2] for one in flags(words, "--set") if ".attest=" in one))
    acts = [Act("build", tool, place)]
    acts += buildkit(
        flag(words, "--provenance"), pushes, tool, place, variables, attest=attest, loads=loads and not pushes
    )
    if on(words, "--sbom") or any("type=sbom" in one for one in attest):
        acts.append(Act("sbom", f"{tool} --sbom", place))
    acts += _caches(words, tool, place)
    return tuple(acts)


def _caches(words: tuple[str, ...], tool: str, place: Source) -> tuple[Act, ...]:
    restored = any(one.partition("=")[0] == "--cache-from" for one in words) or any(
        ".cache-from=" in one for one in flags(words, "--set")
    )
    return (Act("cache", f"{tool} --cache-from", place),) if restored else ()


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
    switched_off = (provenance or "").strip().lower() in OFF
    switched_off = switched_off or str(variables.get("BUILDX_NO_DEFAULT_ATTESTATIONS", "")).lower() in {"1", "true"}
    switched_off = switched_off or any(_PROVENANCE.search(one) and "disabled=true" in one for one in attest)
    switched_off = switched_off or "false" in attest
    told = [one for one in (*attest, provenance or "") if "builder-id=" in one]
    if switched_off and not any(_PROVENANCE.search(one) and "disabled=true" not in one for one in attest):
        acts.append(Act("provenance-off", tool, place, note="provenance of the image is switched off"))
    else:
        switched_off = False
    if pushes:
        acts.append(Act("publish", tool, place, CONTAINER))
    if switched_off or loads or pushes is False:
        return acts
    sure = pushes is True and "${{" not in (provenance or "")
    note = "BuildKit's provenance is unsigned and made inside the build"
    offer = Offer(
        f"{tool} --provenance", Interval(1, 1) if sure else Interval(0, 1), generated=True if sure else None,
        signed=False, distributed=True if sure else None, by_digest=True, covers=CONTAINER,
        note=note + ("; its builder.id is set by the pipeline itself" if told else ""),
    )  # fmt: skip
    return [*acts, Act("attest", tool, place, offer=offer)]


def buildctl(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    """BuildKit's own client: provenance only where `--opt attest:provenance=` asks for it."""
    if "build" not in positional(words):
        return ()
    options = flags(words, "--opt")
    pushes = any("push=true" in one for one in flags(words, "--output", "-o"))
    asked = [one.partition("=")[2] for one in options if one.startswith("attest:provenance")]
    acts = [Act("build", "buildctl build", place)]
    if pushes and asked:
        acts += buildkit("true", True, "buildctl build", place, variables, ("type=provenance," + asked[-1],))
    elif pushes:
        acts.append(Act("publish", "buildctl build", place, CONTAINER))
    if any(word.startswith("--import-cache") for word in words):
        acts.append(Act("cache", "buildctl --import-cache", place))
    return tuple(acts)


def kaniko(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """Kaniko's executor: builds, pushes to `--destination`, makes no provenance."""
    acts = [Act("build", "kaniko", place)]
    names = flags(words, "--destination", "-d")
    if not on(words, "--no-push") and (names or not flag(words, "--tar-path", "--tarPath")):
        if not any(LOCAL_REGISTRY.match(name) for name in names):
            acts.append(Act("publish", "kaniko", place, CONTAINER))
    if on(words, "--cache"):
        acts.append(Act("cache", "kaniko --cache", place))
    return tuple(acts)


def buildah(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """Buildah: builds, commits and pushes; makes no provenance."""
    program = words[0].rpartition("/")[2]
    plain = positional(words, _BUILD_VALUES)
    match plain[:1]:
        case ("build" | "bud" | "build-using-dockerfile" | "commit",):
            return (Act("build", f"{program} {plain[0]}", place), *_caches(words, f"{program} {plain[0]}", place))
        case ("push",) | ("manifest",) if "push" in plain:
            return _push(program, words, plain, place)
        case _:
            return ()


def ko(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    """ko: builds and pushes images, an SBOM by default; no provenance (its documentation)."""
    verb = next(iter(positional(words)), "")
    if verb not in {"build", "publish", "resolve", "apply", "create", "run"}:
        return ()
    local = on(words, "--local", "-L") or off(words, "--push")
    local = local or bool(LOCAL_REGISTRY.match(variables.get("KO_DOCKER_REPO", "")))
    built = Act("build", f"ko {verb}", place)
    listed = () if off(words, "--sbom") else (Act("sbom", f"ko {verb}", place),)
    return (built,) if local else (built, *listed, Act("publish", f"ko {verb}", place, CONTAINER))


def copied(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """crane, skopeo, oras, regctl, cosign copy: images and files copied to a registry."""
    program = words[0].rpartition("/")[2]
    plain = positional(words, frozenset({"--src-creds", "--dest-creds", "-u", "-p", "--config", "--artifact-type"}))
    verb = plain[1] if program == "regctl" and len(plain) > 1 else next(iter(plain), "")
    publishing = {"push", "copy", "cp", "append", "sync", "tag", "mutate", "rebase", "attach", "index"}
    if verb not in publishing or (verb == "sync" and "docker" not in (flag(words, "--dest", "-d") or "docker")):
        return ()
    targets = plain[-1:] if verb in {"copy", "cp", "sync"} else plain
    if any(LOCAL_REGISTRY.match(one.removeprefix("docker://")) for one in targets):
        return ()
    if program == "skopeo" and not any(one.startswith(("docker://", "$")) for one in plain[-1:]):
        return ()
    if program == "crane" and verb in {"tag", "mutate", "rebase"} and verb != "append":
        return (Act("publish", f"crane {verb}", place, CONTAINER),)
    return (Act("publish", f"{program} {verb}", place, CONTAINER),)


def melange(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """melange: builds APKs; unsigned provenance beside them only where it is asked for."""
    verb = next(iter(positional(words)), "")
    signing = (Act("key", "melange --signing-key", place),) if flag(words, "--signing-key") else ()
    if verb in {"sign", "sign-index"}:
        return (Act("sign", f"melange {verb}", place), Act("key", f"melange {verb}", place))
    if verb not in {"build", "compile"}:
        return ()
    built = (Act("build", f"melange {verb}", place), *signing)
    if not on(words, "--generate-provenance"):
        return built
    offer = Offer("melange --generate-provenance", Interval(1, 1), signed=False)
    return (*built, Act("attest", "melange", place, offer=offer))


def apko(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """apko: builds and publishes images with an SBOM; makes no provenance."""
    verb = next(iter(positional(words)), "")
    if verb not in {"build", "publish", "build-minirootfs"}:
        return ()
    listed = () if off(words, "--sbom") else (Act("sbom", f"apko {verb}", place),)
    published = (Act("publish", "apko publish", place, CONTAINER),) if verb == "publish" else ()
    return (Act("build", f"apko {verb}", place), *listed, *published)
