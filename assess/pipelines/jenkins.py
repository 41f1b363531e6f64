"""Jenkins: `Jenkinsfile`, declarative and scripted, into stages as jobs.

Groovy can compute anything, so what is read is what stands in the file: shared libraries and loaded scripts are "not
determinable". Agents are somebody's own machines, of which no file tells what they are. Who can start a pipeline is
mostly a setting of the controller.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess.evidence import Trigger
    from assess.pipelines._facts import PipelineFacts
    from assess.pipelines._groovy import Parsed
    from assess.pipelines._jenkins_steps import Walk
    from assess.pipelines._reader import Reading

NAME = "jenkins"
_NAMED = re.compile(
    r"(?:^|/)[^/]*jenkinsfile[^/]*\Z|(?:^|/)\.?jenkins/(?:.*/)?[^/]*\.groovy\Z|[^/]*\.jenkins\Z", re.IGNORECASE
)
_NOT_OURS = re.compile(
    r"\.(?:md|txt|ya?ml|json|png|svg|html|py|java|sh|xml|lock|adoc|rst|j2|tmpl|tpl|erb)\Z", re.IGNORECASE
)


def discover(folder: Folder) -> tuple[str, ...]:
    """Files whose names say so, and Groovy files in `jenkins` folders that run a pipeline."""
    return tuple(name for name in folder.walk() if recognises(name))


def recognises(path: str) -> bool:
    """The path has a Jenkinsfile's name, or is a Groovy file in a folder of Jenkins'."""
    path = path.replace("\\", "/")
    return _NAMED.search(path) is not None and _NOT_OURS.search(path) is None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One Jenkinsfile as facts. Raises InputError if it is not text, or has nothing in it."""
    from assess.errors import InputError
    from assess.evidence import Source
    from assess.pipelines._groovy import parse
    from assess.pipelines._jenkins_steps import Walk
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import conflict_line

    reading = Reading(folder, path, NAME, directory="")
    if (line := conflict_line(data)) is not None:
        raise InputError("merge conflict markers (<<<<<<<, =======, >>>>>>>) are left in the file", f"{path}:{line}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken = data.count(b"\n", 0, error.start) + 1
        raise InputError("not text (expected UTF-8)", f"{path}:{broken}") from None
    if "\0" in text:
        raise InputError("binary file (got a NUL character, expected Groovy text)", path)
    parsed = parse(text.replace("\r\n", "\n"))
    if not parsed.statements:
        raise InputError("not a pipeline (it holds no statements)", path)
    for number, what in parsed.problems:
        reading.note(Source(path, number), f"not parsed: {what}")
    walk = Walk(reading)
    try:
        triggers = _walk(walk, parsed)
    except RecursionError:
        raise InputError("functions that call each other are nested too deeply", path) from None
    if parsed.problems:
        _uncertain(walk, parsed)
    if not walk.drafts:
        reading.note(Source(path, 1), "the pipeline has no stages or steps that are known")
    jobs = [draft.finish() for draft in walk.drafts]
    return reading.pipeline(Source(path, 1), "", jobs, tuple(triggers) or None)


def _walk(walk: Walk, parsed: Parsed) -> list[Trigger]:
    """Declarative pipelines by their sections, all else as a script."""
    from assess.pipelines._groovy_tree import Call, calls_in
    from assess.pipelines._jenkins_stages import read_pipeline, trigger_of
    from assess.pipelines._jenkins_steps import Around, Place

    triggers: list[Trigger] = []
    for one in parsed.statements:
        if isinstance(one, Call) and one.name == "function" and one.body is not None:
            walk.functions[one.condition] = one.body
    for one in parsed.statements:
        for call in calls_in(one):
            if call.name == "pipelineTriggers":
                triggers += [trigger_of(inner, walk.at(inner.line)) for inner in calls_in(call) if inner is not call]
    walk.names = _names(parsed)
    _parameters(walk.reading, parsed)
    place, around = Place("pipeline", 1), Around()
    for one in parsed.statements:
        if isinstance(one, Call) and one.name == "pipeline" and one.body is not None:
            read_pipeline(walk, one, triggers)
        else:
            walk.step(one, place, around)
    walk.left_over(around)
    return triggers


def _names(parsed: Parsed) -> frozenset[str]:
    """Names of variables, of closures' parameters, and of what loops run over, anywhere in the file."""
    from assess.pipelines._groovy_tree import Raw, calls_in, closures_in

    found: set[str] = set()
    for one in parsed.statements:
        for call in calls_in(one):
            if call.name == "=" and isinstance(left := call.args[0][1], Raw):
                found.add(left.text.partition("[")[0])
            if call.name in {"for", "function"}:
                found |= set(re.findall(r"\w+", call.condition))
        for closure in closures_in(one):
            found |= set(closure.parameters)
    return frozenset(found)


def _parameters(reading: Reading, parsed: Parsed) -> None:
    """How texts name parameters: `params.X` in what Groovy fills in, `$X` in what the shell does."""
    from assess.pipelines._groovy_tree import Text, calls_in
    from assess.pipelines._jenkins_tables import OUTSIDERS

    names = {
        name.text
        for one in parsed.statements
        for block in calls_in(one)
        if block.name in {"parameters", "input"}
        for call in calls_in(block)
        if isinstance(name := call.named("name"), Text) and re.fullmatch(r"\w+", name.text)
    }
    shell = "|".join(re.escape(one) for one in sorted(names))
    reading.parameter = re.compile(
        r"\bparams\??\.(\w+)|\bparams\[['\"](\w+)" + (rf"|[$%]\{{?(?:env\.)?({shell})\b" if names else "")
    )
    outsiders = "|".join(OUTSIDERS)
    reading.taint = re.compile(rf"(?<!\x00)\$\{{?\s*(?:env\.|env\[['\"])?({outsiders})\b")


def _uncertain(walk: Walk, parsed: Parsed) -> None:
    """What was not parsed may do anything, in whichever stage."""
    from assess.pipelines._facts import Act
    from assess.pipelines._jenkins_steps import Around

    draft = walk.drafts[-1] if walk.drafts else walk.open("pipeline", 1, Around())
    draft.act(Act("unread", "Groovy", walk.at(parsed.problems[0][0])))
