"""The main job: a plan in, an Assessment out; joins reading, judging and summing in the order of the design."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assess import __version__
from assess.artifacts import Artifact, read_artifact
from assess.assessment import SCHEMA_VERSION, Assessment, Input, NotChecked, Notice, Waiver
from assess.collect import Collected, Opening, collect_subject, open_files
from assess.errors import NoInputError
from assess.evidence import Answer, Evidence, Subject
from assess.examine import Trust
from assess.expectations import Expectations
from assess.files import ATTESTATION_LIMIT, OWN_LIMIT, read_file
from assess.levels import RulePack, default_directories, load_pack
from assess.scoring import Gate, contradictions_of, give_verdict, lowest, requirement_text, score_subject

if TYPE_CHECKING:
    from assess.trust.roots import TrustedRoot


@dataclass(frozen=True, slots=True)
class Named:
    """A file that the user named: how it was written, which reports show, and where it is (None: standard input)."""

    shown: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class ArtifactPlan:
    """One artifact to assess: `FILE` or `algorithm:hex`, with the attestations and expectations of its own."""

    text: str
    name: str | None = None
    attestations: tuple[Named, ...] = ()
    expectations: Expectations | None = None
    folder: Path = Path()


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """The identity that signatures must have; texts as the user gave them."""

    identity: str | None = None
    identity_regexp: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one run is asked for; flags and project file are already one."""

    time: str
    project: str = ""
    folder: Path = Path()
    artifacts: tuple[ArtifactPlan, ...] = ()
    attestations: tuple[Named, ...] = ()
    """For every artifact."""
    stdin: bytes = b""
    expectations: Expectations = field(default_factory=Expectations)
    spec: str = "1.2"
    rules: tuple[Path, ...] = ()
    profile: Literal["vendor", "strict"] = "vendor"
    trusted_root: Path | None = None
    keys: tuple[Path, ...] = ()
    platforms: tuple[Path, ...] = ()
    identity: IdentityPlan = IdentityPlan()
    answers: tuple[Answer, ...] | None = None
    waivers: tuple[Waiver, ...] = ()
    gate: Gate = field(default_factory=Gate)
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """The evidence of a whole plan, before any rule has seen it."""

    subjects: tuple[Collected, ...]
    project: Evidence
    inputs: tuple[Input, ...]
    roots: tuple[str, ...]
    not_checked: tuple[NotChecked, ...]


def assess(plan: Plan) -> Assessment:
    """Read, judge and sum up one project.

    Raises an AssessError for input that was named and cannot be read, or for mistakes in rules and trust files.
    """
    pack = load_pack((*default_directories(), *plan.rules), plan.spec)
    return sum_up(plan, pack, gather(plan))


def gather(plan: Plan) -> Gathered:
    """Read everything that the plan names: pipelines, attestations, answers. No rule is needed for it."""
    from assess.pipelines import read_pipelines

    read = read_pipelines(plan.folder)
    project = Evidence(
        pipelines=read.pipelines, releases=read.releases, answers=plan.answers, unreadable=read.unreadable
    )
    inputs = [*plan.inputs, *(Input("pipeline", path, digest) for path, digest in read.inputs)]
    if not plan.artifacts:
        if plan.attestations:
            raise NoInputError(
                "attestations were given, but no artifact to match them with",
                hint="add --artifact FILE or --artifact sha256:<hex>; a level belongs to an artifact",
            )
        if not read.pipelines and not read.unreadable and not plan.answers:
            raise NoInputError(
                "there is nothing to assess: no artifact was given and no pipeline was found",
                str(plan.folder),
                "give --artifact FILE -a ATTESTATION, or run it in a repository with .github/workflows",
            )
        collected = (_no_artifact(plan, project),)
        return Gathered(collected, project, tuple(inputs), (), (_NO_ARTIFACT,))
    trust, roots, trust_inputs = load_trust(plan)
    inputs += trust_inputs
    subjects = []
    for one in plan.artifacts:
        artifact = read_artifact(one.text, one.name, one.folder)
        opening = _open(plan, one, artifact)
        inputs += [*_artifact_input(artifact), *opening.inputs]
        subjects.append(collect_subject(artifact, opening, trust, one.expectations or plan.expectations, project))
    return Gathered(tuple(subjects), project, tuple(dict.fromkeys(inputs)), roots, ())


def _open(plan: Plan, one: ArtifactPlan, artifact: Artifact) -> Opening:
    """The attestations of one artifact: those named, or else files beside it that carry its name."""
    named = (*one.attestations, *plan.attestations)
    datas = tuple(
        (file.shown, plan.stdin if file.path is None else read_file(file.path, ATTESTATION_LIMIT, "attestation"))
        for file in named
    )
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


def load_trust(plan: Plan) -> tuple[Trust, tuple[str, ...], list[Input]]:
    """Roots, keys, platforms and identity of a plan, with what describes them and the files that were read."""
    from assess.trust.keys import load_public_key
    from assess.trust.platforms import load_platforms
    from assess.trust.roots import load_trusted_root, public_good
    from assess.trust.verify import IdentityPolicy

    inputs: list[Input] = []
    if plan.trusted_root is not None:
        data = read_file(plan.trusted_root, OWN_LIMIT, "trusted root")
        root = load_trusted_root(data, str(plan.trusted_root))
        inputs.append(Input("trusted-root", str(plan.trusted_root), sha256(data).hexdigest()))
    else:
        root = public_good()
    keys = []
    for path in plan.keys:
        data = read_file(path, OWN_LIMIT, "public key")
        keys.append(load_public_key(data, str(path)))
        inputs.append(Input("key", str(path), sha256(data).hexdigest()))
    for path in plan.platforms:
        data = read_file(path, OWN_LIMIT, "platforms file")
        inputs.append(Input("platforms", str(path), sha256(data).hexdigest()))
    wanted = plan.identity
    identity = (
        IdentityPolicy(identity=wanted.identity, identity_regexp=wanted.identity_regexp, issuer=wanted.issuer)
        if wanted != IdentityPlan()
        else None
    )
    trust = Trust(root, load_platforms(plan.platforms), tuple(keys), identity, plan.profile)
    return trust, (_described(root),), inputs


def _described(root: TrustedRoot) -> str:
    dated = f", dated {root.dated}" if root.dated else ""
    return f"{root.name} ({root.origin}{dated}, sha256 {root.sha256})"


def sum_up(plan: Plan, pack: RulePack, gathered: Gathered) -> Assessment:
    """Judge everything that was gathered and sum it up."""
    scored = tuple(
        score_subject(one.subject, one.evidence, one.candidates, pack.requirements, one.unanswered)
        for one in gathered.subjects
    )
    subjects = tuple(one.assessment for one in scored)
    levels = lowest(subjects)
    notices = tuple(dict.fromkeys(notice for one in gathered.subjects for notice in one.notices))
    unreadable = tuple(dict.fromkeys(u for one in gathered.subjects for u in one.evidence.unreadable))
    not_checked = (*gathered.not_checked, *(note for one in gathered.subjects for note in one.not_checked))
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
        answers=plan.answers,
        contradictions=tuple(c for subject in subjects for c in contradictions_of(subject)),
        notices=_by_severity(notices),
        unreadable=unreadable,
        not_checked=tuple(dict.fromkeys((*not_checked, *_general_limits(gathered)))),
        waivers=plan.waivers,
        inputs=tuple(sorted(gathered.inputs, key=lambda one: (one.kind, one.path))),
        rule_pack=pack.sha256,
        roots=gathered.roots,
    )


def _by_severity(notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    order = {"critical": 0, "warning": 1, "info": 2}
    return tuple(sorted(notices, key=lambda one: order[one.severity]))


def _general_limits(gathered: Gathered) -> tuple[NotChecked, ...]:
    """What no offline run looks at, said aloud wherever it matters."""
    notes = []
    if any(one.candidates for one in gathered.subjects):
        notes.append("no network was used: whether keys or identities were revoked since was not looked up")
    if gathered.project.pipelines:
        notes.append("pipeline files were read as they are now; the build may have used another revision of them")
        notes.append("settings outside the files (branch and tag protection, secrets) were not read")
    if gathered.project.answers is None:
        notes.append("no answers were given, so nothing is declared")
    return tuple(NotChecked(note) for note in notes)
