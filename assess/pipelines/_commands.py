"""What command lines do: the tools that build, sign, attest and publish, recognised in scripts of any CI system.

`recognise` is the one way in. Give it the project's `Folder`, and `make X`, `npm run X`, `./script.sh`, `just X`,
`task X` and the release tools' own files are read as well, each act at the place of the file where it stands; what is
not found stays `unread-script`. Nothing is run.
"""

# Longer than 300 lines: commands run scripts, and scripts hold commands; what calls itself stands together.

from __future__ import annotations

import re
from collections.abc import Mapping

from assess._frozen import replace
from assess.evidence import Source
from assess.pipelines._around import Around, assigned, resolved
from assess.pipelines._command_table import OPAQUE, PREFIXES, Row
from assess.pipelines._facts import UNREAD, Act
from assess.pipelines._files import Folder
from assess.pipelines._flags import LOCAL_REGISTRY, dry, flag, positional
from assess.pipelines._images import docker, run_inside
from assess.pipelines._packages import (
    gradle,
    maven,
    npm,
    npm_flagged,
    npm_offer,
    npm_plain,
    npm_token,
    setup_py,
)
from assess.pipelines._programs import CHECKSUMS, single
from assess.pipelines._release_tools import configured
from assess.pipelines._release_tools import of_action as configured_action
from assess.pipelines._scripts import MAX_DEPTH, Follower, Piece, within
from assess.pipelines._shell import Command, Script, read_script
from assess.pipelines._signers import PUBLISH_NOTE, cosign
from assess.pipelines._tools import building, goreleaser, harmless, opaque

_SCRIPT = re.compile(r"(?:\.{1,2}[/\\]|[./]?(?:\$|\w)[^=]*/).*|.*\.(?:sh|bash|py|js|mjs|ts|rb|pl|ps1|bat|cmd)\Z")
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh", "ash", "source", "."})
_LANGUAGES = frozenset({"python", "python3", "node", "ruby", "perl", "pwsh", "powershell", "php", "deno", "Rscript"})
_FETCH = frozenset({"curl", "wget", "iwr", "irm", "invoke-webrequest", "invoke-restmethod"})
# patterns that few scripts need are compiled when they are first used
_FETCHED = r"\A(?:<|\$)\((?:curl|wget)\b|\A`(?:curl|wget)\b"
_DOWNLOADS = (
    r"(?i)\b(?:iex|Invoke-Expression)\b.*(?:DownloadString|\biwr\b|\birm\b|Invoke-WebRequest|Invoke-RestMethod)"
)
_PINNED_URL = r"https://\S*/[0-9a-f]{40}/"
_EXECUTORS = frozenset(
    {
        "npx",
        "bunx",
        "pnpx",
        "uvx",
        "pipx",
        "bundle",
        "xargs",
        "retry",
        "cross-env",
        "dotenv",
        "doppler",
        "op",
        "nix",
        "mise",
        "asdf",
        "corepack",
        "chroot",
        "firejail",
        "watch",
        "parallel",
        "flock",
        "gosu",
        "winpty",
        "arch",
        "setarch",
        "taskset",
        "ionice",
        "script",
    }
)
_STEPS_ENVIRONMENT = re.compile(r"\bGITHUB_(?:ENV|PATH)\b|\bBASH_ENV\b")
_WORKFLOW_COMMAND = re.compile(r"::(?:set-env|add-path)\b|##vso\[task\.(?:setvariable|prependpath)")
_POWERSHELL = re.compile(r"\$env:\w+|\b(?:Write-Host|Invoke-\w+|Get-\w+|Set-\w+|New-Item|Out-File|ForEach-Object)\b")
_SELF = (
    r"""\$\((?:cd\s+)?["']?\$?\(?dirname\s+(?:--\s+)?["']?\$(?:0|\{?BASH_SOURCE(?:\[0\])?\}?|\{0\})["']?\)?["']?"""
    r"(?:\s*&&\s*pwd(?:\s+-P)?)?\)"
)


def recognise(
    script: str,
    source: Source,
    environment: Mapping[str, str],
    folder: Folder | None = None,
    directory: str | None = "",
    shell: str | None = None,
) -> tuple[Act, ...]:
    """What a script does, in order.

    `source` is the place of its first line; `environment` the variables set around it. With `folder` the project's own
    scripts and configuration files are followed, from `directory` (where the script runs, relative to the project's
    root; None if that cannot be told, and nothing is followed then). `shell` is the CI system's word for the language:
    `bash`, `sh`, `pwsh`, `powershell`, `cmd` (None: sh, unless the text is plainly PowerShell).
    """
    where = within("", directory) if directory else directory
    return _read(script, source, Around(environment, Follower.of(folder), where), shell)


def of_action(
    name: str,
    inputs: Mapping[str, str],
    acts: tuple[Act, ...],
    source: Source,
    variables: Mapping[str, str],
    folder: Folder,
) -> tuple[Act, ...]:
    """The acts of a CI system's own step (GitHub: an action), refined by the file of the release tool that it runs."""
    refined, pieces = configured_action(name, inputs, acts, source, variables, folder)
    return (*refined, *_pieces(pieces, Around(variables, Follower.of(folder)))) if pieces else refined


def _read(text: str, source: Source, around: Around, shell: str | None = None) -> tuple[Act, ...]:
    script = _parse(text, shell)
    if script is None:
        return (Act("unread-script", "script", source, note="a script is too long to be read"),)
    reading = _Reading(around, source)
    if "DownloadString" in text or "Invoke-" in text:
        reading.downloads(text)
    for command in script.commands:
        reading.take(command)
    if script.unsure is not None:
        note = f"the script was not read for certain: {script.unsure}"
        reading.acts.append(Act("unread-script", "script", source, note=note))
    return tuple(reading.acts)


def _parse(text: str, shell: str | None) -> Script | None:
    name = (shell or "").split(" ")[0].rpartition("/")[2].lower().removesuffix(".exe")
    if name in {"pwsh", "powershell"} or (shell is None and _POWERSHELL.search(text)):
        from assess.pipelines._shell_windows import read_windows

        return read_windows(text, "powershell")
    if name in {"cmd", "batch", "bat"}:
        from assess.pipelines._shell_windows import read_windows

        return read_windows(text, "cmd")
    return read_script(text)


class _Reading:
    """The acts of one script so far, with what its commands leave behind: variables, directories, downloads."""

    def __init__(self, around: Around, source: Source) -> None:
        self.around = around
        self.source = source
        self.acts: list[Act] = []
        self.local: dict[str, str] = {}
        self.directories: dict[tuple[int, ...], str | None] = {}
        self.fetched: set[str] = set()

    def downloads(self, text: str) -> None:
        """PowerShell that evaluates what it downloads, in one expression."""
        for number, line in enumerate(text.split("\n")):
            if re.search(_DOWNLOADS, line) and not line.lstrip().startswith("#"):
                place = Source(self.source.path, None if self.source.line is None else self.source.line + number)
                self.acts.append(Act("remote-script", "iex", place, note="runs a script straight from the network"))

    def take(self, command: Command) -> None:
        """One command."""
        line = None if self.source.line is None else self.source.line + command.line
        place = Source(self.source.path, line, self.source.column if command.line == 0 else None)
        outer = self.around
        variables: Mapping[str, str] = {**outer.variables, **self.local} if self.local else outer.variables
        words = resolved(command.words, variables)
        if not words:
            for one in command.assignments:
                assigned(self.local, self._own_folder(one), outer.variables)
        elif command.assignments:
            given = (one.partition("=") for one in command.assignments)
            variables = {**variables, **{name: value for name, _, value in given if name[-1:] != "+"}}
        if words and words[0] in {"export", "declare", "local", "readonly", "typeset"}:
            for one in (word for word in words[1:] if "=" in word and not word.startswith("-")):
                assigned(self.local, self._own_folder(one), outer.variables)
        if words and words[0] in {"cd", "pushd", "popd", "Set-Location"}:
            self._move(words, command.scope)
        self._environment_file(command, place)
        if words is not command.words:
            command = replace(command, words=words)
        around = Around(variables, outer.follower, self._directory(command.scope), outer.depth, outer.active)
        for act in self._downloaded(words, command, place) or _of(command, place, around):
            either = {act.optional, command.tolerated}
            optional = True if True in either else None if None in either else False
            self.acts.append(act if optional is act.optional else replace(act, optional=optional))

    def _own_folder(self, text: str) -> str:
        """`$(dirname "$0")` as the folder of the script that is read; a pipeline's own text has no folder."""
        if self.around.depth == 0:
            return text
        folder = self.source.path.rpartition("/")[0]
        return re.sub(_SELF, lambda _: f"$GITHUB_WORKSPACE/{folder}", text) if "$(" in text else text

    def _directory(self, scope: tuple[int, ...]) -> str | None:
        for length in range(len(scope), -1, -1):
            if scope[:length] in self.directories:
                return self.directories[scope[:length]]
        return self.around.directory

    def _move(self, words: tuple[str, ...], scope: tuple[int, ...]) -> None:
        target = next((word for word in words[1:] if not word.startswith("-") or word == "-"), None)
        moves = words[0] != "popd" and target not in {None, "-"}
        self.directories[scope] = (
            within(self._directory(scope), self._own_folder(target or ""))
            if moves
            else (self.around.directory if words[0] == "popd" or target == "-" else None)
        )

    def _environment_file(self, command: Command, place: Source) -> None:
        """Writes into the environment or the search path of later steps."""
        destination = command.writes or ""
        if command.program.lower() in {"tee", "out-file", "add-content", "set-content"}:
            destination += " ".join(command.words[1:])
        found = _STEPS_ENVIRONMENT.search(destination) or _WORKFLOW_COMMAND.search(" ".join(command.words))
        if found is not None:
            self.acts.append(Act("env-write", found.group(), place))

    def _downloaded(self, words: tuple[str, ...], command: Command, place: Source) -> tuple[Act, ...]:
        """A file that this script has downloaded, and now runs without having compared its digest."""
        program = command.program
        if program in {"curl", "wget"}:
            name = flag(words, "-o", "--output", "-O", "--output-document") or command.writes
            if name in {None, "true"} or (name or "").startswith("http"):
                name = next((word.rpartition("/")[2] for word in words if word.startswith("http")), None)
            if name and not any(re.match(_PINNED_URL, word) for word in words):
                self.fetched.add(name.rpartition("/")[2])
        elif program in CHECKSUMS | {"gpg", "cosign", "slsa-verifier", "minisign"}:
            self.fetched.clear()
        elif self.fetched:
            ran = words[1:] if program in _SHELLS | _LANGUAGES else words[:1]
            script = next((word for word in ran if not word.startswith("-")), "")
            if "/" in script or program in _SHELLS | _LANGUAGES:
                if script.rpartition("/")[2] in self.fetched and script.endswith(
                    (".sh", ".py", ".ps1", ".bash", ".pl")
                ):
                    note = "runs a script straight from the network"
                    return (Act("remote-script", script.rpartition("/")[2], place, note=note),)
        return ()


def _of(command: Command, place: Source, around: Around) -> tuple[Act, ...]:
    words = command.words
    if not words or words[1:2] in {("=",), ("+=",)}:
        return ()
    program = command.program.lower().removesuffix(".exe")
    acts = _by_program(program, command, place, around)
    if acts is None:
        acts = _plain_command(program, command, place, around)
    if not acts or around.follower is None:
        return acts
    refined, pieces = configured(program, words, acts, place, around)
    return (*refined, *_pieces(pieces, around)) if pieces else refined


def _by_program(program: str, command: Command, place: Source, around: Around) -> tuple[Act, ...] | None:
    """Tools whose meaning depends on their flags, and those that run other commands; None for all else."""
    words, variables = command.words, around.variables
    match program:
        case "docker" | "nerdctl" | "podman":
            return _container(words, place, around)
        case "docker-compose":
            return docker(("docker", "compose", *words[1:]), place, variables)
        case "cosign":
            return cosign(words, place, variables)
        case "npm" | "pnpm" | "yarn" | "bun":
            return _npm(program, words, place, around)
        case "python" | "python3" | "py" | "pypy3":
            return _python(words, command, place, around)
        case "make" | "gmake" | "bmake":
            return _make(words, place, around)
        case "just" | "task" | "go-task":
            return _targets(program, words, place, around)
        case "mvn" | "mvnw" | "mvnw.cmd":
            return maven(words, place)
        case "gradle" | "gradlew" | "gradlew.bat":
            return gradle(words, place)
        case "goreleaser":
            return goreleaser(" ".join(words[1:]), place)
        case "eval" | "time":
            return _read(" ".join(words[1:]), place, _deeper(around)) if around.depth < MAX_DEPTH else ()
        case _ if program in _EXECUTORS:
            return _executor(program, command, place, around)
        case _:
            return single(program, words, place, variables)


def _container(words: tuple[str, ...], place: Source, around: Around) -> tuple[Act, ...]:
    """Docker and its kin; a tool that is run from its own image counts as the tool."""
    inside = run_inside(words)
    if inside is not None and around.depth < MAX_DEPTH:
        name, arguments = inside
        tool = {"kaniko-executor": "kaniko", "executor": "kaniko"}.get(name, name)
        if tool in _IN_IMAGES:
            found = _of(Command((tool, *arguments), 0), place, replace(_deeper(around), directory=None))
            return (Act("code", f"docker run {name}", place), *found)
        if tool in {"sh", "bash"} or (arguments[:1] and arguments[0].rpartition("/")[2] in {"sh", "bash"}):
            shell = arguments if tool in {"sh", "bash"} else arguments[1:]
            at = next((n for n, word in enumerate(shell) if re.match(r"-\w*c\Z", word)), None)
            if at is not None and at + 1 < len(shell):
                inner = _read(shell[at + 1], place, replace(_deeper(around), directory=None))
                return (Act("code", f"docker run {name}", place), *inner)
    return docker(words, place, around.variables)


_IN_IMAGES = frozenset(
    {"cosign", "goreleaser", "goreleaser-cross", "ko", "kaniko", "crane", "skopeo", "oras", "slsa-verifier", "witness",
     "apko", "melange", "twine", "jreleaser", "jreleaser-slim", "notation", "syft", "buildah"}
)  # fmt: skip


def _npm(program: str, words: tuple[str, ...], place: Source, around: Around) -> tuple[Act, ...]:
    plain = npm_plain(words)
    moved = flag(words, "--prefix", "-C", "--cwd", "--dir")
    spread = {
        "-w",
        "--workspace",
        "--workspaces",
        "--filter",
        "-F",
        "-r",
        "--recursive",
        "-ws",
        "workspace",
        "workspaces",
    }
    where = None if spread & {word.partition("=")[0] for word in words} else around.directory
    where = within(where, moved) if moved is not None else where
    name: str | None = None
    match plain:
        case ("run" | "run-script" | "rum" | "urn", script, *_):
            name = script
        case (("test" | "t" | "start" | "stop" | "restart") as script, *_):
            name = {"t": "test"}.get(script, script)
        case (("exec" | "dlx" | "x"), tool, *_) if program != "npm":
            at = words.index(tool)
            return (Act("code", f"{program} exec", place), *_of(Command(words[at:], 0), place, _deeper(around)))
        case (script, *_) if program in {"yarn", "pnpm", "bun"} and script not in _NPM_VERBS:
            name = script
        case _:
            hooks = _HOOKS.get(plain[0] if plain else "", ())
            acts = npm(words, place, around.variables)
            if acts and hooks and around.follower is not None:
                pieces = around.follower.lifecycle(hooks, where)
                inner = _pieces(pieces, around)
                return (*acts, *(act for act in inner if act.does not in UNREAD or plain[0] == "publish"))
            return acts
    shown = f"{program} run {name}" if plain[:1] != (name,) else f"{program} {name}"
    pieces_of = around.follower.package(name, where) if around.follower is not None else None
    if pieces_of is None and name in {"test", "start", "stop", "restart"}:
        return (Act("code", f"{program} {name}", place),)
    return _followed(shown, name, pieces_of, place, around)


_NPM_VERBS = frozenset(
    {
        "publish", "pub", "stage", "audit", "pack", "ci", "install", "i", "add", "exec", "rebuild", "config", "version",
        "set", "login", "whoami", "view", "info", "cache", "link", "up", "upgrade", "update", "remove", "dedupe",
        "import", "why", "outdated", "store", "fetch", "create", "init", "dlx", "x", "node", "pm", "global", "plugin",
        "policies", "licenses", "list", "ls", "prune", "root", "bin", "approve-builds", "tag", "owner", "team", "help",
    }
)  # fmt: skip
_HOOKS: dict[str, tuple[str, ...]] = {
    "publish": ("prepublishOnly", "prepack", "prepare", "postpack", "publish", "postpublish"),
    "pack": ("prepack", "prepare", "postpack"),
    "ci": ("preinstall", "install", "postinstall", "prepare"),
    "install": ("preinstall", "install", "postinstall", "prepare"),
    "i": ("preinstall", "install", "postinstall", "prepare"),
}


def _make(words: tuple[str, ...], place: Source, around: Around) -> tuple[Act, ...]:
    found: list[Act] = []
    tool = "make"
    if around.follower is None:
        for target in _make_targets(words[1:]):
            found += opaque(f"{tool} {target}", target, place)
        return tuple(found)
    for target, pieces in around.follower.make(words, around.directory).items():
        found += _followed(f"{tool} {target}", target, pieces, place, around)
    return tuple(found)


def _make_targets(arguments: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    before = ""
    for word in arguments:
        if word[:1] not in {"-", ""} and "=" not in word and before not in {"-C", "-f", "-j", "-I", "-l"}:
            found.append(word)
        before = word
    return found or ["all"]


def _targets(program: str, words: tuple[str, ...], place: Source, around: Around) -> tuple[Act, ...]:
    """`just` and `task`: each word is a target, until one that looks like an argument."""
    names = [
        word
        for word in positional(words, frozenset({"-f", "--justfile", "-d", "--dir", "-t", "--taskfile"}))
        if "=" not in word
    ]
    names = names[:1] if program == "just" else names
    found: list[Act] = []
    for name in names or ([""] if program == "just" else ["default"]):
        pieces = None
        if around.follower is not None and not {"-f", "--justfile", "-d", "--dir", "-t", "--taskfile"} & set(words):
            follow = around.follower.just if program == "just" else around.follower.task
            pieces = follow(name, around.directory)
        found += _followed(f"{program} {name}".strip(), name or "all", pieces, place, around)
    return tuple(found)


def _script(name: str, place: Source, around: Around, interpreter: str | None = None) -> tuple[Act, ...]:
    if name.startswith(("/dev/", "/usr/", "/bin/", "/etc/", "/opt/", "C:\\")):
        return ()
    last = name.replace("\\", "/").rpartition("/")[2]
    base = last.rpartition(".")[0] or last
    shells = interpreter is None or interpreter in _SHELLS | {"pwsh", "powershell"}
    pieces = (
        around.follower.script(name, around.directory, interpreter) if around.follower is not None and shells else None
    )
    return _followed(name.removeprefix("$GITHUB_WORKSPACE/"), base, pieces, place, around)


def _followed(
    shown: str, name: str, pieces: tuple[Piece, ...] | None, place: Source, around: Around
) -> tuple[Act, ...]:
    """What the project's own script does; what a conventional name promises where it was not found.

    In a script with a harmless name, what could not be looked into further is believed to be harmless as well.
    """
    if pieces is None or around.depth >= MAX_DEPTH:
        problems = around.follower.problems if around.follower is not None else {}
        problem = next((text for path, text in problems.items() if path.endswith(shown.removeprefix("./"))), None)
        why = "was not read" if problem is None else f"was not read ({problem})"
        return opaque(shown, name, place, why)
    inner = _pieces(pieces, around)
    if harmless(name):
        inner = tuple(act for act in inner if act.does not in UNREAD)
    built = (Act("build", shown, place),) if building(name) and not any(act.does == "build" for act in inner) else ()
    return (Act("code", shown, place), *built, *inner)


def _pieces(pieces: tuple[Piece, ...], around: Around) -> tuple[Act, ...]:
    found: list[Act] = []
    for piece in pieces:
        if piece.key in around.active or around.depth >= MAX_DEPTH:
            continue
        inner = replace(around, directory=piece.directory, depth=around.depth + 1, active=around.active | {piece.key})
        acts = _read(piece.text, piece.source, inner, piece.shell)
        found += (replace(act, optional=True) for act in acts) if piece.tolerated else acts
    return tuple(dict.fromkeys(found))


def _deeper(around: Around) -> Around:
    return replace(around, depth=around.depth + 1)


def _executor(program: str, command: Command, place: Source, around: Around) -> tuple[Act, ...]:
    """Programs that run the command in their arguments: `npx X`, `bundle exec X`, `xargs X`, `nix develop -c X`."""
    if around.depth >= MAX_DEPTH:
        return ()
    words = command.words
    rest = list(words[1:])
    if "--" in rest and program not in {"xargs"}:
        rest = rest[rest.index("--") + 1 :]
    elif program == "nix" and {"-c", "--command"} & set(rest):
        rest = rest[next(n for n, word in enumerate(rest) if word in {"-c", "--command"}) + 1 :]
    elif program == "nix":
        return _plain_command(program, command, place, around)
    while rest and (
        rest[0].startswith("-") or rest[0] in {"exec", "run", "x", "e"} or "=" in rest[0] or rest[0].isdigit()
    ):
        taken = rest.pop(0)
        if (
            taken
            in {"-p", "--package", "-n", "-P", "-I", "-L", "-s", "-d", "--config", "--project", "--from", "--with"}
            and rest
        ):
            rest.pop(0)
    if not rest:
        return ()
    name = re.sub(r"(?<=.)@[^/]*\Z", "", rest[0])
    name = name.rpartition("/")[2] if name.startswith("@changesets/") else name
    inner = _of(replace(command, words=({"cli": "changeset"}.get(name, name), *rest[1:])), place, _deeper(around))
    return inner or (
        (Act("code", f"{program} {name}"[:80], place),) if program in {"npx", "bunx", "uvx", "pipx", "bundle"} else ()
    )


def _python(words: tuple[str, ...], command: Command, place: Source, around: Around) -> tuple[Act, ...] | None:
    if len(words) > 2 and words[1] == "-m":
        return _python_module(words[2:], place, around)
    script = next((word for word in words[1:] if not word.startswith("-")), "")
    if script.rpartition("/")[2] == "setup.py":
        return setup_py(words[words.index(script) :], place)
    return _plain_command(command.program, command, place, around)


def _python_module(words: tuple[str, ...], place: Source, around: Around) -> tuple[Act, ...]:
    match words[0]:
        case "build":
            return (Act("build", "python -m build", place),)
        case (
            "pip"
            | "twine"
            | "poetry"
            | "hatch"
            | "flit"
            | "uv"
            | "pytest"
            | "tox"
            | "nox"
            | "pdm"
            | "sigstore"
            | "maturin"
            | "cibuildwheel"
            | "PyInstaller"
        ):
            return _of(Command((words[0].lower(), *words[1:]), 0), place, around)
        case "pypi_attestations" if "sign" in words:
            return (Act("sign", "pypi_attestations sign", place, note=PUBLISH_NOTE),)
        case "pypi_attestations" if "verify" in words:
            return (Act("verify", "pypi_attestations verify", place),)
        case "venv" | "ensurepip" | "json.tool" | "virtualenv" | "site":
            return ()
        case name:
            return (Act("code", f"python -m {name}", place),)


def _plain_command(program: str, command: Command, place: Source, around: Around) -> tuple[Act, ...]:
    words = command.words
    arguments = tuple(word for word in words[1:] if word)
    if program in _SHELLS | _LANGUAGES or program in {"iex", "invoke-expression", "su", "runuser"}:
        return _interpreter(program, arguments, command, place, around)
    for prefix, does, target in PREFIXES.get(program.removesuffix("3"), ()):
        if _matches(arguments, prefix):
            if does == "publish" and (dry(words) or any(LOCAL_REGISTRY.match(word) for word in arguments)):
                return ()
            return _row(program, (prefix, does, target), words, place, around)
    if program in OPAQUE:
        names = [word for word in arguments if not word.startswith("-")] or ["all"]
        return tuple(act for name in names for act in opaque(f"{program} {name}", name, place))
    if words[0].startswith(("http://", "https://")):
        return ()
    if words[0].startswith(("./", "../", ".\\", "..\\", "$", "~")) or ("/" in words[0] and _SCRIPT.match(words[0])):
        return _script(words[0], place, around)
    if words[0].lower().endswith((".ps1", ".bat", ".cmd")):
        return _script(words[0], place, around)
    return ()


def _row(program: str, row: Row, words: tuple[str, ...], place: Source, around: Around) -> tuple[Act, ...]:
    prefix, does, target = row
    tool = " ".join((program, *prefix[:2]))
    if does == "unread-script":
        return opaque(" ".join((program, *positional(words)[:3])), "run", place)
    if does == "publish" and target == "npm":
        offer = npm_offer(npm_flagged(around.variables), npm_token(around.variables))
        return (Act(does, tool, place, target, offer=offer),)
    if program == "uv" and prefix == ("run",) and around.depth < MAX_DEPTH:
        rest = positional(
            words, frozenset({"--with", "--python", "-p", "--project", "--extra", "--group", "--directory"})
        )[1:]
        return (Act(does, tool, place), *(_of(Command(rest, 0), place, _deeper(around)) if rest else ()))
    if program in {"poetry", "pdm", "hatch", "rye"} and prefix == ("run",) and around.depth < MAX_DEPTH:
        rest = positional(words)[1:]
        return (Act(does, tool, place), *(_of(Command(rest, 0), place, _deeper(around)) if rest else ()))
    return (Act(does, tool, place, target),)


def _interpreter(
    program: str, arguments: tuple[str, ...], command: Command, place: Source, around: Around
) -> tuple[Act, ...]:
    """`bash x.sh`, `bash -c TEXT`, `bash <<EOF`, `curl | bash`, `python x.py`."""
    piped = command.piped_from
    fetched = piped is not None and _fetches(piped) and not any(re.match(_PINNED_URL, word) for word in piped)
    if fetched or any(re.match(_FETCHED, word) for word in arguments):
        return (Act("remote-script", program, place, note="runs a script straight from the network"),)
    if program == "deno" and any(word.startswith("https://") for word in arguments):
        return (Act("remote-script", program, place, note="runs a script straight from the network"),)
    inline = next(
        (n for n, word in enumerate(arguments) if re.match(r"-(?:\w*c|e|Command|EncodedCommand)\Z", word)), None
    )
    if inline is not None:
        text = arguments[inline + 1] if inline + 1 < len(arguments) else ""
        if program not in _SHELLS | {"su", "runuser", "pwsh", "powershell"} or around.depth >= MAX_DEPTH:
            return ()
        return _read(text, place, _deeper(around), program if program in {"pwsh", "powershell"} else "sh")
    script = next((word for word in arguments if not word.startswith("-")), None)
    if script is None and command.document is not None and program in _SHELLS and around.depth < MAX_DEPTH:
        text, line = command.document
        below = None if place.line is None else place.line - command.line + line
        return _read(text, Source(place.path, below), _deeper(around), "sh")
    if program in {"iex", "invoke-expression", "su", "runuser"} or script is None or script.startswith("<("):
        return ()
    return _script(script, place, around, program)


def _fetches(words: tuple[str, ...]) -> bool:
    return bool(words) and words[0].rpartition("/")[2].lower() in _FETCH


def _matches(arguments: tuple[str, ...], prefix: tuple[str, ...]) -> bool:
    """The prefix begins the arguments, options before and between left out; a last `./` is a beginning."""
    plain = arguments if prefix and prefix[-1].startswith("-") else tuple(w for w in arguments if not w.startswith("-"))
    if prefix and prefix[-1] == "./":
        return plain[: len(prefix) - 1] == prefix[:-1] and any(word.startswith("./") for word in plain)
    return plain[: len(prefix)] == prefix
