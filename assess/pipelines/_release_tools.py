"""Release tools' own files: what GoReleaser, bake, npm, JReleaser, Maven, Gradle and ko add to their commands.

A file that is not here, or cannot be read, changes nothing: the command's own meaning, with its doubts, stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import Source
from assess.pipelines import _goreleaser, _jreleaser
from assess.pipelines._around import Around
from assess.pipelines._facts import Act
from assess.pipelines._files import Folder
from assess.pipelines._flags import OFF, flag, flags, on, positional
from assess.pipelines._images import buildkit
from assess.pipelines._packages import NPM_VALUES, npm_flagged, npm_offer, npm_token
from assess.pipelines._scripts import Follower, Piece, within

Refined = tuple[tuple[Act, ...], tuple[Piece, ...]]

_BAKE_VALUES = frozenset(
    {"-f", "--file", "--set", "--provenance", "--sbom", "--builder", "--metadata-file", "--progress", "--allow",
     "--var", "--call"}
)  # fmt: skip


def configured(program: str, words: tuple[str, ...], acts: tuple[Act, ...], place: Source, around: Around) -> Refined:
    """The acts of a command, refined by the tool's own file; and pieces of shell text that the file makes it run."""
    follower = around.follower
    if follower is None or around.directory is None:
        return acts, ()
    match program:
        case "goreleaser":
            return _by_goreleaser(words, acts, place, around, follower)
        case "npm" | "pnpm" | "yarn" | "bun" | "lerna" | "changeset" | "semantic-release":
            return _by_npm(words, acts, around, follower), ()
        case "docker" if "bake" in words:
            return _by_bake(words, acts, place, around, follower), ()
        case "jreleaser":
            return _by_jreleaser(words, acts, around, follower), ()
        case "mvn" | "mvnw":
            return _by_pom(words, acts, around, follower), ()
        case "gradle" | "gradlew" | "gradlew.bat":
            return _by_gradle(words, acts, around, follower), ()
        case "ko":
            return _by_ko(acts, around, follower), ()
        case _:
            return acts, ()


def of_action(
    name: str,
    inputs: Mapping[str, str],
    acts: tuple[Act, ...],
    source: Source,
    variables: Mapping[str, str],
    folder: Folder,
) -> Refined:
    """The same for a CI system's own step that runs such a tool (GitHub: `goreleaser/goreleaser-action`)."""
    where = within("", inputs.get("workdir") or inputs.get("working-directory") or "")
    around = Around(variables, Follower.of(folder), where)
    match name:
        case "goreleaser/goreleaser-action":
            words = ("goreleaser", *re.split(r"[\s'\"]+", inputs.get("args", "")))
            return configured("goreleaser", words, acts, source, around) if acts else (acts, ())
        case "docker/bake-action":
            words = _bake_words(inputs)
            return configured("docker", words, acts, source, around)
        case "jreleaser/release-action":
            verb = next(iter(positional(("", *inputs.get("arguments", "full-release").split()))), "full-release")
            return configured("jreleaser", ("jreleaser", verb), acts, source, around)
        case "changesets/action" | "js-devtools/npm-publish" | "cycjimmy/semantic-release-action":
            return configured("npm", ("npm", "publish"), acts, source, around)
        case _:
            return acts, ()


def _bake_words(inputs: Mapping[str, str]) -> tuple[str, ...]:
    """The command line that `docker/bake-action` makes of its inputs."""
    words = ["docker", "buildx", "bake"]
    words += [f"--file={one}" for one in re.split(r"[\s,]+", inputs.get("files", "")) if one]
    words += [f"--set={one.strip()}" for one in inputs.get("set", "").split("\n") if one.strip()]
    words += ["--push"] if inputs.get("push", "").strip().lower() not in {"", "false"} else []
    words += ["--load"] if inputs.get("load", "").strip().lower() == "true" else []
    words += [f"--provenance={inputs['provenance']}"] if inputs.get("provenance") else []
    return (*words, *(one for one in re.split(r"[\s,]+", inputs.get("targets", "")) if one))


def _by_goreleaser(
    words: tuple[str, ...], acts: tuple[Act, ...], place: Source, around: Around, follower: Follower
) -> Refined:
    named = flag(words, "-f", "--config")
    root = _first(follower, around.directory, (named,) if named is not None else _goreleaser.FILES)
    if root is None or root.kind != "mapping":
        return acts, ()
    given = re.split(r"[,\s]+", ",".join(flags(words, "--skip")))
    given += [word.removeprefix("--skip-") for word in words if word.startswith("--skip-")]
    skipped = frozenset({"docker" if one == "dockers" else one for one in given})
    if "release" not in words:
        return acts, _goreleaser.build(root, skipped)
    publishes = any(act.does == "publish" for act in acts)
    more, hooks = _goreleaser.release(root, skipped, publishes, place)
    return (*(act for act in acts if act.does != "publish"), *more), hooks


def _first(follower: Follower, directory: str | None, names: tuple[str, ...]) -> Node | None:
    """The first of several YAML or JSON files that is here."""
    for name in names:
        path = within(directory, name)
        root = None if path is None else follower.json(path) if path.endswith(".json") else follower.yaml(path)
        if root is not None:
            return root
    return None


def _by_npm(words: tuple[str, ...], acts: tuple[Act, ...], around: Around, follower: Follower) -> tuple[Act, ...]:
    """`publishConfig.provenance` of package.json and `provenance` of .npmrc, where no flag or variable decides."""
    doubtful = [
        act for act in acts if act.offer is not None and act.offer.generator.startswith(("npm publish", "npm trusted"))
    ]
    if not doubtful:
        return acts
    package = next((word for word in positional(words, NPM_VALUES)[1:] if word != "publish"), "")
    directory = within(around.directory, package) if package and not package.endswith(".tgz") else around.directory
    spread = {"-w", "--workspace", "--workspaces", "-r", "--recursive", "--filter"} & {
        word.partition("=")[0] for word in words
    }
    manifest = None if package.endswith(".tgz") or spread else follower.manifest(directory)
    asked, told = _provenance_setting(manifest, around.directory, follower)
    if asked is None:
        if manifest is None or not npm_token(around.variables) or npm_flagged(around.variables):
            return acts
        note = "neither package.json nor .npmrc asks for provenance, and a token publishes"
        return tuple(replace(act, offer=None, note=note) if act in doubtful else act for act in acts)
    plain = tuple(replace(act, offer=None) if act in doubtful else act for act in acts)
    if not asked.value:
        return (*plain, Act("provenance-off", told, asked.source, note="provenance of the package is switched off"))
    offer = npm_offer(True, npm_token(around.variables))
    return (*plain, Act("attest", told, asked.source, offer=offer))


def _provenance_setting(manifest: Node | None, directory: str | None, follower: Follower) -> tuple[Node | None, str]:
    """The setting that decides (a boolean node), and its name; npm takes package.json's before .npmrc's."""
    asked = (manifest.get("publishConfig") or _NOTHING).get("provenance") if manifest is not None else None
    if asked is not None and isinstance(asked.value, bool):
        return asked, "package.json publishConfig.provenance"
    for place in dict.fromkeys((directory, "")):
        path = within(place, ".npmrc")
        data = None if path is None else follower.read(path)
        for number, line in enumerate((data or b"").decode("utf-8", "replace").split("\n"), 1):
            name, _, value = (part.strip() for part in line.partition("="))
            if name == "provenance" and value in {"true", "false"}:
                return Node("scalar", value == "true", path or "", number, 1, value), ".npmrc provenance"
    return None, ""


_NOTHING = Node("mapping", {}, "", 0, 0)


def _by_bake(
    words: tuple[str, ...], acts: tuple[Act, ...], place: Source, around: Around, follower: Follower
) -> tuple[Act, ...]:
    from assess.pipelines._bake import FILES, baked

    names = flags(words, "-f", "--file") or FILES
    files = tuple(
        root for name in names if (root := _hcl_or_json(follower, within(around.directory, name))) is not None
    )
    targets = tuple(word for word in positional(words, _BAKE_VALUES) if word not in {"buildx", "bake"})
    found = baked(files, targets) if files else None
    if found is None:
        return acts
    sets = [one.partition("=")[2] for one in flags(words, "--set") if ".attest=" in one]
    provenance = flag(words, "--provenance")
    pushed = any(act.does == "publish" for act in acts) or any(
        "type=registry" in text or "push=true" in text for text, _ in found.outputs
    )
    loads = on(words, "--load") or bool(found.outputs and not pushed)
    attests = found.attests if provenance is None and not sets else ()
    tool = next((act.tool for act in acts), "docker buildx bake")
    # a target that says nothing keeps BuildKit's default, whatever others switch off
    off = [at for text, at in attests if "type=provenance" in text and "disabled=true" in text]
    told = tuple(text for text, _ in attests) if not off or not found.silent else ()
    at = next((one for text, one in attests if "type=provenance" in text), place)
    made = buildkit(
        provenance, pushed or None, tool, at, around.variables, attest=(*told, *sets), loads=loads and not pushed
    )
    made = [replace(act, source=place) if act.does == "publish" else act for act in made]
    listed = [Act("sbom", tool, one) for text, one in attests if "type=sbom" in text and "disabled=true" not in text][
        :1
    ]
    caches = [Act("cache", f"{tool} cache-from", one) for one in found.caches]
    kept = [act for act in acts if act.does not in {"publish", "attest", "provenance-off", "sbom"}]
    return (*kept, *made, *(listed or (act for act in acts if act.does == "sbom")), *caches)


def _hcl_or_json(follower: Follower, path: str | None) -> Node | None:
    if path is None:
        return None
    if path.endswith(".json"):
        return follower.json(path)
    if not path.endswith(".hcl"):
        return None
    key = f"hcl {path}"
    if key not in follower.parsed:
        from assess.pipelines._hcl import read_hcl

        data = follower.read(path)
        try:
            follower.parsed[key] = None if data is None else read_hcl(data, path)
        except InputError as error:
            follower.parsed[key] = None
            follower.problems[path] = error.message
    node = follower.parsed[key]
    return node if isinstance(node, Node) else None


def _by_jreleaser(words: tuple[str, ...], acts: tuple[Act, ...], around: Around, follower: Follower) -> tuple[Act, ...]:
    verb = next(iter(positional(words, frozenset({"-c", "--config-file", "-b", "--basedir"}))), "").replace("-", "")
    named = flag(words, "-c", "--config-file")
    root: Node | None = None
    for name in (named,) if named is not None else _jreleaser.FILES:
        path = within(around.directory, name)
        if path is None:
            continue
        if not path.endswith(".toml"):
            root = _first(follower, "", (path,))
        elif (data := follower.read(path)) is not None:
            root = _jreleaser.toml_nodes(data, path)
        if root is not None:
            break
    if root is None or root.kind != "mapping" or not any(act.does == "publish" for act in acts):
        return acts
    more, notes = _jreleaser.configured(root, verb)
    publishes = any(act.does == "publish" for act in more)
    kept = tuple(act for act in acts if act.does != "publish" or not publishes)
    note = "; ".join(f"{one.source}: {one.text}" for one in notes) or None
    return (*kept, *(replace(act, note=note) if act.does == "publish" else act for act in more))


def _by_pom(words: tuple[str, ...], acts: tuple[Act, ...], around: Around, follower: Follower) -> tuple[Act, ...]:
    path = within(around.directory, flag(words, "-f", "--file") or "pom.xml")
    data = None if path is None else follower.read(path)
    if data is None or path is None or not any(act.does == "publish" for act in acts):
        return acts
    from assess.pipelines._jvm_files import maven_plugins

    profiles = tuple(one for text in flags(words, "-P", "--activate-profiles") for one in text.split(","))
    profiles += tuple(one for word in words if word.startswith("-P") and len(word) > 2 for one in word[2:].split(","))
    try:
        plugins = maven_plugins(data, path, profiles)
    except InputError as error:
        follower.problems[path] = error.message
        return acts
    skips = any(word.startswith("-Dgpg.skip") and word.partition("=")[2].lower() not in OFF for word in words)
    more: list[Act] = []
    for one in plugins:
        if one.kind == "gpg" and "sign" in one.goals and not skips:
            more += [Act("sign", "maven-gpg-plugin", one.source, sure=one.sure)]
            more += [Act("key", "maven-gpg-plugin", one.source, sure=one.sure)]
        elif one.kind in {"sigstore", "signing"} and "sign" in one.goals:
            more.append(Act("sign", f"maven {one.kind} plugin", one.source, sure=one.sure))
        elif one.kind == "jib" and "build" in one.goals and one.phase in {"deploy", "install", "package"}:
            more.append(Act("publish", "jib-maven-plugin", one.source, "container registry", sure=one.sure))
    return (*acts, *more)


def _by_gradle(words: tuple[str, ...], acts: tuple[Act, ...], around: Around, follower: Follower) -> tuple[Act, ...]:
    if not any(act.does == "publish" for act in acts):
        return acts
    from assess.pipelines._jvm_files import gradle_plugins

    moved = within(around.directory, flag(words, "-p", "--project-dir") or "")
    more: list[Act] = []
    for name in ("build.gradle.kts", "build.gradle"):
        path = within(moved, name)
        data = None if path is None else follower.read(path)
        for one in (
            gradle_plugins(data.decode("utf-8", "replace"), path) if data is not None and path is not None else ()
        ):
            if one.kind in {"signing", "sigstore"}:
                more.append(Act("sign", f"gradle {one.kind} plugin", one.source, sure=False))
            elif one.kind == "pgp-key":
                more.append(Act("key", "gradle useInMemoryPgpKeys", one.source))
    return (*acts, *more)


def _by_ko(acts: tuple[Act, ...], around: Around, follower: Follower) -> tuple[Act, ...]:
    """`.ko.yaml`: a base image that is named by a tag is told."""
    root = _first(follower, around.directory, (".ko.yaml",))
    base = root.get("defaultBaseImage") if root is not None else None
    if base is None or not base.text or "@" in base.text:
        return acts
    note = f"{base.source}: the base image `{base.text[:80]}` is named by a tag"
    return tuple(replace(act, note=note) if act.does == "build" else act for act in acts)
