"""What was seen, as frozen facts with their places; no judgement, no I/O.

`None` always means "nobody looked" or "could not be determined"; `()` means "looked, and found none".
Rules (`levels/**/*.yaml`) name these fields by dotted path, so a field here is part of the rule language:
every path in a rule is checked against these classes when the rule is loaded.
"""

# Longer than 300 lines: the whole vocabulary of the rules stands in one place.

from __future__ import annotations

from typing import Literal

from assess._frozen import frozen

CheckResult = Literal["verified", "failed", "not-provable-offline"]
SignatureState = Literal["verified", "failed", "absent"]
AttestationKind = Literal["provenance", "summary", "publish", "sbom", "signature", "other"]
Disposition = Literal["counts", "rejected", "other-subject", "not-provenance"]
RunnerKind = Literal["hosted", "self-hosted", "unknown"]
TriggerTrust = Literal["maintainer", "contributor", "anyone"]
Understood = Literal["fully", "partly", "unreadable"]


@frozen
class Source:
    """Where a fact was seen: a file with line and column (1-based), or an attestation with a JSON pointer."""

    path: str
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    """JSON pointer (RFC 6901) into the file, or into the attestation's payload."""

    def __str__(self) -> str:
        text = self.path
        if self.line is not None:
            text += f":{self.line}"
        if self.pointer is not None:
            text += f"#{self.pointer}"
        return text


@frozen
class Interval:
    """A level that is known only to lie between two bounds, both inclusive: "Build L1 (at most L3)"."""

    reached: int
    ceiling: int

    def __str__(self) -> str:
        return f"L{self.reached}" if self.reached == self.ceiling else f"L{self.reached} (at most L{self.ceiling})"


@frozen
class Digest:
    """One digest: `algorithm` as in in-toto's DigestSet (`sha256`, `gitCommit`), `value` as written there."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


@frozen
class Subject:
    """What a level belongs to: an artifact by name and digests (or, in a statement, one entry of `subject`)."""

    name: str
    digests: tuple[Digest, ...]
    source: Source | None = None


@frozen
class Parameter:
    """One parameter or dependency field of a predicate, its value rendered as compact JSON text."""

    name: str
    value: str


@frozen
class Dependency:
    """One resolved dependency (provenance v1 `resolvedDependencies`, v0.x `materials`)."""

    uri: str
    digests: tuple[Digest, ...] = ()


@frozen
class Check:
    """One step of a verification and how it ended (reference: the numbered steps in `trust/verify.py`)."""

    name: str
    """Stable word: open, signature, time, chain, sct, inclusion, promise, binding, signer, subject, agreement, ..."""
    step: int
    result: CheckResult
    detail: str
    """One sentence: what was looked at, and why it ended so."""
    expected: str | None = None
    found: str | None = None


@frozen
class Claim:
    """One fact that the certificate's issuer asserts (Fulcio extension 1.3.6.1.4.1.57264.1.N)."""

    oid: str
    name: str
    value: str


@frozen
class Signer:
    """A verified identity: whose certificate or key made the signature. Not a level."""

    kind: Literal["certificate", "key"]
    identity: str
    """Certificate: the subject alternative name. Key: `sha256:` of the SubjectPublicKeyInfo."""
    issuer: str | None = None
    """Certificate: the OIDC issuer."""
    root: str | None = None
    """Which roots of trust vouched: `sigstore-public-good`, `github`, `custom`, `key` (one that the user gave), or the
    service whose known key signed: `google-cloud-build`, `npm-registry`."""
    source_repository: str | None = None
    source_digest: str | None = None
    source_ref: str | None = None
    build_signer: str | None = None
    build_config: str | None = None
    build_trigger: str | None = None
    runner_environment: str | None = None
    run_invocation: str | None = None
    claims: tuple[Claim, ...] = ()


@frozen
class Platform:
    """What the roots of trust say of the pair (signer, builder.id) (SLSA 1.2 verifying-artifacts, step 1)."""

    level: Interval
    """The level this pair can carry; L1 by default. An interval where the signature is not provable offline."""
    entry: str | None = None
    """Id of the entry in platforms.yaml; None where no entry matched and the default holds."""
    name: str = ""
    basis: str = ""
    """Whose claim the level is: `vendor claim`, `strict reading`, `default`, `user`."""
    claim_url: str | None = None


@frozen
class Builder:
    """The predicate's `builder` field: a claim until its signer is verified."""

    id: str
    """"" where the predicate names none."""


@frozen
class Process:
    """What a recognised buildType says of the build; None where the buildType is not recognised."""

    recognised: bool | None = None
    """True where the buildType is known and names source, entry point and parameters; None where it is unknown."""
    name: str | None = None
    source_uri: str | None = None
    source_ref: str | None = None
    source_commit: str | None = None
    entry_point: str | None = None
    trigger: str | None = None
    inputs: tuple[Parameter, ...] | None = None


@frozen
class Provenance:
    """One provenance attestation in SLSA v1 terms, whatever envelope and predicate version it came in.

    `signature` None means "not provable offline" with the reason in `signature_note`.
    Empty strings and () mean that the predicate was read and has no such value.
    """

    source: Source
    predicate_type: str | None = None
    statement_type: str | None = None
    subjects: tuple[Subject, ...] | None = None
    builder: Builder | None = None
    build_type: str | None = None
    external_parameters: tuple[Parameter, ...] | None = None
    internal_parameters: tuple[Parameter, ...] | None = None
    resolved_dependencies: tuple[Dependency, ...] | None = None
    invocation_id: str | None = None
    started_on: str | None = None
    finished_on: str | None = None
    process: Process | None = None
    signature: SignatureState | None = None
    signature_note: str | None = None
    signer: Signer | None = None
    platform: Platform | None = None
    subject_secure: bool | None = None
    """The subject was matched by a cryptographically strong digest (sha256, sha384, sha512, sha3, blake2b)."""
    parameters_complete: bool | None = None
    """externalParameters is present with what a recognised buildType requires; None where nobody can tell."""
    distributed: bool | None = None
    """Found where consumers look; None under the strict profile where it was only supplied by hand."""
    digest: str | None = None
    """sha256 of the attestation's bytes as read."""
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()


@frozen
class Attestation:
    """The log entry of one attestation that was opened: what it is, and whether it counts for the subject."""

    source: Source
    kind: AttestationKind
    container: str
    predicate_type: str
    disposition: Disposition
    reason: str
    signature: SignatureState | None = None
    signer: Signer | None = None
    subjects: tuple[Subject, ...] = ()
    checks: tuple[Check, ...] = ()
    digest: str | None = None


@frozen
class Step:
    """One step of a job: an action (`uses`), a reusable call, or commands (`run`)."""

    source: Source
    name: str | None = None
    uses: str | None = None
    """`owner/repo/path@ref`, `./local`, `docker://image`; None for commands."""
    pinned: Literal["digest", "tag", "branch", "local", "unknown"] | None = None
    run: str | None = None
    inputs: tuple[Parameter, ...] = ()
    does: tuple[str, ...] = ()
    """Words for what was recognised: build, sign, attest, publish, checkout, cache, provenance-off, sbom, verify,
    upload, download, code, key, untrusted, remote-script, env-write, tag-subject, config-digest; unread, unread-script
    for what could not be looked into."""
    conditional: bool | None = None
    continue_on_error: bool | None = None
    always_true: bool | None = None
    """It has a condition that always holds by mistake (text around an expression)."""
    regardless: bool | None = None
    """It runs although something before it failed (`always()`, `!cancelled()`)."""
    tainted: tuple[str, ...] | None = None
    """What outsiders can write (a title, a branch's name) and becomes code of this step; None where an expression
    was not understood."""


@frozen
class Trigger:
    """Who can start a pipeline, and with whose code. The filters are () where there is none."""

    source: Source
    event: str
    trust: TriggerTrust
    branches: tuple[str, ...] | None = None
    """Patterns of branches, as written; `!pattern` for those that are left out."""
    tags: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    """Kinds of the event that count (`published`, `opened`)."""
    pipelines: tuple[str, ...] | None = None
    """Names of the pipelines after whose runs it starts."""


@frozen
class Permission:
    """A permission in effect for a job's token: scope (`id-token`) and access (`write`)."""

    scope: str
    access: str


@frozen
class Identity:
    """A workload identity that a job may ask for (an OIDC token)."""

    source: Source
    audience: str | None = None
    """`sigstore`; None where the file does not fix the audience (GitHub: any may be asked for)."""


@frozen
class Secret:
    """A secret, credential or key that a job's steps can reach."""

    source: Source
    name: str
    """As the file names it; `*` for all of them (`secrets: inherit`, `toJSON(secrets)`)."""
    kind: Literal["signing-key", "publish-token", "other"] | None = None
    """None where the name does not tell."""


@frozen
class CacheUse:
    """A cache that a job restores or saves."""

    source: Source
    tool: str
    key: str | None = None
    """As written; None where the file does not say."""
    restores: bool | None = None
    saves: bool | None = None
    written_by_others: bool | None = None
    """Runs of less trusted code, or of other pipelines, can write what is restored."""


@frozen
class ImageUse:
    """A container image that a job runs in, beside, or as a step."""

    source: Source
    image: str
    role: Literal["job", "service", "step"]
    pinned: Literal["digest", "tag", "branch", "unknown"] | None = None
    """`branch`: no tag, or one that moves by convention (`latest`)."""


@frozen
class Handover:
    """An artifact, workspace or digest that a job takes from another job or run."""

    source: Source
    name: str | None = None
    kind: Literal["artifact", "output", "workspace", "image"] | None = None
    """`output`: a value that the platform hands over (GitHub's job outputs), which no other job can change."""
    from_job: str | None = None
    """The job (id) that makes it; None where that cannot be told."""
    from_other_run: bool | None = None
    """It comes from another run or pipeline than this one."""
    verified: bool | None = None
    """Its digest is compared with one that came another way (a job output), or a signature is verified, before use."""


@frozen
class Include:
    """A definition that a pipeline takes from elsewhere: template, component, orb, plugin, library, remote task."""

    source: Source
    reference: str
    """As written, with its version."""
    kind: str
    """The system's own word: `template`, `component`, `orb`, `plugin`, `library`, `resolver`, `workflow`, `action`."""
    pinned: Literal["digest", "tag", "branch", "local", "unknown"] | None = None
    resolved: bool | None = None
    """It was found here and read; False where it was looked for and is not here."""


@frozen
class ExternalParameter:
    """Something that whoever starts the pipeline can choose (SLSA v1 externalParameters)."""

    source: Source
    name: str
    kind: str
    """The system's own word: `input`, `variable`, `parameter`, `substitution`, `param`."""


@frozen
class Job:
    """One job of a pipeline, with what is in effect for it (inherited values resolved)."""

    source: Source
    id: str
    runner: RunnerKind | None = None
    runner_label: str | None = None
    permissions: tuple[Permission, ...] | None = None
    """None where the file sets none, so that the repository's default (not visible here) holds."""
    needs: tuple[str, ...] = ()
    calls: str | None = None
    """The reusable workflow that this job is, if it is one."""
    steps: tuple[Step, ...] | None = None
    builds: bool | None = None
    signs: bool | None = None
    attests: bool | None = None
    publishes: bool | None = None
    can_sign: bool | None = None
    """May ask for the workload's OIDC identity (GitHub: `id-token: write`)."""
    caches: bool | None = None
    continue_on_error: bool | None = None
    condition: str | None = None
    """What must hold for it to run, as written; None where it has no condition of its own."""
    environment: str | None = None
    """The deployment environment that it runs in, as named."""
    variants: int | None = None
    """How many times a matrix runs it; 1 without a matrix; None where that cannot be told."""
    identities: tuple[Identity, ...] | None = None
    secrets: tuple[Secret, ...] | None = None
    cache_uses: tuple[CacheUse, ...] | None = None
    images: tuple[ImageUse, ...] | None = None
    takes: tuple[Handover, ...] | None = None
    """What it takes from other jobs and runs."""
    gives: tuple[str, ...] | None = None
    """Names or paths of what it hands to other jobs."""
    parameters: tuple[str, ...] | None = None
    """Names of external parameters that reach its steps."""
    always_true: bool | None = None
    """It has a condition that always holds by mistake (text around an expression)."""
    regardless: bool | None = None
    """It runs although a job that it needs failed (`always()`, `!cancelled()`)."""
    tainted: tuple[str, ...] | None = None
    """What outsiders can write and becomes code of one of its steps."""
    release: bool | None = None
    """It is on a release path; None where nobody can tell whether it releases anything."""


@frozen
class Pipeline:
    """One pipeline definition file of a CI system."""

    source: Source
    system: str
    name: str
    understood: Understood
    triggers: tuple[Trigger, ...] | None = None
    jobs: tuple[Job, ...] | None = None
    notes: tuple[Note, ...] = ()
    """What was not understood, each with its place."""
    includes: tuple[Include, ...] | None = None
    """Definitions taken from elsewhere."""
    parameters: tuple[ExternalParameter, ...] | None = None
    """What whoever starts it can choose."""
    depth: Literal["full", "file", "recognised"] | None = None
    """How deep its system is read: `full` with what it calls, `file` the file itself, `recognised` commands only."""


@frozen
class Note:
    """Something that a reader must be told, with its place."""

    source: Source
    text: str


@frozen
class ConfiguredProvenance:
    """What the pipeline would do about provenance, were it run as written. Suggests; never proves."""

    generated: bool | None = None
    signed: bool | None = None
    distributed: bool | None = None
    optional: bool | None = None
    """A failure to make provenance would not stop the release (`continue-on-error`, `|| true`)."""
    authored_by_tenant: bool | None = None
    """The predicate is written by the pipeline's own steps (`predicate-path`, `cosign attest --predicate`)."""
    key_in_build: bool | None = None
    """A long-lived signing key is within reach of the build steps."""
    identity_in_build: bool | None = None
    """The job that runs the project's own code may also ask for the signing identity."""
    generator: str | None = None
    """What makes it: `slsa-github-generator/builder_go_slsa3.yml`, `actions/attest`, `npm --provenance`."""
    level: Interval | None = None
    """The level that this construct is claimed to carry at most (vendor's or strict reading), before contradictions."""


@frozen
class Shared:
    """One thing that a job outside a release path has in common with it, through which it can influence the release."""

    source: Source
    """Where the other job has it."""
    kind: Literal["cache", "secret", "runner", "artifact"]
    name: str
    pipeline: str
    job: str
    trust: TriggerTrust | None = None
    """The least trust that is needed to start the other job's pipeline."""
    untrusted: bool | None = None
    """The other job runs outsiders' code with the repository's rights."""


@frozen
class Release:
    """One release path of a pipeline: the jobs that build, sign and publish one output together."""

    source: Source
    pipeline: str
    system: str
    jobs: tuple[str, ...] = ()
    publishes_to: tuple[str, ...] = ()
    provenance: ConfiguredProvenance | None = None
    hosted: bool | None = None
    """All its jobs run on the platform's hosted runners; None where a label cannot be told."""
    isolated: bool | None = None
    """The build runs apart from what signs (trusted reusable workflow or platform builder)."""
    shares_cache: bool | None = None
    """A job of the path restores a cache that other runs can write."""
    runs_untrusted_code: bool | None = None
    """A trigger lets outsiders' code run with the path's secrets or identity."""
    parameters_recorded: bool | None = None
    """All external parameters end up in the provenance; False where e.g. dispatch inputs do not."""
    subject_by_digest: bool | None = None
    scripted: bool | None = None
    """The build is defined in versioned files (the pipeline itself)."""
    unpinned: tuple[str, ...] | None = None
    """Actions and workflows of the path that are pinned to a branch or not at all."""
    notes: tuple[Note, ...] = ()
    strict: StrictConditions | None = None
    """The five conditions of the strict reading, for what is claimed to carry L3."""
    shared: tuple[Shared, ...] | None = None
    """What jobs outside the path, of this pipeline and of the project's others, share with it."""


@frozen
class Answer:
    """What a named person answered to one question, dated, with where the evidence is."""

    question: str
    value: bool | None
    source: Source
    by: str | None = None
    date: str | None = None
    evidence_url: str | None = None
    note: str | None = None


@frozen
class Unreadable:
    """An input that could not be read, or only in part; what depends on it is unknown."""

    source: Source
    reason: str
    partly: bool = False


@frozen
class LevelCount:
    """How many transitive dependencies have `level` as their highest (VSA `dependencyLevels`)."""

    level: str
    count: int


@frozen
class Summary:
    """One verification summary (VSA) in v1 terms: what a verifier says it found; a claim until it is verified.

    Empty strings and () mean that the predicate was read and has no such value.
    """

    source: Source
    predicate_type: str | None = None
    subjects: tuple[Subject, ...] | None = None
    verifier_id: str | None = None
    verifier_versions: tuple[Parameter, ...] | None = None
    time_verified: str | None = None
    """A claim of the verifier, not the signature's trusted time."""
    resource_uri: str | None = None
    policy_uri: str | None = None
    policy_digests: tuple[Digest, ...] | None = None
    input_attestations: tuple[Dependency, ...] | None = None
    result: str | None = None
    """`PASSED` or `FAILED`, as written."""
    verified_levels: tuple[str, ...] | None = None
    """`SLSA_BUILD_LEVEL_2`, verified properties and names of the verifier's own."""
    dependency_levels: tuple[LevelCount, ...] | None = None
    """() where the artifact is said to have no dependencies; None where nothing is said of them."""
    slsa_version: str | None = None
    signature: SignatureState | None = None
    signer: Signer | None = None
    level: int | None = None
    """The Build level it counts for: what it says, at most its verifier's cap; 0 where it does not count; None where
    that is not provable offline."""
    digest: str | None = None
    """sha256 of the attestation's bytes as read."""
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()


@frozen
class PathJob:
    """A job as the audits see it: on a release path, or beside one with which it shares what it must not."""

    source: Source
    id: str = ""
    pipeline: str = ""
    """The file of its pipeline."""
    system: str = ""
    on_path: bool = True
    """It builds, signs, attests or publishes; False: it is another job of that pipeline."""
    hosted: bool | None = None
    """False on a self-hosted runner; None where the label does not tell."""
    runner: RunnerKind | None = None
    runner_label: str | None = None
    hosted_guard: bool | None = None
    """It stops where it finds itself on another runner than a hosted one."""
    runs_code: bool | None = None
    """It runs code of the project or of its dependencies: builds, tests, installs."""
    builds: bool | None = None
    attests: bool | None = None
    publishes: bool | None = None
    can_sign: bool | None = None
    """It may ask for the workload identity that signs; False where the platform itself signs."""
    holds_key: bool | None = None
    """A long-lived signing key is within its reach."""
    runs_outsiders_code: bool | None = None
    """A trigger lets outsiders in, and the job takes their code and runs something of it."""
    goes_on_without: bool | None = None
    """It publishes though the job that makes the provenance has failed (`always()`, `continue-on-error`)."""
    permissions_set: bool | None = None
    """The file sets its token's permissions; False where the repository's default holds."""
    writes_all: bool | None = None
    """Its token may write everything (`write-all`)."""
    trusted: bool = False
    """It is a recognised workflow of somebody else's, which runs no step of this repository."""
    by_actor: bool | None = None
    """Its condition asks who started the run, which outsiders can arrange."""
    always_true: bool | None = None
    """Its condition always holds by mistake (text around an expression)."""


@frozen
class PathAct:
    """One thing that a step of a release path does, recognised by its tool."""

    source: Source
    job: PathJob | None = None
    does: str | None = None
    """A word as in `Step.does`, or `unsecured` (old commands that set the environment are allowed).
    None where it could not be looked into, and nothing on the path is seen to attest."""
    happens: bool | None = None
    """True, or None where it depends on what cannot be told."""
    tool: str = ""
    target: str | None = None
    """Of `publish`: where to."""
    tolerated: bool | None = None
    """Its failure does not stop the job."""
    generated: bool | None = None
    """Of `attest`: it makes SLSA provenance."""
    authored_by_tenant: bool | None = None
    """Of `attest`: the predicate is written by the pipeline's own steps."""
    by_digest: bool | None = None
    """Of `attest`: the subject is named by a digest of what was built."""
    unordered: bool | None = None
    """Of `publish`: its job neither waits for the job that attests nor is waited for."""
    bypasses: bool | None = None
    """Of `publish`: nothing attests what it publishes, while another path attests what goes to the same place."""


@frozen
class PathStep:
    """One step of a release path, with what its own text shows."""

    source: Source
    job: PathJob | None = None
    tainted: tuple[str, ...] | None = None
    """What outsiders can write (a title, a branch's name) and becomes code of this step."""
    sets_environment: bool | None = None
    """Such text is written into the environment or the search path of later steps."""
    always_true: bool | None = None
    """Its condition always holds by mistake."""


@frozen
class PathCache:
    """A cache of a release path's job."""

    source: Source
    job: PathJob | None = None
    cache: CacheUse | None = None
    """None where nobody can tell whether there is one."""


@frozen
class PathSecret:
    """A secret within reach of a release path's job."""

    source: Source
    job: PathJob | None = None
    secret: Secret | None = None


@frozen
class PathImage:
    """An image that a release path's job runs in, beside, or as a step."""

    source: Source
    job: PathJob | None = None
    image: ImageUse | None = None


@frozen
class PathHandover:
    """Something that a release path's job takes from another job or run."""

    source: Source
    job: PathJob | None = None
    handover: Handover | None = None


@frozen
class PathUse:
    """A definition from elsewhere that takes part in a release path: action, workflow, template, orb, plugin, task."""

    source: Source
    job: PathJob | None = None
    reference: str = ""
    kind: str = ""
    pinned: Literal["digest", "tag", "branch", "local", "unknown"] | None = None
    moves: bool | None = None
    """Named by a branch or not at all, so that its content changes without notice."""
    tag_required: bool = False
    """Its own verifier accepts it by a full release tag only (slsa-github-generator)."""


@frozen
class PathParameter:
    """What whoever starts a release can choose, and that reaches its steps."""

    source: Source
    job: PathJob | None = None
    name: str = ""
    recorded: bool | None = None
    """It ends up in the provenance."""


@frozen
class PathShared:
    """What a job outside a release path has in common with the path."""

    source: Source
    pipeline: str = ""
    """The file of the release path's pipeline."""
    system: str = ""
    shared: Shared | None = None


@frozen
class PathTrigger:
    """What starts a pipeline that has a release path."""

    source: Source
    pipeline: str = ""
    system: str = ""
    event: str = ""
    trust: TriggerTrust | None = None
    publishes: bool | None = None
    """The pipeline publishes (not only attests or signs)."""
    guarded: bool | None = None
    """All publishing jobs ask for a deployment environment or have a condition of their own."""
    any_ref: bool | None = None
    """It starts on whatever branch or tag somebody names or pushes."""
    by_tag: bool | None = None
    """It starts on tags, whose protection no file of the pipeline shows."""


@frozen
class Imported:
    """What another tool found in a pipeline file (SARIF): its word, taken in beside our own audits."""

    source: Source
    tool: str
    """With its version, as the tool names itself."""
    rule: str
    message: str
    audit: str | None = None
    """`audit.id/case` that the tool's rule is listed for in `levels/sarif-map.yaml`; None where it is not."""
    on_path: bool | None = None
    """The place is in a job of a release path, or holds for the whole pipeline; None where that cannot be told."""
    pipelines: tuple[str, ...] = ()
    """The files of the pipelines that it is a place of: its own, or those that call it."""


@frozen
class SourceControl:
    """What a file of the project says of how its source is controlled: a hint, from which no Source level is scored."""

    source: Source
    kind: Literal["ruleset", "branch-protection", "code-owners", "source-provenance", "policy-app"]
    system: str = ""
    """`github`, `gitlab`, `azure-devops`."""
    refs: Literal["branch", "tag"] | None = None
    patterns: tuple[str, ...] | None = None
    """Of the branches or tags, as written; `!pattern` for those that are left out; None where they cannot be told."""
    enforced: bool | None = None
    """True in an export of what is in force; None where the file only says what somebody wants."""
    requirements: tuple[str, ...] | None = None
    """Words: no-deletion, no-force-push, no-update, review, dismiss-stale-reviews, code-owner-review,
    last-push-approval, status-checks, signed-commits, linear-history, owners-of-pipelines, source-provenance, ..."""
    approvals: int | None = None
    """How many approvals a change needs."""
    bypass: tuple[str, ...] | None = None
    """Who may pass it by; () where the file says nobody."""
    covers_pipelines: bool | None = None
    """Of code owners: every pipeline file has one."""
    candidates: tuple[str, ...] = ()
    """Controls of the Source track that these requirements together could be evidence of: continuity, tag-hygiene,
    two-party-review, organization-controls."""
    notes: tuple[Note, ...] = ()


@frozen
class StrictConditions:
    """What the letter of the specification asks of a build apart from its signing, beside a vendor's claim of L3."""

    apart: bool | None = None
    """(a) What builds and signs is defined in another repository than the source."""
    signs_alone: bool | None = None
    """(b) No job that may sign runs code of the project."""
    no_shared_cache: bool | None = None
    """(c) No job of the path restores a cache that other runs can write."""
    hosted_guard: bool | None = None
    """(d) Every signing job is on a hosted runner for certain, or stops where it is not."""
    signer_pinned: bool | None = None
    """(e) Something that verifies asks for this very signer (workflow, certificate identity, builder)."""


@frozen
class Evidence:
    """All that a rule can see of one subject: its provenance, the project's pipelines and the answers.

    Each collection is None where nobody looked and () where somebody looked and found none.
    """

    provenance: tuple[Provenance, ...] | None = None
    pipelines: tuple[Pipeline, ...] | None = None
    releases: tuple[Release, ...] | None = None
    answers: tuple[Answer, ...] | None = None
    attestations: tuple[Attestation, ...] | None = None
    unreadable: tuple[Unreadable, ...] = ()
    layouts: tuple[Layout, ...] | None = None
    summaries: tuple[Summary, ...] | None = None
    path_jobs: tuple[PathJob, ...] | None = None
    path_acts: tuple[PathAct, ...] | None = None
    path_steps: tuple[PathStep, ...] | None = None
    path_caches: tuple[PathCache, ...] | None = None
    path_secrets: tuple[PathSecret, ...] | None = None
    path_images: tuple[PathImage, ...] | None = None
    path_handovers: tuple[PathHandover, ...] | None = None
    path_uses: tuple[PathUse, ...] | None = None
    path_parameters: tuple[PathParameter, ...] | None = None
    path_triggers: tuple[PathTrigger, ...] | None = None
    path_shared: tuple[PathShared, ...] | None = None
    imported: tuple[Imported, ...] | None = None
    source_controls: tuple[SourceControl, ...] | None = None


COLLECTIONS: tuple[tuple[str, type], ...] = (
    ("provenance", Provenance),
    ("pipelines", Pipeline),
    ("releases", Release),
    ("attestations", Attestation),
    ("summaries", Summary),
    ("path_jobs", PathJob),
    ("path_acts", PathAct),
    ("path_steps", PathStep),
    ("path_caches", PathCache),
    ("path_secrets", PathSecret),
    ("path_images", PathImage),
    ("path_handovers", PathHandover),
    ("path_uses", PathUse),
    ("path_parameters", PathParameter),
    ("path_triggers", PathTrigger),
    ("path_shared", PathShared),
    ("source_controls", SourceControl),
)
"""What the quantifiers of a rule can range over, and the type of its items."""


@frozen
class LayoutStep:
    """One step of an in-toto layout whose functionaries were verified."""

    name: str
    """As in the layout; a step of a sub-layout as `step/inner`."""
    threshold: int
    """How many different functionaries the layout asks for."""
    performed_by: tuple[Signer, ...]
    """The authorised functionaries whose signatures hold."""
    links: tuple[str, ...] = ()
    """The files in which they recorded the step."""
    delegated: bool | None = None
    """A functionary answered with a layout of its own."""
    command_as_expected: bool | None = None
    """The recorded command is the one that the layout expects; None where there is no link to compare."""


@frozen
class Layout:
    """One in-toto layout verified with its links: that steps were performed by whom its owner says. Proves no level."""

    source: Source
    verified: bool | None
    """Everything that the layout asks for holds; None where something is not provable here, see `note`."""
    note: str | None = None
    expires: str | None = None
    owners: tuple[Signer, ...] = ()
    """Who signed the layout."""
    steps: tuple[LayoutStep, ...] | None = None
    """None where the layout's own signature does not hold, so that its steps mean nothing."""
    inspections: tuple[str, ...] = ()
    """Names of commands that a verifier is asked to run, which this one never does."""
    checks: tuple[Check, ...] = ()
    digest: str | None = None
    """sha256 of the layout's bytes as read."""
