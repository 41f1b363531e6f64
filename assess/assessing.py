"""The main job: a plan in, an Assessment out; joins reading, judging and summing in the order of the design."""

# Longer than 300 lines: the whole main job, in the order of the design.

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from assess import __version__
from assess._frozen import frozen
from assess.artifacts import Artifact, read_artifact
from assess.assessment import (
    SCHEMA_VERSION,
    Assessment,
    AuditFinding,
    Input,
    NotChecked,
    Notice,
    PipelineLevel,
    StepUp,
)
from assess.auditing import audit
from assess.collect import Collected, Opening, collect_subject, open_files
from assess.configured import TOP, in_profile, pipeline_levels
from assess.errors import NoInputError
from assess.evidence import Evidence, Subject
from assess.files import ATTESTATION_LIMIT, read_file
from assess.layouts import limits_of, notices_of, read_layout
from assess.levels import RulePack, default_directories, load_pack
from assess.plan import LOCAL, ArtifactPlan, Named, Plan
from assess.scoring import (
    Scored,
    audit_text,
    contradictions_of,
    decide,
    give_verdict,
    lowest,
    requirement_text,
    score_subject,
)
from assess.trusted import load_trust

if TYPE_CHECKING:
    from assess.pipelines import PipelinesRead


@frozen
class Gathered:
    """The evidence of a whole plan, before any rule has seen it."""

    subjects: tuple[Collected, ...]
    project: Evidence
    inputs: tuple[Input, ...]
    roots: tuple[str, ...]
    not_checked: tuple[NotChecked, ...]
    notices: tuple[Notice, ...] = ()
    """Of the project as a whole."""
    registry: bool = False
    """A registry was asked for images; nothing else of the network was."""


def assess(plan: Plan) -> Assessment:
    """Read, judge and sum up one project.

    Raises an AssessError for input that was named and cannot be read, or for mistakes in rules and trust files.
    """
    pack = load_pack((*default_directories(), *plan.rules), plan.spec, tests=False)
    return sum_up(plan, pack, gather(plan))


def gather(plan: Plan) -> Gathered:
    """Read everything that the plan names: pipelines, attestations, answers. No rule is needed for it."""
    from assess.pipelines import read_pipelines

    read = read_pipelines(plan.folder, plan.instead)
    layouts = tuple(read_layout(one, datetime.fromisoformat(plan.time)) for one in plan.layouts)
    project = Evidence(
        pipelines=read.pipelines,
        releases=read.releases,
        source_controls=read.source_controls,
        answers=plan.answers,
        unreadable=read.unreadable,
        layouts=tuple(one.layout for one in layouts) if layouts else None,
        **{f"path_{one.name}": getattr(read.path, one.name) for one in fields(read.path)},
    )
    project, told, sarif = _imported(plan, project)
    notices = (*notices_of(layouts), *told)
    inputs = [*plan.inputs, *(Input("pipeline", path, digest) for path, digest in read.inputs)]
    inputs += [*(used for one in layouts for used in one.inputs), *sarif]
    if not plan.artifacts and not plan.images:
        _refuse_nothing(plan, read, bool(layouts))
        collected = (_no_artifact(plan, project),)
        return Gathered(collected, project, tuple(inputs), (), (_NO_ARTIFACT,), notices)
    trust, roots, trust_inputs = load_trust(plan)
    inputs += trust_inputs
    subjects: list[Collected] = []
    for one in plan.artifacts:
        artifact = read_artifact(one.text, one.name, one.folder)
        opening = _open(plan, one, artifact)
        inputs += [*_artifact_input(artifact), *opening.inputs]
        collected_one = collect_subject(artifact, opening, trust, one.expectations or plan.expectations, project)
        inputs += collected_one.inputs
        subjects.append(collected_one)
    for image in plan.images:
        from assess.image_subjects import collect_image

        expected = image.expectations or plan.expectations
        found = collect_image(image, plan.registries, trust, expected, project, open_files(_named(plan), ()))
        subjects += found.subjects
        inputs += [*found.inputs, *(used for one in found.subjects for used in one.inputs)]
    registry = any(not one.text.startswith(LOCAL) for one in plan.images)
    return Gathered(tuple(subjects), project, tuple(dict.fromkeys(inputs)), roots, (), notices, registry)


def _refuse_nothing(plan: Plan, read: PipelinesRead, layouts: bool) -> None:
    """Raises NoInputError where attestations have no artifact to match, or nothing was found at all."""
    if plan.attestations:
        raise NoInputError(
            "attestations were given, but no artifact to match them with",
            hint="add --artifact FILE or --artifact sha256:<hex>; a level belongs to an artifact",
        )
    if not read.pipelines and not read.unreadable and not plan.answers and not layouts:
        raise NoInputError(
            "there is nothing to assess: no artifact was given and no pipeline was found",
            str(plan.folder),
            "give --artifact FILE -a ATTESTATION or --image REF, or run it in a repository with CI pipelines",
        )


def _imported(plan: Plan, project: Evidence) -> tuple[Evidence, tuple[Notice, ...], tuple[Input, ...]]:
    """The project's evidence with what other tools found, what to tell of it, and the files that were read."""
    if not plan.sarif:
        return project, (), ()
    from assess import sarif

    read, inputs = [], []
    for file in plan.sarif:
        data = plan.stdin if file.path is None else read_file(file.path, sarif.LIMITS.size, "SARIF file")
        read.append(sarif.read_sarif(data, file.shown, project))
        inputs.append(Input("sarif", file.shown, sha256(data).hexdigest()))
    rows = tuple(dict.fromkeys(row for one in read for row in one.imported))
    notices = tuple(Notice("info", one.told) for one in read)
    return replace(project, imported=rows), notices, tuple(inputs)


def _open(plan: Plan, one: ArtifactPlan, artifact: Artifact) -> Opening:
    """The attestations of one artifact: those named, or else files beside it that carry its name."""
    named = (*one.attestations, *plan.attestations)
    datas = _named(plan, named)
    beside: tuple[Path, ...] = ()
    if not named and artifact.file is not None:
        beside = tuple(
            sorted(
                file
                for file in artifact.file.parent.glob("*")
                if file.name.startswith(f"{artifact.file.name}.") and file.name.endswith(_SUFFIXES) and file.is_file()
            )
        )
    return open_files(datas, beside)


def _named(plan: Plan, files: tuple[Named, ...] | None = None) -> tuple[tuple[str, bytes], ...]:
    """(path as shown, bytes) of files that the user named: those for every subject, or `files`."""
    return tuple(
        (file.shown, plan.stdin if file.path is None else read_file(file.path, ATTESTATION_LIMIT, "attestation"))
        for file in (plan.attestations if files is None else files)
    )


_SUFFIXES = (".json", ".jsonl", ".sigstore", ".intoto", ".slsa", ".att", ".attestation", ".provenance", ".bundle")


def _artifact_input(artifact: Artifact) -> tuple[Input, ...]:
    if artifact.file is None:
        return ()
    sha = next(one.value for one in artifact.subject.digests if one.algorithm == "sha256")
    return (Input("artifact", str(artifact.subject.source), sha),)


_NO_ARTIFACT = NotChecked("no artifact was given: nothing is demonstrated, whatever the pipelines are configured for")


def _no_artifact(plan: Plan, project: Evidence) -> Collected:
    from assess.expectations import compare

    subject = Subject(plan.project or "project", ())
    return Collected(subject, project, None, compare(plan.expectations, None))


def sum_up(plan: Plan, pack: RulePack, gathered: Gathered) -> Assessment:
    """Judge everything that was gathered and sum it up."""
    project = in_profile(gathered.project, plan.profile)
    audited = audit(pack.audits, project, plan.profile)
    scored = _score(plan, pack, gathered, audited)
    subjects = tuple(replace(one.assessment, decision=decide(plan.gate, one)) for one in scored)
    levels = lowest(subjects)
    told = (*gathered.notices, *(notice for one in gathered.subjects for notice in one.notices), *_idle(plan, pack))
    notices = tuple(dict.fromkeys(told))
    unreadable = tuple(dict.fromkeys(u for one in gathered.subjects for u in one.evidence.unreadable))
    not_checked = (*gathered.not_checked, *(note for one in gathered.subjects for note in one.not_checked))
    configured = pipeline_levels(gathered.project, pack.requirements, pack.audits, plan.profile)
    return Assessment(
        schema_version=SCHEMA_VERSION,
        tool_version=__version__,
        time=plan.time,
        project=plan.project,
        spec=plan.spec,
        trust_profile=plan.profile,
        levels=levels,
        subjects=subjects,
        requirements=tuple(requirement_text(one, plan.spec) for one in pack.requirements),
        verdict=give_verdict(plan.gate, scored, levels),
        pipelines=gathered.project.pipelines,
        releases=gathered.project.releases,
        source_controls=gathered.project.source_controls,
        answers=plan.answers,
        contradictions=tuple(c for subject in subjects for c in contradictions_of(subject)),
        notices=_by_severity(notices),
        unreadable=unreadable,
        not_checked=tuple(dict.fromkeys((*not_checked, *_general_limits(gathered, plan.online)))),
        waivers=plan.waivers,
        inputs=tuple(sorted(gathered.inputs, key=lambda one: (one.kind, one.path))),
        rule_pack=pack.sha256,
        roots=gathered.roots,
        audits=tuple(audit_text(one) for one in pack.audits if _tells(one.id, audited)),
        audited=audited if gathered.project.pipelines else None,
        configured=configured,
        steps_up=_steps_up(configured),
    )


def _score(plan: Plan, pack: RulePack, gathered: Gathered, audited: tuple[AuditFinding, ...]) -> tuple[Scored, ...]:
    """The subjects, each judged with the evidence that the profile counts."""
    return tuple(
        score_subject(
            one.subject,
            in_profile(one.evidence, plan.profile),
            one.candidates,
            pack.requirements,
            one.unanswered,
            one.summaries,
            audited,
        )
        for one in gathered.subjects
    )


def _tells(name: str, audited: tuple[AuditFinding, ...]) -> bool:
    return any(one.audit == name and one.outcome != "clean" for one in audited)


def _steps_up(configured: tuple[PipelineLevel, ...]) -> tuple[StepUp, ...]:
    if all(one.vendor.ceiling >= TOP for one in configured):
        return ()
    from assess.remedies import steps_up

    return steps_up((one.system, one.vendor) for one in configured)


def _idle(plan: Plan, pack: RulePack) -> tuple[Notice, ...]:
    """Answers and waivers that speak of nothing in the rules: a misspelt one must not pass unseen."""
    questions = {
        clause.declared.question for rule in pack.requirements for clause in rule.clauses if clause.declared is not None
    }
    clauses = {(rule.id, clause.id) for rule in pack.requirements for clause in rule.clauses}
    known = {rule.id for rule in pack.requirements}
    advice = "`slsa-assess explain REQUIREMENT` shows the clauses and the questions"
    idle = [
        Notice("warning", f"no rule asks {one.question!r}, so this answer settles nothing", one.source, advice=advice)
        for one in plan.answers or ()
        if one.question not in questions
    ]
    for one in plan.waivers:
        if one.requirement not in known or (one.clause is not None and (one.requirement, one.clause) not in clauses):
            named = f"{one.requirement}/{one.clause}" if one.clause is not None else one.requirement
            idle.append(Notice("warning", f"the waiver names {named!r}, which no rule has", advice=advice))
    return tuple(idle)


def _by_severity(notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    order = {"critical": 0, "warning": 1, "info": 2}
    return tuple(sorted(notices, key=lambda one: order[one.severity]))


def _were(asked: list[str]) -> str:
    return "was" if asked == ["the registry"] else "were"


def _general_limits(gathered: Gathered, online: bool) -> tuple[NotChecked, ...]:
    """What no run looks at, said aloud wherever it matters."""
    notes = []
    if any(one.candidates for one in gathered.subjects):
        asked = [*(["the registry"] if gathered.registry else []), *(["transparency logs"] if online else [])]
        used = f"only {' and '.join(asked)} {_were(asked)} asked" if asked else "no network was used"
        notes.append(f"{used}: whether keys or identities were revoked since was not looked up")
    if gathered.project.pipelines:
        notes.append("pipeline files were read as they are now; the build may have used another revision of them")
        notes.append("settings outside the files (branch and tag protection, secrets) were not read")
    if gathered.project.imported:
        notes.append(
            "findings of other tools were taken in as they say: whether they ran on these files was not checked"
        )
    if gathered.project.answers is None:
        notes.append("no answers were given, so nothing is declared")
    return (*limits_of(gathered.project.layouts), *(NotChecked(note) for note in notes))
