"""Cloud Build steps: which program a builder image starts, what it does, and what a step pushes by itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace

from assess._yaml import Node
from assess.evidence import Source, Step
from assess.pipelines._cloudbuild_fields import child
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._image_programs import SHELLS, inline_script, kaniko, program_of, quoted
from assess.pipelines._shell import commands
from assess.pipelines._tools import CONTAINER
from assess.pipelines._values import image_pin, scalars, text, truth, words

BY_A_STEP = "container registry (pushed by a step)"
BUCKET = "Cloud Storage"
PACKAGES = "Artifact Registry"

STEP_KEYS = frozenset(
    {"name", "args", "env", "id", "entrypoint", "dir", "secretEnv", "waitFor", "volumes", "timeout", "script",
     "allowFailure", "allowExitCodes", "automapSubstitutions", "status", "timing", "pullTiming", "exitCode", "results"}
)  # fmt: skip
_BRACED = re.compile(r"\$\{(\w+)\}")


def plain_variables(written: str) -> str:
    """`${NAME}` as `$NAME`."""
    return _BRACED.sub(r"$\1", written)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the control plane pushes after the steps: the names of `images`, without tags."""

    names: tuple[str, ...]

    def covers(self, written: str) -> bool:
        """A step pushes one of them by itself as well."""
        return any(plain_variables(name) in plain_variables(written) for name in self.names)


def read_step(draft: Draft, node: Node, pushed: Pushed | None) -> None:
    """One step, with its image, commands and secrets."""
    draft.reading.unknown_keys(node, STEP_KEYS, "step")
    name = node.get("name")
    image = name.text if name is not None else ""
    if name is not None:
        draft.image(name, "step")
    else:
        draft.reading.note(node.source, "a step names no image")
    variables = dict(pair.split("=", 1) for pair in words(child(node, "env")) if "=" in pair)
    variables.update((secret, "") for secret in words(child(node, "secretEnv")))
    tolerated = _tolerated(node)
    label = text(node.get("id"))
    before, steps = len(draft.acts), len(draft.steps)
    where = text(node.get("dir")) or ""
    draft.directory = None if "$" in where or where.startswith("/") else where
    script, arguments = node.get("script"), node.get("args")
    if script is not None:
        taint, draft.reading.taint = draft.reading.taint, _NOTHING
        draft.run(script, variables, label, tolerated=tolerated)
        draft.reading.taint = taint
    else:
        _command(draft, node, image, arguments, variables, label, tolerated)
    made = draft.steps[steps:]
    used, pin = (f"docker://{image}", image_pin(image)) if image else (None, None)
    draft.steps[steps:] = [replace(one, uses=used, source=node.source, pinned=pin) for one in made]
    draft.acts[before:] = _by_step(draft.acts[before:], made, pushed)


_NOTHING = re.compile(r"(?!)")


def _tolerated(node: Node) -> bool | None:
    if child(node, "allowExitCodes") is not None:
        return None
    return truth(child(node, "allowFailure"))


def _command(
    draft: Draft,
    node: Node,
    image: str,
    arguments: Node | None,
    variables: dict[str, str],
    label: str | None,
    tolerated: bool | None,
) -> None:
    given = scalars(arguments)
    entry = text(node.get("entrypoint"))
    place = (arguments or node.get("entrypoint") or node).source
    program = entry.rpartition("/")[2] if entry is not None else None
    inline = inline_script(given) if program in SHELLS else None
    if inline is not None:
        draft.run(inline, variables, label, tolerated=tolerated, text=inline.text.replace("$$", "$"))
        return
    begin = entry if entry is not None else program_of(image)
    if begin is None:
        note = f"what the image `{image[:100]}` does is not known"
        act = Act("unread", image, (node.get("name") or node).source, note=note)
        written = shlex.join(one.text for one in given)
        draft.step(Step(source=node.source, name=label, run=written or None, conditional=False), (act,),
                   (written, *variables.values()), tolerated=tolerated)  # fmt: skip
        return
    line = " ".join([*([begin] if begin else []), *(quoted(one.text) for one in given)]).replace("$$", "$")
    if begin == "kaniko":
        step = Step(source=node.source, name=label, run=line, conditional=False, continue_on_error=tolerated)
        draft.step(step, kaniko(words(arguments), place), (line, *variables.values()), tolerated=tolerated)
        return
    draft.script(line, place, node.source, variables, label, tolerated=tolerated)
    draft.acts += [replace(act, source=place) for act in _google(line, place)]


def _google(script: str, place: Source) -> Iterable[Act]:
    """Google's own tools that publish: `gsutil cp`, `gcloud storage cp`, `gcloud artifacts ... upload`."""
    for command in commands(script) or ():
        plain = [word for word in command.words[1:] if not word.startswith("-")]
        match command.program, plain[:2]:
            case "gsutil", [("cp" | "rsync" | "mv"), *_] if plain[-1].startswith("gs://"):
                yield Act("publish", "gsutil", place, BUCKET)
            case "gcloud", ["storage", "cp" | "rsync" | "mv"] if plain[-1].startswith("gs://"):
                yield Act("publish", "gcloud storage", place, BUCKET)
            case "gcloud", ["artifacts", _] if "upload" in plain:
                yield Act("publish", "gcloud artifacts", place, PACKAGES)
            case "gcloud", ["builds", "submit"]:
                yield Act("unread", "gcloud builds submit", place, note="`gcloud builds submit` starts another build")
            case _:
                pass


def _by_step(acts: list[Act], steps: list[Step], pushed: Pushed | None) -> list[Act]:
    """A push by a step of something that the control plane does not push has no provenance of the control plane's."""
    if pushed is None:
        return acts
    written = "\n".join(step.run or "" for step in steps)
    if pushed.covers(written):
        return acts
    return [
        replace(act, target=BY_A_STEP, offer=None) if act.does == "publish" and act.target == CONTAINER else act
        for act in acts
    ]
