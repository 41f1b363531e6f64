"""What command lines do: the tools that build, sign, attest and publish, recognised in scripts of any CI system."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assess.evidence import Interval, Source
from assess.pipelines._facts import Act, Does, Offer
from assess.pipelines._shell import Command, commands

CONTAINER = "container registry"
GITHUB_RELEASE = "GitHub release"

_PREFIXES: dict[str, tuple[tuple[tuple[str, ...], Does, str | None], ...]] = {
    "go": ((("build",), "build", None), (("install", "./"), "build", None), (("test",), "code", None),
           (("run",), "code", None), (("generate",), "code", None)),
    "cargo": ((("build",), "build", None), (("publish",), "publish", "crates.io"), (("package",), "build", None),
              (("test",), "code", None), (("run",), "code", None), (("clippy",), "code", None)),
    "pip": ((("install", "."), "code", None), (("install", "-e"), "code", None), (("install", "-r"), "code", None),
            (("wheel",), "build", None)),
    "twine": ((("upload",), "publish", "PyPI"),),
    "uv": ((("build",), "build", None), (("publish",), "publish", "PyPI"), (("run",), "code", None),
           (("sync",), "code", None), (("pip", "install"), "code", None)),
    "poetry": ((("build",), "build", None), (("publish",), "publish", "PyPI"), (("install",), "code", None),
               (("run",), "code", None)),
    "hatch": ((("build",), "build", None), (("publish",), "publish", "PyPI"), (("run",), "code", None),
              (("test",), "code", None)),
    "pdm": ((("build",), "build", None), (("publish",), "publish", "PyPI"), (("install",), "code", None)),
    "flit": ((("build",), "build", None), (("publish",), "publish", "PyPI")),
    "gh": ((("release", "create"), "publish", GITHUB_RELEASE), (("release", "upload"), "publish", GITHUB_RELEASE),
           (("attestation", "verify"), "verify", None), (("pr", "checkout"), "untrusted", None)),
    "glab": ((("release", "create"), "publish", "GitLab release"), (("attestation", "verify"), "verify", None)),
    "gem": ((("build",), "build", None), (("push",), "publish", "RubyGems")),
    "dotnet": ((("nuget", "push"), "publish", "NuGet"), (("build",), "build", None), (("pack",), "build", None),
               (("publish",), "build", None), (("test",), "code", None)),
    "nuget": ((("push",), "publish", "NuGet"),),
    "helm": ((("push",), "publish", CONTAINER), (("package",), "build", None)),
    "oras": ((("push",), "publish", CONTAINER), (("copy",), "publish", CONTAINER), (("cp",), "publish", CONTAINER)),
    "crane": ((("push",), "publish", CONTAINER), (("copy",), "publish", CONTAINER), (("cp",), "publish", CONTAINER),
              (("append",), "publish", CONTAINER)),
    "skopeo": ((("copy",), "publish", CONTAINER),),
    "podman": ((("build",), "build", None), (("push",), "publish", CONTAINER)),
    "buildah": ((("build",), "build", None), (("bud",), "build", None), (("push",), "publish", CONTAINER)),
    "apko": ((("build",), "build", None), (("publish",), "publish", CONTAINER)),
    "cmake": ((("--build",), "build", None),),
    "meson": ((("compile",), "build", None),),
    "nix": ((("build",), "build", None),),
    "bazel": ((("build",), "build", None), (("test",), "code", None), (("run",), "unread", None)),
    "bazelisk": ((("build",), "build", None), (("test",), "code", None), (("run",), "unread", None)),
    "notation": ((("sign",), "sign", None), (("verify",), "verify", None)),
    "slsa-verifier": (((), "verify", None),),
    "vsce": ((("publish",), "publish", "VS Code Marketplace"), (("package",), "build", None)),
    "ovsx": ((("publish",), "publish", "Open VSX"),),
    "dart": ((("pub", "publish"), "publish", "pub.dev"),),
    "mix": ((("hex.publish",), "publish", "Hex"),),
    "pod": ((("trunk", "push"), "publish", "CocoaPods"),),
    "conda": ((("build",), "build", None),),
    "anaconda": ((("upload",), "publish", "Anaconda"),),
    "syft": ((("attest",), "sbom", None),),
    "ninja": (((), "build", None),),
    "pytest": (((), "code", None),),
    "tox": (((), "code", None),),
    "nox": (((), "code", None),),
}  # fmt: skip
_OPAQUE = frozenset(
    {"just", "task", "mage", "rake", "invoke", "scons", "ant", "sbt", "lein", "earthly", "dagger", "melos"}
)
_HARMLESS = re.compile(
    r"(?:[\w.-]*[-_:/.])?(?:unit|test|tests|e2e|lint|check|fmt|format|vet|verify|validate|clean|deps|install|tools?"
    r"|generate|docs?|coverage|typecheck|mypy|ci|configure|bootstrap|setup|requirements|activate|env|audit)(?:[-_:/.].*)?\Z",
    re.IGNORECASE,
)
_RISKY = re.compile(r"push|publish|release|deploy|sign|attest|upload|promote", re.IGNORECASE)
_BUILDING = re.compile(r"(?:build|compile|dist|package|all|bundle|assemble|wheel|sdist|image)(?:[-_:/.].*)?\Z", re.I)
_SCRIPT = re.compile(r"(?:\.{1,2}/|/?(?:\$|\w)[^=]*/).*|.*\.(?:sh|bash|py|js|mjs|ts|rb|pl|ps1)\Z")
_INTERPRETERS = frozenset({"bash", "sh", "zsh", "python", "python3", "node", "ruby", "perl", "pwsh", "source", "."})
_FETCH = frozenset({"curl", "wget"})
_LOCAL_REGISTRY = re.compile(r"(?:localhost|127\.0\.0\.1|kind-registry|registry\.local|ttl\.sh)(?:[:/]|\Z)")
_SLSA_TYPE = re.compile(r"slsaprovenance(?:02|1)?\Z|https://slsa\.dev/provenance(?:/|\Z)")
_OFF = frozenset({"false", "0", "off", "disabled"})


def recognise(script: str, source: Source, environment: Mapping[str, str]) -> tuple[Act, ...]:
    """What a script does. `source` is the place of its first line; `environment` the variables set around it."""
    found = commands(script)
    if found is None:
        return (Act("unread", "script", source, note="a script is too long to be read"),)
    acts: list[Act] = []
    for command in found:
        line = None if source.line is None else source.line + command.line
        place = Source(source.path, line, source.column if command.line == 0 else None)
        for act in _of(command, place, environment):
            tolerated = command.tolerated or act.optional
            acts.append(act if tolerated is act.optional else Act(
                act.does, act.tool, act.source, act.target, act.offer, act.note, act.condition, True
            ))  # fmt: skip
    return tuple(acts)


def _of(command: Command, place: Source, environment: Mapping[str, str]) -> tuple[Act, ...]:
    if not command.words or command.words[1:2] in {("=",), ("+=",)}:
        return ()
    own = dict(one.split("=", 1) for one in command.assignments if "+=" not in one)
    variables = {**environment, **own}
    words = command.words
    match command.program.removesuffix(".exe"):
        case "docker":
            return _docker(words, place, variables)
        case "cosign":
            return _cosign(words, place, variables)
        case "npm" | "pnpm" | "yarn" | "bun":
            return _npm(words, place, variables)
        case "python" | "python3" | "py" if len(words) > 2 and words[1] == "-m":
            return _python_module(words[2:], place, variables)
        case "make" | "gmake":
            return _targets("make", _make_targets(words[1:]), place)
        case "mvn" | "mvnw":
            return _jvm(
                "mvn",
                words,
                place,
                ("deploy", "nexus-staging:deploy", "release:perform"),
                ("package", "install", "verify"),
            )
        case "gradle" | "gradlew" | "gradlew.bat":
            return _jvm("gradle", words, place, ("publish",), ("build", "assemble", "jar", "bootjar", "shadowjar"))
        case "goreleaser":
            return goreleaser(" ".join(words[1:]), place)
        case "ko":
            return _ko(words, place)
        case "git" if "fetch" in words and any("pull/" in word for word in words):
            return (Act("untrusted", "git fetch", place),)
        case "gpg" | "gpg2" if {"--import", "--detach-sign", "--sign", "-b", "--clearsign"} & set(words):
            return (Act("sign", "gpg", place),) if "--import" not in words else ()
        case "melange" if "--generate-provenance" in words:
            return (
                Act(
                    "attest",
                    "melange",
                    place,
                    offer=Offer("melange --generate-provenance", Interval(1, 1), signed=False),
                ),
            )
        case "witness" if "run" in words:
            return (Act("attest", "witness", place, offer=WITNESS),)
        case "in-toto-run" | "in-toto-record":
            return (Act("attest", "in-toto-run", place, offer=IN_TOTO), Act("key", "in-toto-run", place))
        case program:
            return _plain_command(program, command, place)


WITNESS = Offer(
    "witness", Interval(0, 2), generated=None, authored_by_tenant=None,
    note="witness writes an attestation collection; SLSA provenance only if its slsa attestor is on",
)  # fmt: skip
IN_TOTO = Offer(
    "in-toto link", Interval(0, 1), generated=None, signed=True, authored_by_tenant=True,
    note="in-toto link metadata is not SLSA provenance",
)  # fmt: skip


def _plain_command(program: str, command: Command, place: Source) -> tuple[Act, ...]:
    words = command.words
    arguments = tuple(word for word in words[1:] if word)
    if program in _INTERPRETERS or program in {"iex", "invoke-expression"}:
        fetched = command.piped_from is not None and _fetches(command.piped_from)
        if fetched or any(word.startswith(("<(curl", "<(wget", "$(curl", "$(wget")) for word in arguments):
            return (Act("remote-script", program, place, note="runs a script straight from the network"),)
        if any(word in {"-c", "-e", "-Command"} for word in arguments):
            return ()
        script = next((word for word in arguments if not word.startswith("-")), None)
        return () if script is None else _script(script, place)
    for prefix, does, target in _PREFIXES.get(program.removesuffix("3"), ()):
        if _matches(arguments, prefix):
            if does == "publish" and (_dry(words) or any(_LOCAL_REGISTRY.match(word) for word in arguments)):
                return ()
            return (Act(does, " ".join((program, *prefix[:2])), place, target),)
    if program in _OPAQUE:
        return _targets(program, [word for word in arguments if not word.startswith("-")] or ["all"], place)
    if words[0].startswith(("./", "../", "$", "~")) or ("/" in words[0] and _SCRIPT.match(words[0])):
        return _script(words[0], place)
    return ()


def _fetches(words: tuple[str, ...]) -> bool:
    return words[0].rpartition("/")[2] in _FETCH


def _matches(arguments: tuple[str, ...], prefix: tuple[str, ...]) -> bool:
    """The prefix begins the arguments, options before and between left out; a last `./` is a beginning."""
    plain = arguments if prefix and prefix[-1].startswith("-") else tuple(w for w in arguments if not w.startswith("-"))
    if prefix and prefix[-1] == "./":
        return plain[: len(prefix) - 1] == prefix[:-1] and any(word.startswith("./") for word in plain)
    return plain[: len(prefix)] == prefix


def _dry(words: tuple[str, ...]) -> bool:
    return any(word in {"--dry-run", "-n", "--dryrun"} or word == "--dry-run=true" for word in words)


def _script(name: str, place: Source) -> tuple[Act, ...]:
    if name.startswith(("/dev/", "/usr/", "/bin/")):
        return ()
    base = name.rpartition("/")[2].rpartition(".")[0] or name.rpartition("/")[2]
    return _opaque(name, base, place)


def _targets(tool: str, targets: list[str], place: Source) -> tuple[Act, ...]:
    return tuple(act for target in targets for act in _opaque(f"{tool} {target}", target, place))


def _make_targets(arguments: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    before = ""
    for word in arguments:
        if word[:1] not in {"-", ""} and "=" not in word and before not in {"-C", "-f", "-j", "-I", "-l"}:
            found.append(word)
        before = word
    return found or ["all"]


def _opaque(shown: str, name: str, place: Source) -> tuple[Act, ...]:
    """Project code behind a name: conventional names for tests and builds are believed, all else was not read."""
    if not _RISKY.search(name):
        if _HARMLESS.match(name):
            return (Act("code", shown, place),)
        if _BUILDING.match(name):
            return (Act("build", shown, place),)
    return (
        Act("code", shown, place),
        Act("unread", shown, place, note=f"`{shown[:80]}` was not read: it may build, sign or publish"),
    )


def _docker(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    plain = [word for word in words[1:] if not word.startswith("-")]
    match plain[:2]:
        case ["buildx", "build"] | ["buildx", "bake"]:
            pushes = "--push" in words or any("push=true" in word or "type=registry" in word for word in words)
            acts = [Act("build", f"docker buildx {plain[1]}", place)]
            acts += buildkit(_flag(words, "--provenance"), pushes, f"docker buildx {plain[1]}", place, variables,
                             attest=_flags(words, "--attest"), loads="--load" in words)  # fmt: skip
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
            if any(_LOCAL_REGISTRY.match(name) for name in (*names, *plain[1:])):
                return ()
            unsure = Offer("docker push", Interval(0, 1), generated=None, signed=False, distributed=None, covers=CONTAINER,
                           note="`docker build` attaches provenance only with the containerd image store")  # fmt: skip
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


def _flag(words: tuple[str, ...], name: str) -> str | None:
    found = _flags(words, name)
    return found[-1] if found else None


def _flags(words: tuple[str, ...], name: str) -> tuple[str, ...]:
    found = [word.partition("=")[2] for word in words if word.startswith(name + "=")]
    for at, word in enumerate(words):
        if word == name:
            following = words[at + 1] if at + 1 < len(words) else ""
            found.append("true" if following.startswith("-") else following)
    return tuple(found)


def _cosign(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    key = _flag(words, "--key") or variables.get("COSIGN_KEY")
    managed = key is not None and re.match(r"(?:aws|gcp|azure|hashivault|k8s)\w*://", key) is not None
    keys = (Act("key", f"cosign {verb}", place),) if key is not None and not managed else ()
    match verb:
        case "sign" | "sign-blob":
            return (Act("sign", f"cosign {verb}", place), *keys)
        case "attest" | "attest-blob":
            kind = _flag(words, "--type") or ""
            if not _SLSA_TYPE.match(kind):
                does: Does = "sbom" if kind in {"spdx", "spdxjson", "cyclonedx"} else "sign"
                return (
                    Act(does, f"cosign {verb}", place, note=f"`cosign {verb} --type {kind[:40]}` is not provenance"),
                    *keys,
                )
            blob = verb == "attest-blob"
            offer = Offer(
                f"cosign {verb}", Interval(1, 1 if keys else 2), signed=True, keyless=key is None,
                distributed=None if blob else True, authored_by_tenant=True, records_parameters=None,
                by_digest=True if blob or any("@" in word for word in words[2:]) else False,
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
    return Offer("npm publish" if token else "npm trusted publishing", Interval(0, 2), generated=None, signed=None,
                 keyless=True, distributed=None, records_parameters=False, by_digest=True, covers="npm", note=note)  # fmt: skip


def npm_token(variables: Mapping[str, str]) -> bool:
    """A long-lived token for the registry is set."""
    return any(
        name in {"NODE_AUTH_TOKEN", "NPM_TOKEN", "YARN_NPM_AUTH_TOKEN"} and variables[name] for name in variables
    )


def npm_flagged(variables: Mapping[str, str]) -> bool:
    """The environment asks npm for provenance."""
    return any(name.upper() == "NPM_CONFIG_PROVENANCE" and variables[name].lower() == "true" for name in variables)


def _npm(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    plain = [word for word in words[1:] if not word.startswith("-")]
    program = words[0].rpartition("/")[2]
    match plain:
        case ["publish", *_] | ["npm", "publish", *_] if not _dry(words):
            asked = _flag(words, "--provenance")
            flagged = (asked is not None and asked not in _OFF) or npm_flagged(variables)
            offer = npm_offer(flagged, npm_token(variables))
            if asked in _OFF:
                return (Act("publish", program, place, "npm"), Act("provenance-off", program, place))
            return (Act("publish", f"{program} publish", place, "npm", offer=offer),)
        case ["audit", "signatures", *_]:
            return (Act("verify", "npm audit signatures", place),)
        case ["run" | "run-script", name, *_]:
            return _opaque(f"{program} run {name}", name, place)
        case ["pack", *_] | ["build", *_]:
            return (Act("build", f"{program} {plain[0]}", place),)
        case ["ci" | "install" | "i" | "test" | "t" | "exec", *_]:
            return (Act("code", f"{program} {plain[0]}", place),)
        case []:
            return (Act("code", program, place),) if program == "yarn" and len(words) < 2 else ()
        case [name, *_] if program in {"yarn", "pnpm", "bun"}:
            return _opaque(f"{program} {name}", name, place)
        case _:
            return ()


def _python_module(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    match words[0]:
        case "build":
            return (Act("build", "python -m build", place),)
        case "pip" | "twine" | "poetry" | "hatch" | "flit" | "uv" | "pytest" | "tox" | "nox" | "pdm":
            return _of(Command(words, 0), place, variables)
        case "pypi_attestations" if "sign" in words:
            return (Act("sign", "pypi_attestations sign", place, note=PUBLISH_NOTE),)
        case "venv" | "ensurepip" | "json.tool":
            return ()
        case name:
            return (Act("code", f"python -m {name}", place),)


PUBLISH_NOTE = "a PyPI publish attestation says who published; it is not provenance"


def _jvm(
    tool: str, words: tuple[str, ...], place: Source, publishing: tuple[str, ...], building: tuple[str, ...]
) -> tuple[Act, ...]:
    goals = [word.rpartition(":")[2].lower() if tool == "gradle" else word for word in words[1:] if word[:1] != "-"]
    if any(goal.startswith(publishing) and "local" not in goal for goal in goals):
        return (Act("build", tool, place), Act("publish", tool, place, "Maven repository"))
    if any(goal in building for goal in goals):
        return (Act("build", tool, place),)
    return (Act("code", tool, place),)


def _ko(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    if verb not in {"build", "publish", "resolve", "apply"}:
        return ()
    local = "--local" in words or "-L" in words or "--push=false" in words
    built = Act("build", f"ko {verb}", place)
    return (built,) if local else (built, Act("publish", f"ko {verb}", place, CONTAINER))


def goreleaser(arguments: str, place: Source) -> tuple[Act, ...]:
    """GoReleaser: builds, and publishes unless told not to. Its own configuration is not read here."""
    words = arguments.split()
    built = Act("build", "goreleaser", place)
    held = {"--snapshot", "--skip=publish", "--skip-publish", "--auto-snapshot"} & set(words)
    if "release" not in words or held or any(w.startswith("--skip=") and "publish" in w for w in words):
        return (built,) if {"build", "release"} & set(words) else ()
    offer = Offer("goreleaser", Interval(0, 1), generated=None, signed=None, distributed=None, authored_by_tenant=None,
                  note="GoReleaser makes no provenance for files; its configuration, which may for images, was not read")  # fmt: skip
    return (built, Act("publish", "goreleaser", place, GITHUB_RELEASE, offer=offer))
