"""What GitHub jobs hand to one another: artifacts by name, values as job outputs, and what comes from other runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assess._frozen import replace
from assess._yaml import Node
from assess.evidence import Handover, Step
from assess.pipelines import _expressions as expressions
from assess.pipelines._facts import JobFacts
from assess.pipelines._github_reach import line_in
from assess.pipelines._uses import Use

MAX_PAIRS = 100_000
_DEFAULT = "artifact"
_OTHER_RUNS = frozenset({"dawidd6/action-download-artifact", "bettermarks/action-artifact-download"})
_COMPARES = (
    (re.compile(r"\b(?:sha(?:256|384|512)sum|shasum|b2sum)\b"), re.compile(r"\s-\w{0,5}c\b|--check\b")),
    (re.compile(r"\bopenssl\s+dgst\b"), re.compile(r"\s-verify\b")),
    (re.compile(r"\bminisign\b"), re.compile(r"\s-V\b")),
    (re.compile(r"\bgpg2?\b"), re.compile(r"\s--verify\b")),
)
"""A tool, and what makes it compare; both in one line, each looked for by itself so that no line is slow."""
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_OUTPUT = re.compile(r"needs\.([^.]+)\.outputs\.([^.]+)\Z")


def given(use: Use) -> tuple[str, ...]:
    """The name of the artifact that an action uploads."""
    match use.name:
        case "actions/upload-artifact" | "actions/upload-artifact/merge":
            default = "merged-artifacts" if use.name.endswith("merge") else _DEFAULT
            return (use.inputs.get("name") or default,)
        case "actions/upload-pages-artifact":
            return (use.inputs.get("name") or "github-pages",)
        case "hynek/build-and-inspect-python-package":
            return ("Packages" + use.inputs.get("upload-name-suffix", ""),)
        case "forgejo/upload-artifact":
            return (use.inputs.get("name") or _DEFAULT,)
        case _:
            return ()


def taken(use: Use) -> Iterator[Handover]:
    """What an action downloads: `name` as written, `*` for all artifacts of the run."""
    inputs = use.inputs
    name = inputs.get("name") or inputs.get("pattern") or inputs.get("artifact-ids") or "*"
    if use.name in {"actions/download-artifact", "forgejo/download-artifact"}:
        other = bool(inputs.get("run-id") or inputs.get("repository"))
        own_run = inputs.get("run-id", "").replace(" ", "") == "${{github.run_id}}"
        yield Handover(use.source, name, "artifact", None, other and not own_run)
    elif use.name in _OTHER_RUNS:
        yield Handover(use.source, name, "artifact", None, True)


def outputs_used(node: Node) -> Iterator[Handover]:
    """The outputs of other jobs that a text uses, each once."""
    if "needs" not in node.text:
        return
    seen: set[str] = set()
    for start, end in expressions.places(node.text):
        tree = expressions.parse(node.text[start + 3 : end - 2])
        for one in expressions.walk(tree) if tree is not None else ():
            if not isinstance(one, expressions.Context) or str(one) in seen:
                continue
            if (match := _OUTPUT.match(str(one))) is not None:
                seen.add(str(one))
                yield Handover(line_in(node, start), match.group(2), "output", match.group(1), False)


def linked(jobs: list[JobFacts]) -> list[JobFacts]:
    """The jobs with each artifact that they take traced to the job that gives it, and whether it was verified."""
    givers = [(name, job.job.id) for job in jobs for name in job.job.gives or () if not name.startswith("outputs.")]
    takes = sum(len(job.job.takes or ()) for job in jobs)
    if not takes:
        return jobs
    names = frozenset(job.job.id for job in jobs)
    givers = givers if takes * len(givers) <= MAX_PAIRS else []
    return [
        replace(job, job=replace(job.job, takes=tuple(dict.fromkeys(_traced(job, givers, names)))))
        if job.job.takes
        else job
        for job in jobs
    ]


def _traced(job: JobFacts, givers: list[tuple[str, str]], names: frozenset[str]) -> Iterator[Handover]:
    verified = _verifies(job)
    for one in job.job.takes or ():
        if one.kind != "artifact":
            yield replace(one, from_job=_known(one.from_job or "", job.job.id, names))
            continue
        taken = replace(one, verified=verified)
        makers = [name for given, name in givers if name != job.job.id and _may_be(one.name or "*", given)]
        if one.from_other_run or not makers:
            yield taken
        else:
            yield from (replace(taken, from_job=name) for name in dict.fromkeys(makers))


def _known(name: str, job: str, names: frozenset[str]) -> str | None:
    """A job named in `needs`, as it is called here: beside the job that names it, or beside one that calls that."""
    level = job
    while "/" in level:
        level = level.rpartition("/")[0]
        if f"{level}/{name}" in names:
            return f"{level}/{name}"
    return name if name in names else None


def _may_be(asked: str, given: str) -> bool:
    """A name or pattern that is asked for may be the name that is given; expressions may be anything."""
    return _glob(asked, _EXPRESSION.sub("x", given)) or ("${{" in given and _glob(given, _EXPRESSION.sub("x", asked)))


def _glob(pattern: str, text: str) -> bool:
    """`*` and `${{ }}` in the pattern are any text; one pass, so that no pattern is slow."""
    first, *middle = _EXPRESSION.sub("*", pattern).split("*")
    if not middle:
        return first == text
    last = middle.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _verifies(job: JobFacts) -> bool | None:
    """The job verifies a signature, or compares digests that came as a job output; None where not all was read."""
    if any(act.does == "verify" for act in job.acts):
        return True
    if any(one.kind == "output" for one in job.job.takes or ()) and any(map(_compares, job.job.steps or ())):
        return True
    return None if job.tell("verify") is None else False


def _compares(step: Step) -> bool:
    lines = (step.run or "").split("\n")
    return any(tool.search(line) and check.search(line) for line in lines for tool, check in _COMPARES)
