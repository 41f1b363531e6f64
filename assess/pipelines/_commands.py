"""What command lines do: the tools that build, sign, attest and publish, recognised in scripts of any CI system."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assess.evidence import Interval, Source
from assess.pipelines._facts import Act, Does, Offer
from assess.pipelines._shell import Command, commands
from assess.pipelines._tools import (
    CONTAINER,
    GITHUB_RELEASE,
    IN_TOTO,
    LOCAL_REGISTRY,
    PUBLISH_NOTE,
    WITNESS,
    cosign,
    docker,
    dry,
    goreleaser,
    ko,
    npm,
    opaque,
)

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
    "bazel": ((("build",), "build", None), (("test",), "code", None), (("run",), "unread-script", None)),
    "bazelisk": ((("build",), "build", None), (("test",), "code", None), (("run",), "unread-script", None)),
    "sigstore": ((("sign",), "sign", None), (("verify",), "verify", None)),
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
_SCRIPT = re.compile(r"(?:\.{1,2}/|/?(?:\$|\w)[^=]*/).*|.*\.(?:sh|bash|py|js|mjs|ts|rb|pl|ps1)\Z")
_INTERPRETERS = frozenset({"bash", "sh", "zsh", "python", "python3", "node", "ruby", "perl", "pwsh", "source", "."})
_FETCH = frozenset({"curl", "wget"})


def recognise(script: str, source: Source, environment: Mapping[str, str]) -> tuple[Act, ...]:
    """What a script does. `source` is the place of its first line; `environment` the variables set around it."""
    found = commands(script)
    if found is None:
        return (Act("unread-script", "script", source, note="a script is too long to be read"),)
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
            return docker(words, place, variables)
        case "cosign":
            return cosign(words, place, variables)
        case "npm" | "pnpm" | "yarn" | "bun":
            return npm(words, place, variables)
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
            return ko(words, place)
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
            if does == "publish" and (dry(words) or any(LOCAL_REGISTRY.match(word) for word in arguments)):
                return ()
            return (Act(does, " ".join((program, *prefix[:2])), place, target),)
    if program in _OPAQUE:
        return _targets(program, [word for word in arguments if not word.startswith("-")] or ["all"], place)
    if words[0].startswith(("./", "../", "$", "~")) or ("/" in words[0] and _SCRIPT.match(words[0])):
        return _script(words[0], place)
    return ()


def _fetches(words: tuple[str, ...]) -> bool:
    return bool(words) and words[0].rpartition("/")[2] in _FETCH


def _matches(arguments: tuple[str, ...], prefix: tuple[str, ...]) -> bool:
    """The prefix begins the arguments, options before and between left out; a last `./` is a beginning."""
    plain = arguments if prefix and prefix[-1].startswith("-") else tuple(w for w in arguments if not w.startswith("-"))
    if prefix and prefix[-1] == "./":
        return plain[: len(prefix) - 1] == prefix[:-1] and any(word.startswith("./") for word in plain)
    return plain[: len(prefix)] == prefix


def _script(name: str, place: Source) -> tuple[Act, ...]:
    if name.startswith(("/dev/", "/usr/", "/bin/", "/etc/")):
        return ()
    base = name.rpartition("/")[2].rpartition(".")[0] or name.rpartition("/")[2]
    return opaque(name, base, place)


def _targets(tool: str, targets: list[str], place: Source) -> tuple[Act, ...]:
    return tuple(act for target in targets for act in opaque(f"{tool} {target}", target, place))


def _make_targets(arguments: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    before = ""
    for word in arguments:
        if word[:1] not in {"-", ""} and "=" not in word and before not in {"-C", "-f", "-j", "-I", "-l"}:
            found.append(word)
        before = word
    return found or ["all"]


def _python_module(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    match words[0]:
        case "build":
            return (Act("build", "python -m build", place),)
        case "pip" | "twine" | "poetry" | "hatch" | "flit" | "uv" | "pytest" | "tox" | "nox" | "pdm" | "sigstore":
            return _of(Command(words, 0), place, variables)
        case "pypi_attestations" if "sign" in words:
            return (Act("sign", "pypi_attestations sign", place, note=PUBLISH_NOTE),)
        case "venv" | "ensurepip" | "json.tool":
            return ()
        case name:
            return (Act("code", f"python -m {name}", place),)


def _jvm(
    tool: str, words: tuple[str, ...], place: Source, publishing: tuple[str, ...], building: tuple[str, ...]
) -> tuple[Act, ...]:
    goals = [word.rpartition(":")[2].lower() if tool == "gradle" else word for word in words[1:] if word[:1] != "-"]
    if any(goal.startswith(publishing) and "local" not in goal for goal in goals):
        return (Act("build", tool, place), Act("publish", tool, place, "Maven repository"))
    if any(goal in building for goal in goals):
        return (Act("build", tool, place),)
    return (Act("code", tool, place),)
