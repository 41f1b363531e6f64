"""What pipeline readers hand to `releases`: what each job was recognised to do, in no CI system's own words."""

from __future__ import annotations

from typing import Literal, TypeAlias

from assess._frozen import frozen, replace
from assess.evidence import Interval, Job, Note, Pipeline, Source

Does: TypeAlias = Literal[
    "build", "sign", "attest", "publish", "checkout", "cache", "provenance-off", "sbom", "verify",
    "upload", "download", "code", "remote-script", "key", "untrusted",
    "env-write", "tag-subject", "config-digest", "unsecured",
    "unread", "unread-script",
]  # fmt: skip
"""`code` runs the project's own code; `unread` is what nobody here can look into (it may do anything),
`unread-script` the same by the project's own code;
`key` puts a long-lived signing key within reach; `untrusted` takes outsiders' code; `upload` and `download` move
artifacts between jobs; `cache` restores a cache that other runs can write. `env-write` writes into the environment or
the search path of later steps, `tag-subject` signs an image by its tag, `config-digest` asks for the digest of an
image's configuration, `unsecured` allows old commands that set the environment: neutral facts, which mean something
together with others."""


UNREAD: frozenset[str] = frozenset({"unread", "unread-script"})
_UNREAD_CACHE = frozenset({"unread"})
"""A script of the project's own restores no cache."""


@frozen
class Offer:
    """Provenance that one construct would make. `None` as everywhere: cannot be told."""

    generator: str
    level: Interval | None
    """What the construct is claimed to carry, before contradictions."""
    generated: bool | None = True
    signed: bool | None = None
    keyless: bool = False
    """Signed with the workload's identity, so that the job must be allowed to ask for it."""
    distributed: bool | None = None
    authored_by_tenant: bool | None = False
    isolated: bool | None = False
    """The build is apart from the signing by the construct's own design (trusted workflow, platform builder)."""
    separate: bool = False
    """It runs in jobs of its own, so that it is isolated where the building job has no identity."""
    control_plane: bool = False
    """Made and signed by the platform itself, with a key or identity that no job can ask for."""
    records_parameters: bool | None = None
    """Records everything that started the run, `workflow_dispatch` inputs included."""
    by_digest: bool | None = None
    covers: str | None = None
    """The publishing target that its subject is; "files" is all but container images; None is whatever is published."""
    optional: bool = False
    note: str | None = None


@frozen
class Act:
    """One thing that a step was recognised to do."""

    does: Does
    tool: str
    source: Source
    target: str | None = None
    """Of `publish`: where to."""
    offer: Offer | None = None
    note: str | None = None
    condition: str | None = None
    """The `if` of its step."""
    asked: str | None = None
    """Of `publish`: the expression of an input that says whether it does (`push: ${{ ... }}`)."""
    optional: bool | None = False
    """Its failure does not stop the job; None where that is an expression."""
    sure: bool = True
    """False where it may do so (a default that depends on a version that cannot be told)."""


@frozen
class JobFacts:
    """A job, and what its steps do."""

    job: Job
    acts: tuple[Act, ...]
    condition: str | None = None
    unrecorded: tuple[str, ...] = ()
    """Parameters of manual or API starts that reach its steps (`inputs.version`)."""
    trusted: bool = False
    """The job is a recognised reusable workflow of somebody else's, which runs no step of this repository."""

    def has(self, does: Does) -> bool:
        """Some step does it, or may."""
        return any(act.does == does for act in self.acts)

    def tell(self, *does: Does) -> bool | None:
        """Some step does one of these; None where none is seen but something was not read."""
        unread = _UNREAD_CACHE if "cache" in does else UNREAD
        doubtful = False
        for act in self.acts:
            if act.does in does:
                if act.sure:
                    return True
                doubtful = True
            elif act.does in unread:
                doubtful = True
        return None if doubtful else False


@frozen
class PipelineFacts:
    """One pipeline file as read: the facts for the evidence, and the workings for its releases."""

    pipeline: Pipeline
    jobs: tuple[JobFacts, ...] = ()
    follows: tuple[str, ...] = ()
    """Local files that it calls and that were read with it."""
    only_called: bool = False
    """It can only run as a part of another pipeline."""
    outsiders: Source | None = None
    """The trigger through which anyone can start it with the repository's rights; None if there is none."""


def placed(act: Act, condition: str | None, optional: bool | None) -> Act:
    """The act as part of a step with this `if`, whose failure may be tolerated."""
    if condition == act.condition and optional is False:
        return act
    either = {act.optional, optional}
    return replace(act, condition=condition, optional=True if True in either else None if None in either else False)


def note_of(act: Act) -> Note | None:
    """The act's note with its place."""
    return None if act.note is None else Note(act.source, act.note)
