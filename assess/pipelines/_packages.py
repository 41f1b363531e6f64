"""Tools that pack and publish packages: npm and its kin, Python's, Maven, Gradle, JReleaser, RubyGems, Bazel."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assess.evidence import Interval, Source
from assess.pipelines._facts import Act, Offer
from assess.pipelines._flags import LOCAL_REGISTRY, OFF, dry, flag, flags, on, positional
from assess.pipelines._images import CONTAINER
from assess.pipelines._signers import PUBLISH_NOTE

MAVEN = "Maven repository"
NPM_VALUES = frozenset(
    {"--registry", "--tag", "--access", "--otp", "-w", "--workspace", "--prefix", "-C", "--cwd", "--filter", "-F",
     "--dir", "--loglevel", "--cache", "--userconfig", "--provenance-file", "--tolerate-republish"}
)  # fmt: skip
_PYTHON_VALUES = frozenset(
    {"-r", "--repository", "--repository-url", "-u", "--username", "-p", "--password", "--config-file", "--token",
     "--index", "--publish-url", "-t", "--trusted-publishing"}
)  # fmt: skip
_TEST_INDEX = re.compile(r"test\.?pypi")


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


_NPM_BEFORE = frozenset({"npm", "recursive", "workspaces", "workspace", "foreach"})


def npm_plain(words: tuple[str, ...]) -> tuple[str, ...]:
    """The verb and what follows it, flags and their values left out; `yarn npm publish` is `publish`."""
    plain = positional(words, NPM_VALUES)
    while len(plain) > 1 and words[0].endswith(("yarn", "pnpm")) and plain[0] in _NPM_BEFORE:
        plain = plain[2:] if plain[0] == "workspace" else plain[1:]
    return plain


def npm(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    """npm, pnpm, yarn and bun, but for scripts of package.json, which `_commands` follows."""
    program = words[0].rpartition("/")[2]
    match npm_plain(words)[:2]:
        case ("publish" | "pub", *_) if not dry(words):
            return _npm_publish(program, words, place, variables)
        case ("stage", "publish") if not dry(words):
            return _npm_publish(program, words, place, variables)
        case ("audit", "signatures"):
            return (Act("verify", "npm audit signatures", place),)
        case ("pack" | "build", *_) as plain:
            return (Act("build", f"{program} {plain[0]}", place),)
        case ("ci" | "install" | "i" | "add" | "test" | "t" | "exec" | "rebuild", *_) as plain:
            return (Act("code", f"{program} {plain[0]}", place),)
        case ():
            return (Act("code", program, place),) if program == "yarn" and len(words) < 2 else ()
        case _:
            return ()


def _npm_publish(program: str, words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    registry = flag(words, "--registry") or ""
    if LOCAL_REGISTRY.match(registry.removeprefix("http://").removeprefix("https://")):
        return ()
    asked = flag(words, "--provenance")
    if asked in OFF or on(words, "--no-provenance"):
        return (Act("publish", program, place, "npm"), Act("provenance-off", program, place))
    if flag(words, "--provenance-file") is not None:
        offer = Offer(
            "npm --provenance-file", Interval(0, 3), generated=None, signed=True, distributed=True,
            authored_by_tenant=None, by_digest=True, covers="npm", note="the provenance was made elsewhere",
        )  # fmt: skip
        return (Act("publish", f"{program} publish", place, "npm", offer=offer),)
    flagged = asked is not None or npm_flagged(variables)
    return (Act("publish", f"{program} publish", place, "npm", offer=npm_offer(flagged, npm_token(variables))),)


def python_publish(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """twine upload, uv, poetry, hatch, flit and pdm publish: PyPI, or another index; attestations are no provenance."""
    program = words[0].rpartition("/")[2]
    verb = next(iter(positional(words, _PYTHON_VALUES)), "")
    if verb not in {"upload", "publish"} or dry(words):
        return ()
    where = " ".join(flags(words, "-r", "--repository", "--repository-url", "--publish-url", "--index"))
    if LOCAL_REGISTRY.match(where.removeprefix("http://").removeprefix("https://")):
        return ()
    note = None
    if on(words, "--attestations") or (program == "uv" and "--trusted-publishing" in words):
        note = PUBLISH_NOTE
    target = "TestPyPI" if _TEST_INDEX.search(where) else "PyPI"
    built = (Act("build", f"{program} {verb} --build", place),) if on(words, "--build") else ()
    return (*built, Act("publish", f"{program} {verb}", place, target, note=note))


def setup_py(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """`python setup.py VERB...`: it runs the project's code, and builds or uploads."""
    verbs = positional(words)
    acts = [Act("code", "setup.py", place)]
    if any(verb.startswith(("sdist", "bdist", "build")) for verb in verbs):
        acts.append(Act("build", "setup.py", place))
    if {"upload", "register"} & set(verbs):
        acts.append(Act("publish", "setup.py upload", place, "PyPI"))
    return tuple(acts)


def gem(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """RubyGems: build and push; what `--attestation` adds says who published."""
    verb = next(iter(positional(words, frozenset({"--host", "--key", "-k", "--attestation"}))), "")
    match verb:
        case "build":
            return (Act("build", "gem build", place),)
        case "push" if not dry(words):
            note = (
                "a RubyGems attestation says who published; it is not provenance"
                if flag(words, "--attestation")
                else None
            )
            return (Act("publish", "gem push", place, "RubyGems", note=note),)
        case _:
            return ()


def bazel(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """Bazel: builds; other runs can write a remote or disk cache; `run` runs a target that nobody here reads."""
    caches = [word.partition("=")[0] for word in words if word.startswith(("--remote_cache=", "--disk_cache="))]
    kept = tuple(Act("cache", f"bazel {name}", place) for name in caches if not any(w == f"{name}=" for w in words))
    plain = positional(words)
    match plain[:1]:
        case ("build" | "cquery" | "coverage",):
            return (Act("build", "bazel build", place), *kept)
        case ("test",):
            return (Act("code", "bazel test", place), *kept)
        case ("run",):
            target = next(iter(plain[1:]), "")
            note = f"`bazel run {target[:60]}` was not read: it may build, sign or publish"
            return (
                Act("code", "bazel run", place),
                Act("unread-script", f"bazel run {target}", place, note=note),
                *kept,
            )
        case _:
            return ()


_MAVEN_VALUES = frozenset(
    {"-f", "--file", "-pl", "--projects", "-P", "--activate-profiles", "-s", "--settings", "-gs", "-t", "-T", "-D"}
)


def maven(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """Maven goals and phases: deploy, release:perform, jib:build, sign plugins called by hand."""
    goals = positional(words, _MAVEN_VALUES)
    if any("-SNAPSHOT-local" in word or "altDeploymentRepository=local::" in word for word in words):
        return (Act("build", "mvn", place),)
    acts: list[Act] = []
    for goal in goals:
        plugin, _, name = goal.rpartition(":")
        short = plugin.rpartition(":")[2] if plugin.count(":") < 2 else plugin.split(":")[1]
        short = short.removesuffix("-maven-plugin").removeprefix("maven-")
        if goal == "deploy" or (short, name) in _MAVEN_PUBLISH:
            acts += [Act("build", "mvn", place), Act("publish", "mvn", place, MAVEN)]
        elif goal in {"package", "install", "verify", "compile"}:
            acts.append(Act("build", "mvn", place))
        elif (short, name) in {("jib", "build"), ("docker", "push"), ("fabric8", "push"), ("k8s", "push")}:
            acts += [Act("build", f"mvn {short}", place), Act("publish", f"mvn {short}:{name}", place, CONTAINER)]
        elif short in {"gpg", "sigstore"} and name == "sign":
            acts.append(Act("sign", f"mvn {short}:sign", place))
        elif short == "spring-boot" and name == "build-image":
            pushed = any("spring-boot.build-image.publish=true" in word for word in words)
            acts.append(Act("build", "mvn spring-boot:build-image", place))
            acts += [Act("publish", "mvn spring-boot:build-image", place, CONTAINER)] if pushed else []
        elif short == "jreleaser":
            acts += jreleaser(("jreleaser", name), place)
        else:
            acts.append(Act("code", f"mvn {goal}"[:80], place))
    return tuple(dict.fromkeys(acts)) or (Act("code", "mvn", place),)


_MAVEN_PUBLISH = frozenset(
    {
        ("nexus-staging", "deploy"), ("nexus-staging", "release"), ("release", "perform"), ("deploy", "deploy"),
        ("deploy", "deploy-file"), ("central-publishing", "publish"), ("njord", "publish"),
    }
)  # fmt: skip


def gradle(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """Gradle tasks by their usual names: publish..., sign..., jib, bootBuildImage, build."""
    tasks = positional(
        words, frozenset({"-p", "--project-dir", "-b", "-c", "-g", "-I", "--init-script", "-x", "--exclude-task"})
    )
    acts: list[Act] = []
    for task in tasks:
        name = task.rpartition(":")[2].lower()
        if name.startswith(("publish", "closeandrelease", "release", "uploadarchives", "bintrayupload")) and not any(
            held in name for held in ("local", "release-notes", "releasenotes")
        ):
            acts += [Act("build", "gradle", place), Act("publish", "gradle", place, _gradle_target(name))]
        elif name in {"jib", "dockerpush", "dockerpushimage"} or (
            name == "bootbuildimage" and on(words, "--publishImage")
        ):
            acts += [Act("build", f"gradle {name}", place), Act("publish", f"gradle {name}", place, CONTAINER)]
        elif name.startswith("sign") or "sigstoresign" in name:
            acts.append(Act("sign", f"gradle {name[:40]}", place))
        elif name.startswith("jreleaser"):
            acts += jreleaser(("jreleaser", re.sub(r"^-", "", name.removeprefix("jreleaser"))), place)
        elif name in {
            "build",
            "assemble",
            "jar",
            "bootjar",
            "shadowjar",
            "distzip",
            "disttar",
            "war",
            "bootbuildimage",
        }:
            acts.append(Act("build", "gradle", place))
        else:
            acts.append(Act("code", "gradle", place))
    if on(words, "--build-cache"):
        acts.append(Act("cache", "gradle --build-cache", place))
    return tuple(dict.fromkeys(acts)) or (Act("code", "gradle", place),)


def _gradle_target(name: str) -> str:
    return "Gradle Plugin Portal" if name == "publishplugins" else MAVEN


def jreleaser(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """JReleaser: what it publishes stands in its own file; it makes no provenance by itself (its documentation)."""
    verb = next(iter(positional(words, frozenset({"-c", "--config-file", "-b", "--basedir"}))), "").replace("-", "")
    if dry(words) or verb in {
        "",
        "config",
        "init",
        "template",
        "env",
        "jsonschema",
        "checksum",
        "changelog",
        "catalog",
    }:
        return ()
    note = "JReleaser makes no provenance by itself; what its own configuration adds is read where it is here"
    match verb:
        case "sign":
            return (Act("sign", "jreleaser sign", place),)
        case "assemble" | "package" | "prepare":
            return (Act("build", f"jreleaser {verb}", place),)
        case "deploy":
            return (Act("publish", "jreleaser deploy", place, MAVEN, note=note),)
        case "release" | "fullrelease" | "upload" | "publish" | "autoconfig":
            return (Act("publish", f"jreleaser {verb}", place, "GitHub release", note=note),)
        case _:
            return (Act("code", f"jreleaser {verb}"[:60], place),)
