"""Buildkite: `.buildkite/*.yml` into jobs. Agents are a customer's own by default, and no file tells which they are.

Every job may ask its agent for an OIDC token. Triggers are settings, which no file shows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess._yaml import Node
    from assess.pipelines._draft import Draft
    from assess.pipelines._facts import PipelineFacts
    from assess.pipelines._reader import Reading

NAME = "buildkite"
_PLACE = re.compile(
    r"(?:^|/)\.buildkite/(?!hooks/)(?!(?:.*/)?(?:docker-compose[^/]*|plugin)\.ya?ml\Z).*\.ya?ml\Z|(?:^|/)buildkite\.ya?ml\Z"
)
_STEPS = re.compile(rb"^[\"']?steps[\"']?[ \t]*:|^[ \t]*-[ \t]", re.MULTILINE)
_STEP = """
label name key id identifier command commands script plugins agents env artifact_paths depends_on if branches matrix
concurrency concurrency_group concurrency_method parallelism priority retry skip soft_fail timeout_in_minutes notify
cancel_on_build_failing allow_dependency_failure cache image secrets signature type if_changed group steps trigger build
async block input wait waiter manual prompt fields blocked_state allowed_teams continue_on_failure checkout title
"""
_STEP_KEYS = frozenset(_STEP.split())
_TOP_KEYS = frozenset(
    {"steps", "env", "agents", "notify", "cache", "image", "secrets", "priority", "common", "definitions"}
)
_WAITS = ("wait", "waiter", "block", "manual", "input")


def discover(folder: Folder) -> tuple[str, ...]:
    """The YAML files in `.buildkite` that hold steps, and `buildkite.yml`."""
    found = [name for name in folder.walk() if recognises(name)]
    return tuple(name for name in found if _STEPS.search(folder.peek(name, 1024 * 1024) or b""))


def recognises(path: str) -> bool:
    """The path is in `.buildkite`, and is neither a plugin's own file nor one of Docker Compose."""
    return _PLACE.search(path.replace("\\", "/")) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One pipeline file as facts. Raises InputError if it is not YAML, or holds no steps."""
    from assess.errors import InputError
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import documents_of

    reading = Reading(folder, path, NAME, can_sign=True, directory="", one_shell=True)
    reading.parameter = re.compile(r"buildkite-agent\s+meta-data\s+get\s+[\"']?([\w.-]+)")
    reading.taint = re.compile(
        r"(?<![\\$])\$\{?(BUILDKITE_(?:MESSAGE|BRANCH|TAG|PULL_REQUEST_REPO|BUILD_AUTHOR\w*|BUILD_CREATOR\w*"
        r"|PULL_REQUEST_LABELS))\b"
    )
    documents = documents_of(data, path)
    for problem in documents.problems:
        reading.note(problem.source, problem.text)
    roots = [one for one in documents.roots if one.kind != "scalar" or one.value is not None]
    if len(roots) != 1:
        raise InputError(f"not a pipeline (got {len(roots)} documents, expected one)", path)
    root = roots[0]
    steps = root if root.kind == "sequence" else root.get("steps")
    if steps is None or steps.kind != "sequence":
        raise InputError("not a pipeline (it has no list of steps)", f"{path}:{root.line}:{root.column}")
    if root.kind == "mapping":
        for key, _ in root.items():
            if key.text not in _TOP_KEYS and not key.text.startswith(("x-", "_", ".")):
                reading.note(key.source, f"unknown key {key.text[:60]!r} of the pipeline")
    found = _Pipeline(reading, root)
    found.read(steps, None, None)
    return reading.pipeline(root.source, "", [draft.finish() for draft in found.needed()])


class _Pipeline:
    """The steps of one file, in order, with what each waits for."""

    def __init__(self, reading: Reading, root: Node) -> None:
        from assess.pipelines._values import texts

        self.reading, self.root = reading, root
        self.variables = texts(root.get("env"))
        self.drafts: list[Draft] = []
        self.depends: list[tuple[str, ...] | None] = []
        self.barrier = 0
        self.segments: list[tuple[int, int]] = []
        self.named: dict[str, list[int]] = {}

    def read(self, steps: Node, group: Node | None, condition: str | None) -> None:
        """Take in a list of steps; those of a group in its place."""
        from assess.pipelines._reader import MAX_JOBS

        for node in steps:
            if len(self.drafts) >= MAX_JOBS:
                self.reading.note(node.source, f"more than {MAX_JOBS} steps: the rest was not read")
                return
            if node.kind == "scalar":
                if node.text in _WAITS:
                    self._wait()
                else:
                    self.reading.note(node.source, f"a step is of no kind that is known ({node.text[:40]})")
            elif node.kind == "mapping":
                self._step(node, group, condition)

    def _wait(self) -> None:
        self.barrier = len(self.drafts)

    def _step(self, node: Node, group: Node | None, condition: str | None) -> None:
        from assess.pipelines._values import text, words

        self.reading.unknown_keys(node, _STEP_KEYS, "step")
        own = [one.text for key in ("if", "branches") for one in (node.get(key),) if one is not None and one.text]
        both = " and ".join([*([condition] if condition else []), *own]) or None
        if (inner := node.get("steps")) is not None and node.get("command") is None:
            at = len(self.drafts)
            self.read(inner, node, both)
            for key in ("key", "id", "identifier", "group", "label"):
                if (name := text(node.get(key))) is not None:
                    self.named.setdefault(name, []).extend(range(at, len(self.drafts)))
            return
        skip = node.get("skip")
        if skip is not None and skip.value not in (False, None, "", "false"):
            return
        if any(key in node.value for key in _WAITS) or text(node.get("type")) in _WAITS:
            self._fields(node)
            if not words(node.get("depends_on")):
                self._wait()
            else:
                name = text(node.get("key")) or text(node.get("id"))
                if name is not None:
                    self.named[name] = [
                        one for want in words(node.get("depends_on")) for one in self.named.get(want, ())
                    ]
            return
        self.drafts.append(self._job(node, group, both))
        depends = _depends(node)
        if depends is None and group is not None:
            depends = _depends(group)
        self.depends.append(depends)
        self.segments.append((self.barrier, len(self.drafts) - 1))
        for key in ("key", "id", "identifier", "label", "name"):
            if (name := text(node.get(key))) is not None:
                self.named.setdefault(name, []).append(len(self.drafts) - 1)

    def _fields(self, node: Node) -> None:
        """What a block or input step asks for."""
        from assess.evidence import ExternalParameter
        from assess.pipelines._values import text

        for one in node.get("fields") or ():
            if (name := text(one.get("key"))) is not None:
                self.reading.parameters.append(ExternalParameter(one.source, name, "field"))

    def needed(self) -> list[Draft]:
        """All jobs with their needs resolved: what they name, else all before the last `wait`."""
        for at, draft in enumerate(self.drafts):
            wanted = self.depends[at]
            if wanted is not None:
                found = [one for name in wanted for one in self.named.get(name, ())]
            else:
                barrier = self.segments[at][0]
                before = self.segments[barrier - 1][0] if barrier else 0
                found = list(range(before, barrier))
            draft.needs = tuple(dict.fromkeys(self.drafts[one].id for one in found if one != at))
        return self.drafts

    def _job(self, node: Node, group: Node | None, condition: str | None) -> Draft:
        from assess.pipelines._draft import Draft
        from assess.pipelines._facts import Act
        from assess.pipelines._values import scalars, text, texts

        names = [
            name for key in ("key", "id", "identifier", "label", "name") if (name := text(node.get(key))) is not None
        ]
        draft = Draft(self.reading, node.source, self._unique(names[0] if names else f"step-{len(self.drafts) + 1}"))
        draft.condition = condition
        draft.variables = {
            **self.variables,
            **(texts(group.get("env")) if group is not None else {}),
            **texts(node.get("env")),
        }
        draft.continue_on_error = _tolerated(node.get("soft_fail"))
        draft.variants = _variants(node)
        self._agents(draft, node)
        for root in (self.root, node):
            self._around(draft, root)
        if (trigger := node.get("trigger")) is not None:
            draft.calls = trigger.text
            note = f"what the pipeline `{trigger.text[:60]}` that is triggered does is not in this file"
            draft.act(Act("unread", trigger.text, trigger.source, note=note))
            return draft
        self._commands(draft, node)
        for one in scalars(node.get("artifact_paths")):
            for path in one.text.split(";"):
                draft.give(one.source, "artifact_paths", path.strip())
        return draft

    def _commands(self, draft: Draft, node: Node) -> None:
        from assess.pipelines._buildkite_plugins import agent_commands, read_plugins
        from assess.pipelines._values import first_line, scalars

        read_plugins(self.reading, draft, node.get("plugins"))
        written = [one for key in ("command", "commands", "script") for one in scalars(node.get(key))]
        for one in written:
            script = one.text.replace("$$", "$").replace("\\$", "$")
            draft.run(one, text=script, template=one.text)
            agent_commands(draft, script, first_line(one))
        if not written and node.get("plugins") is None:
            self.reading.note(node.source, "a step has neither commands nor plugins")

    def _unique(self, name: str) -> str:
        taken = {one.id for one in self.drafts}
        return name if name not in taken else f"{name} ({len(self.drafts) + 1})"

    def _agents(self, draft: Draft, node: Node) -> None:
        from assess.pipelines._values import words

        draft.runner = "unknown"
        agents = node.get("agents") or (self.root.get("agents") if self.root.kind == "mapping" else None)
        if agents is None:
            return
        found = [f"{key.text}={value.text}" for key, value in agents.items()] or list(words(agents))
        draft.runner_label = ", ".join(found) or None
        if any("$" in one for one in found):
            draft.runner = None

    def _around(self, draft: Draft, node: Node) -> None:
        """Caches, images and secrets of the pipeline or of a step."""
        from assess.pipelines._values import scalars, text

        if (cached := node.get("cache")) is not None:
            name = text(cached.get("name")) if cached.kind == "mapping" else None
            draft.cache(cached.source, "cache volume", name, True, True, True)
        if (image := node.get("image")) is not None:
            draft.image(image, "job")
        secrets = node.get("secrets")
        for one in scalars(secrets):
            draft.secret(one.source, one.text)
        for key, _ in secrets.items() if secrets is not None else ():
            draft.secret(key.source, key.text)


def _depends(node: Node) -> tuple[str, ...] | None:
    """Names that a step waits for; None where it names none and waits as its place says."""
    from assess.pipelines._values import text

    depends = node.get("depends_on")
    if depends is None:
        return None
    if depends.kind == "scalar":
        return () if depends.value is None else (depends.text,)
    found = [one.text if one.kind == "scalar" else text(one.get("step")) for one in depends]
    return tuple(one for one in found if one)


def _tolerated(node: Node | None) -> bool | None:
    """`soft_fail`: true, or a list of exit codes, which is part of the way."""
    if node is None:
        return False
    if node.kind == "sequence":
        codes = [one.get("exit_status") for one in node]
        return True if any(code is not None and code.text == "*" for code in codes) else None
    return node.value if isinstance(node.value, bool) else None


def _variants(node: Node) -> int | None:
    count = 1
    parallel = node.get("parallelism")
    if parallel is not None:
        if not isinstance(parallel.value, int):
            return None
        count = max(parallel.value, 1)
    matrix = node.get("matrix")
    if matrix is None:
        return count
    if matrix.get("adjustments") is not None:
        return None
    setup = matrix if matrix.kind == "sequence" else matrix.get("setup")
    if setup is None:
        return None
    for one in (setup,) if setup.kind == "sequence" else (value for _, value in setup.items()):
        count *= max(len(one.value), 1) if one.kind == "sequence" else 1
    return count
