"""The steps of a Jenkins pipeline, declarative or scripted, walked in order without running anything.

Scripted `node`, `stage` and `parallel` open jobs of their own; conditions and loops are flattened, so that a step
counts wherever it stands; functions of the file are followed where they are called.
"""

# Longer than 300 lines: one walk over all kinds of steps, which share its state.

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from assess.evidence import RunnerKind, Source, Step
from assess.pipelines._commands import recognise
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._groovy_tree import Call, Closure, Expression, Items, Raw, Text, calls_in
from assess.pipelines._jenkins_calls import (
    assignments,
    chain,
    credentials,
    declared,
    library,
    named,
    owner,
    pod_images,
    runner_of,
)
from assess.pipelines._jenkins_tables import ACTS, GLOBALS, PROVENANCE, QUIET, SCRIPTS, WRAPPERS
from assess.pipelines._reader import MAX_JOBS, Reading
from assess.pipelines._tools import IN_TOTO
from assess.pipelines._values import secret_kind

MAX_FOLLOWED = 8
_SHELLS = {"bat": "cmd", "powershell": "pwsh", "pwsh": "pwsh"}
MAX_CALLS_FOLLOWED = 500
_TELLING = re.compile(r"build|publish|release|deploy|push|upload|sign|attest", re.IGNORECASE)


@dataclass(slots=True)
class Given:
    """A block that is handed to a function of the file, which runs it with `body.call()` or `body()`."""

    closure: Closure
    place: Place
    used: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What holds where a step stands."""

    runner: RunnerKind | None = "unknown"
    label: str | None = None
    images: tuple[tuple[str, int], ...] = ()
    images_unknown: bool = False
    variables: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str, int], ...] = ()
    """(credential, variable that holds it, line)."""
    prefix: str = ""
    condition: str | None = None
    tolerated: bool | None = False
    followed: int = 0
    directory: str = ""
    """The folder that `dir` steps have gone into."""
    given: Given | None = None


@dataclass(slots=True)
class Place:
    """The job that steps go to; opened when the first one comes."""

    name: str
    line: int
    draft: Draft | None = None


@dataclass(slots=True)
class Walk:
    """The jobs of one file as they are found."""

    reading: Reading
    drafts: list[Draft] = field(default_factory=list)
    last: tuple[str, ...] = ()
    """What the next job comes after."""
    functions: dict[str, Closure] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    names: frozenset[str] = frozenset()
    """All names that the file gives to variables and parameters."""
    built: set[str] = field(default_factory=set)
    """Variables that hold images of the Docker plugin."""
    followed: int = 0
    maps: dict[str, list[tuple[str, Closure]]] = field(default_factory=dict)
    """Closures that were put into variables, by the variable: what `parallel branches` runs."""
    ran: set[str] = field(default_factory=set)
    """Variables whose closures were run here."""

    def at(self, line: int) -> Source:
        """The place of a line."""
        return Source(self.reading.path, line)

    def open(self, name: str, line: int, around: Around) -> Draft:
        """A new job; the last one again where there are too many."""
        if len(self.drafts) >= MAX_JOBS:
            self.reading.note(self.at(line), f"more than {MAX_JOBS} stages: the rest is not told apart")
            return self.drafts[-1]
        wanted = around.prefix + name
        taken = {one.id for one in self.drafts}
        unique, count = wanted, 2
        while unique in taken:
            unique, count = f"{wanted} ({count})", count + 1
        draft = Draft(self.reading, self.at(line), unique, runner=around.runner, runner_label=around.label)
        draft.needs, draft.condition = self.last, around.condition
        draft.images_unknown = around.images_unknown
        self.drafts.append(draft)
        return draft

    def job(self, place: Place, around: Around) -> Draft:
        """The job of a place, with what holds where the step stands."""
        if place.draft is None:
            place.draft = self.open(place.name, place.line, around)
            self.last = (place.draft.id,)
        draft = place.draft
        draft.variables.update({name: value for name, value in around.variables if value != "\0"})
        draft.defined.update(name for name, value in around.variables if value == "\0")
        for image, line in around.images:
            draft.image_at(self.at(line), image)
        for credential, variable, line in around.secrets:
            draft.defined.add(variable)
            draft.secret(self.at(line), credential, secret_kind(credential) or secret_kind(variable), variable)
        return draft

    def steps(self, statements: Iterable[Expression], place: Place, around: Around) -> None:
        """All steps of a block, in order."""
        for one in statements:
            self.step(one, place, around)

    def left_over(self, around: Around) -> None:
        """Closures in variables that nothing here runs: whatever they were handed to may run them."""
        for name, closures in list(self.maps.items()):
            if name not in self.ran:
                self.ran.add(name)
                for shown, closure in closures:
                    self.steps(closure.statements, Place(shown, closure.line), around)

    def step(self, one: Expression, place: Place, around: Around) -> None:
        """One step, or whatever calls stand in an expression."""
        match one:
            case Call():
                self._call(one, place, around)
            case Raw():
                self.steps(one.inside, place, around)
            case Items():
                self.steps((value for _, value in one.entries), place, around)
            case Closure():
                self.steps(one.statements, place, around)
            case Text():
                pass

    def _call(self, call: Call, place: Place, around: Around) -> None:
        name = call.name
        if name in {"function", "class"}:
            return
        if name == "=":
            self._assign(call, place, around)
        elif name.startswith("@"):
            library(self.reading, call, self.at(call.line))
        elif call.object is not None:
            self._member(call, place, around)
        elif name in SCRIPTS:
            self._script(call, place, around)
        elif name == "stage":
            self._stage(call, place, around)
        elif name == "node":
            self._node(call, place, around)
        elif name == "parallel":
            self._parallel(call, around)
        elif name in self.functions and around.followed < MAX_FOLLOWED and self.followed < MAX_CALLS_FOLLOWED:
            self._follow(call, place, around)
        else:
            self._known(call, place, around)

    def _follow(self, call: Call, place: Place, around: Around) -> None:
        """A function of the file, with the block that is handed to it in its place."""
        self.followed += 1
        self._arguments(call, place, around)
        given = Given(call.body, place) if call.body is not None else None
        inner = replace(around, followed=around.followed + 1, given=given)
        self.steps(self.functions[call.name].statements, place, inner)
        if given is not None and not given.used:
            self.steps(given.closure.statements, place, around)

    def _run_given(self, place: Place, around: Around) -> None:
        given = around.given
        if given is not None and not given.used:
            given.used = True
            self.steps(given.closure.statements, place, replace(around, given=None))

    def _arguments(self, call: Call, place: Place, around: Around) -> None:
        for _, value in call.args:
            if not isinstance(value, Text):
                self.step(value, place, around)

    def _body(self, call: Call, place: Place, around: Around) -> None:
        if call.body is not None:
            self.steps(call.body.statements, place, around)
        for _, value in call.args:
            if isinstance(value, Closure):
                self.steps(value.statements, place, around)

    def _assign(self, call: Call, place: Place, around: Around) -> None:
        left, right = call.args[0][1], call.args[1][1]
        name = left.text.partition("[")[0] if isinstance(left, Raw) else ""
        if isinstance(right, Call) and right.name in {"load", "library"}:
            self.loaded.add(name)
        if isinstance(right, Call) and owner(right) == "docker":
            self.built.add(name)
        if isinstance(right, Closure):
            self.maps.setdefault(name, []).append((f"{name}-{len(self.maps.get(name, ())) + 1}", right))
            return
        if isinstance(right, Items) and right.entries and all(isinstance(value, Closure) for _, value in right.entries):
            self.maps.setdefault(name, []).extend(
                (key or name, one) for key, one in right.entries if isinstance(one, Closure)
            )
            return
        if (
            isinstance(left, Call)
            and left.name.startswith(".")
            and named(left.object) == "env"
            and isinstance(right, Text)
        ):
            self.job(place, around).variables[left.name[1:]] = right.text
        self.step(right, place, around)

    def _script(self, call: Call, place: Place, around: Around) -> None:
        draft = self.job(place, around)
        written = call.named("script") or call.first()
        label = call.named("label")
        status = call.named("returnStatus")
        tolerated = True if named(status) == "true" else around.tolerated
        if not isinstance(written, Text):
            note = f"the command of `{call.name}` is not fixed in this file"
            source = self.at(call.line)
            draft.step(Step(source=source), (Act("unread-script", call.name, source, note=note),))
            self._arguments(call, place, around)
            return
        template = written.text if written.interpolates else ""
        script = written.text.replace("\x00$", "$")
        draft.script(
            script, self.at(written.line), self.at(call.line), None, label.text if isinstance(label, Text) else None,
            around.condition, tolerated, template, around.directory, _SHELLS.get(call.name),
        )  # fmt: skip

    def _stage(self, call: Call, place: Place, around: Around) -> None:
        title = call.first() or call.named("name")
        name = title.text if isinstance(title, Text) else "stage"
        if call.body is None:
            place.name, place.line, place.draft = name, call.line, None
            return
        inner = replace(around, prefix=around.prefix)
        self.steps(call.body.statements, Place(name, call.line), inner)
        if not any(one.source.line == call.line for one in self.drafts):
            self.open(name, call.line, inner)

    def _node(self, call: Call, place: Place, around: Around) -> None:
        kind, label = runner_of(call.first() or call.named("label"))
        inner = replace(around, runner=kind, label=label)
        if call.body is not None:
            waiting = place.draft is None and place.name != "pipeline"
            self.steps(call.body.statements, place if waiting else Place("node", call.line), inner)

    def _parallel(self, call: Call, around: Around) -> None:
        branches: list[tuple[str, Expression]] = []
        for key, value in call.args:
            if isinstance(value, Items):
                branches += [(inner or "branch", one) for inner, one in value.entries]
            elif isinstance(value, Raw) and value.text in self.maps:
                branches += list(self.maps[value.text])
                self.ran.add(value.text)
            elif key not in {None, "failFast"}:
                branches.append((key or "branch", value))
            elif key is None:
                self.reading.note(self.at(call.line), "what runs in parallel is made while the pipeline runs")
                draft = self.job(Place("parallel", call.line), around)
                draft.act(Act("unread", "parallel", self.at(call.line)))
        before, after = self.last, []
        for name, branch in branches:
            self.last = before
            body = branch.statements if isinstance(branch, Closure) else (branch,)
            self.steps(body, Place(name, branch.line), replace(around, prefix=around.prefix))
            after += [one for one in self.last if one not in before]
        self.last = tuple(dict.fromkeys(after)) or before

    def _member(self, call: Call, place: Place, around: Around) -> None:
        """`docker.image(x).inside { }`, `x.push()`, `list.each { }`, `loaded.run()`."""
        held, inner = owner(call), around
        if call.name == ".call" and around.given is not None:
            self._run_given(place, around)
            return
        source = self.at(call.line)
        if held == "docker" and "image" in chain(call):
            inner = self._docker_image(call, place, around)
        elif held == "docker" and call.name in {".withRegistry", ".withServer"} and len(call.args) > 1:
            credential = call.args[1][1]
            if isinstance(credential, Text):
                inner = replace(around, secrets=(*around.secrets, (credential.text, credential.text, call.line)))
        if held == "docker" and call.name == ".build":
            self.job(place, around).step(
                Step(source=source, uses="docker.build"), (Act("build", "docker.build", source),)
            )
        if call.name == ".push" and (held == "docker" or held in self.built):
            acts = recognise("docker push image", source, {})
            self.job(place, around).step(Step(source=source, uses="docker push"), acts, condition=around.condition)
        if held in self.loaded:
            note = f"`{held}{call.name}` was loaded while the pipeline ran: what it does is not determinable"
            self.job(place, around).step(
                Step(source=source, uses=held + call.name), (Act("unread", held, source, note=note),)
            )
        elif call.condition != "member" and self._elsewhere(held, call):
            shown = held + call.name
            note = f"`{shown[:60]}` is no object of this file: a plugin's, or a shared library's"
            self.job(place, around).step(Step(source=source, uses=shown), (Act("unread", held, source, note=note),))
        if isinstance(call.object, Call):
            self.step(call.object, place, replace(inner, condition=around.condition))
        self._arguments(call, place, inner)
        if call.body is not None:
            self.steps(call.body.statements, place, inner)

    def _elsewhere(self, held: str, call: Call) -> bool:
        """A call on a name that the file nowhere gives: a block is handed over, or the name of the call tells."""
        if not held[:1].islower() or held in self.names or held in GLOBALS:
            return False
        return call.body is not None or _TELLING.search(call.name) is not None

    def _docker_image(self, call: Call, place: Place, around: Around) -> Around:
        image = next((one for one in calls_in(call) if one.name == ".image"), None)
        given = image.first() if image is not None else None
        if not isinstance(given, Text):
            return replace(around, images_unknown=True)
        if call.name in {".inside", ".withRun", ".run"}:
            if call.name == ".inside":
                return replace(around, images=(*around.images, (given.text, call.line)))
            self.job(place, around).image_at(self.at(call.line), given.text, "service")
        return around

    def _known(self, call: Call, place: Place, around: Around) -> None:
        source, name = self.at(call.line), call.name
        inner = around
        match name:
            case "withCredentials" | "sshagent":
                inner = replace(around, secrets=(*around.secrets, *credentials(call)))
                self.job(place, inner)
            case "withEnv":
                inner = replace(around, variables=(*around.variables, *assignments(call.first())))
            case "catchError" | "warnError" | "catch":
                inner = replace(around, tolerated=True if name != "catch" else around.tolerated)
            case "if" | "while" | "switch":
                self._arguments(call, place, around)
                both = " and ".join(one for one in (around.condition, call.condition) if one)
                inner = replace(around, condition=both or around.condition)
            case "withDockerContainer" | "container" if isinstance(image := call.named("image") or call.first(), Text):
                if name == "withDockerContainer":
                    inner = replace(around, images=(*around.images, (image.text, call.line)))
            case "dir" | "ws":
                where = call.named("path") or call.first()
                inside = where.text if isinstance(where, Text) and name == "dir" else "$"
                inner = replace(around, directory="/".join(one for one in (around.directory, inside.strip("/")) if one))
            case "podTemplate":
                inner = replace(around, images=(*around.images, *pod_images(call)))
            case "input" | "parameters" | "properties" | "pipelineTriggers":
                declared(self.reading, call, "input" if name == "input" else "parameter")
                return
            case "load" | "evaluate":
                note = f"`{name}` runs code that is not in this file: not determinable"
                self.job(place, around).step(Step(source=source, uses=name), (Act("unread", name, source, note=note),))
                return
            case "library":
                library(self.reading, call, source)
                return
            case "build":
                self._build(call, place, around)
                return
            case _:
                if self._hands_over(call, place, around) or self._attests(call, place, around):
                    return
                self._other(call, place, around)
                return
        self._body(call, place, inner)

    def _build(self, call: Call, place: Place, around: Around) -> None:
        wanted = call.named("job") or call.first()
        name = wanted.text if isinstance(wanted, Text) else "?"
        source = self.at(call.line)
        note = f"the job `{name[:60]}` that is started is not in this file"
        self.job(place, around).step(
            Step(source=source, uses=f"build {name}"), (Act("unread", name, source, note=note),)
        )

    def _hands_over(self, call: Call, place: Place, around: Around) -> bool:
        source, name = self.at(call.line), call.name
        if name == "step":
            kind = call.named("$class") or (call.first() if isinstance(call.first(), Call) else None)
            name = kind.text if isinstance(kind, Text) else kind.name if isinstance(kind, Call) else name
        shown = call.named("name") or call.named("includes") or call.named("artifacts") or call.first()
        text = shown.text if isinstance(shown, Text) else None
        match name:
            case "stash" | "archiveArtifacts" | "ArtifactArchiver" | "archive":
                draft = self.job(place, around)
                draft.give(source, name, text or "*")
                draft.step(Step(source=source, uses=name, does=("upload",)), condition=around.condition)
            case "unstash":
                maker = next((one.id for one in self.drafts if text is not None and text in one.gives), None)
                draft = self.job(place, around)
                draft.take(source, name, text, maker, False)
                draft.step(Step(source=source, uses=name, does=("download",)), condition=around.condition)
            case "copyArtifacts" | "CopyArtifact" | "unarchive":
                project = call.named("projectName")
                draft = self.job(place, around)
                draft.take(source, name, project.text if isinstance(project, Text) else text, None, name != "unarchive")
                draft.step(Step(source=source, uses=name, does=("download",)), condition=around.condition)
            case _:
                return False
        return True

    def _attests(self, call: Call, place: Place, around: Around) -> bool:
        source = self.at(call.line)
        if call.name == "provenanceRecorder":
            act = Act("attest", call.name, source, offer=PROVENANCE)
            self.job(place, around).step(Step(source=source, uses=call.name), (act,), condition=around.condition,
                                         tolerated=around.tolerated)  # fmt: skip
            return True
        if call.name == "in_toto_wrap":
            key = call.named("credentialId") or call.named("keyPath")
            draft = self.job(place, around)
            draft.step(Step(source=source, uses=call.name), (Act("attest", call.name, source, offer=IN_TOTO),))
            if isinstance(key, Text):
                draft.secret(source, key.text, "signing-key")
                draft.act(Act("key", call.name, source))
            self._body(call, place, around)
            return True
        return False

    def _other(self, call: Call, place: Place, around: Around) -> None:
        source, name = self.at(call.line), call.name
        if name in ACTS:
            acts = tuple(Act(does, name, source, target) for does, target in ACTS[name])
            draft = self.job(place, around)
            draft.step(Step(source=source, uses=name), acts, (), around.condition, around.tolerated)
            for key in ("credentialsId", "serverId"):
                if isinstance(one := call.named(key), Text):
                    draft.secret(source, one.text, "publish-token" if acts and acts[-1].does == "publish" else None)
            self._body(call, place, around)
            return
        if name not in QUIET and name not in WRAPPERS and name[:1].islower() and name != "step":
            note = f"`{name[:60]}` is no step that is known: a plugin's, or a shared library's"
            draft = self.job(place, around)
            draft.step(Step(source=source, uses=name), (Act("unread", name, source, note=note),), (), around.condition)
        self._arguments(call, place, around)
        if call.body is not None:
            self.steps(call.body.statements, place, around)
