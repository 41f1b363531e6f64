"""`expect`: learns on first use what verified attestations say, into a lock file that later checks compare with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assess.cli._check import (
    Artifacts,
    Attestations,
    BuilderId,
    Identity,
    IdentityRegexp,
    Issuer,
    Keys,
    LockFile,
    Platforms,
    Profile,
    Project,
    SourceUri,
    TrustedRoot,
    plan_of,
)
from assess.cli._common import Debug, Quiet, out, say
from assess.errors import Exit, NoInputError

if TYPE_CHECKING:
    from assess.collect import Collected
    from assess.evidence import Provenance
    from assess.lock import Entry, Lock

Update = Annotated[bool, typer.Option("--update", help="Write differences too, after showing them.")]


# Longer than 50 lines for its parameters alone: they are the command line.
def expect(
    path: Project = Path(),
    artifact: Artifacts = None,
    attestation: Attestations = None,
    lock: LockFile = None,
    update: Update = False,
    source_uri: SourceUri = None,
    builder_id: BuilderId = None,
    certificate_identity: Identity = None,
    certificate_identity_regexp: IdentityRegexp = None,
    certificate_oidc_issuer: Issuer = None,
    key: Keys = None,
    trusted_root: TrustedRoot = None,
    platforms: Platforms = None,
    trust_profile: Profile = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Learn what verified attestations say of each artifact, so that `check` can tell when that changes.

    New artifacts are recorded; where a known one differs, the differences are shown and nothing is written
    (exit code 1) unless --update is given. Unverified attestations teach nothing.
    """
    flags = {name: value for name, value in locals().items() if name != "lock"}
    from assess.assessing import gather
    from assess.cli._plan import artifact_name
    from assess.files import LOCK_FILE, write_files
    from assess.learned import changes
    from assess.lock import Lock, load_lock, render_lock

    plan = plan_of(flags)
    if not plan.artifacts:
        raise NoInputError("no artifact to learn about", hint="give --artifact FILE -a ATTESTATION, or a project file")
    target = lock or plan.folder / LOCK_FILE
    before = load_lock(target) if target.exists() else Lock(target)
    subjects = gather(plan).subjects
    entries = tuple(
        _entry(artifact_name(one), subject, before) for one, subject in zip(plan.artifacts, subjects, strict=True)
    )
    _agree_on_names(entries)
    differ = False
    for entry in entries:
        known = next((one for one in before.entries if one.name == entry.name), None)
        differences = changes(known.learned, entry.learned) if known is not None else ()
        differ = differ or bool(differences)
        if not quiet:
            out(_told(entry, known, differences))
    if differ and not update:
        say(f"DIFFERENT: nothing was written to {target}; review the differences, then `expect --update`")
        raise typer.Exit(Exit.GATE)
    changed = tuple(one for one in entries if (old := before.entry(one.name)) is None or old.learned != one.learned)
    after = before.updated(changed)
    if changed:
        write_files(((target, render_lock(after)),))
    say(f"{'LEARNED' if changed else 'UNCHANGED'}: {len(changed)} of {len(entries)} artifact(s) written to {target}")


def _entry(name: str | None, subject: Collected, before: Lock) -> Entry:
    """What the best verified attestation of a subject teaches; raises NoInputError where none is verified."""
    from assess.learned import learn, name_shape
    from assess.lock import Entry

    provenance = _verified(subject)
    if name is None:
        # Known by its digest alone: the name that the verified statement gives the artifact.
        digests = set(subject.subject.digests)
        name = next((one.name for one in provenance.subjects or () if digests & set(one.digests)), "") or "artifact"
    return Entry(name_shape(name), learn(provenance), provenance.digest or "")


def _verified(subject: Collected) -> Provenance:
    name = subject.subject.name
    verified = [one for one in subject.candidates or () if one.provenance.signature == "verified"]
    if not verified:
        why = next((one.provenance.signature_note for one in subject.candidates or ()), None)
        why = why or next((one.reason for one in subject.evidence.attestations or ()), "no attestation was found")
        raise NoInputError(
            f"nothing is learned from attestations that are not verified ({why})",
            name,
            "give a verified one, its --key or its --trusted-root; `slsa-assess verify --explain` shows each step",
        )
    expected = [one.provenance for one in verified if one.as_expected]
    if not expected:
        wrong = next(one for one in verified[0].expectations if one.outcome != "match")
        raise NoInputError(
            f"nothing is learned from what is not as expected ({wrong.name}: expected {wrong.expected}, "
            f"found {wrong.found or 'nothing'})",
            name,
            "check the expectation, and where the artifact comes from",
        )
    return max(expected, key=lambda one: one.platform.level.reached if one.platform is not None else 0)


def _agree_on_names(entries: tuple[Entry, ...]) -> None:
    """Two artifacts under one name must teach the same."""
    from assess.errors import InputError
    from assess.learned import changes

    known: dict[str, Entry] = {}
    for entry in entries:
        other = known.setdefault(entry.name, entry)
        if differences := changes(other.learned, entry.learned):
            raise InputError(
                f"two artifacts of the same name but for the version differ ({differences[0]})",
                entry.name,
                "give them names of their own in the project file",
            )


def _told(entry: Entry, known: Entry | None, differences: tuple[str, ...]) -> str:
    from assess.cli._common import clean
    from assess.learned import FACTS, shown, threat_of

    if known is None:
        facts = {fact: getattr(entry.learned, fact) for fact in FACTS}
        lines = [f"{entry.name}: first seen"]
        lines += [f"  {fact}: {shown(value)}" for fact, value in facts.items() if value is not None]
        missing = [fact for fact, value in facts.items() if value is None]
        lines += [f"  not named, so nothing is expected of it: {', '.join(missing)}"] if missing else []
    elif differences:
        lines = [f"{entry.name}: differs from what was learned"]
        for text in differences:
            lines += [f"  {text}", f"    accepting it {threat_of(text.partition(' ')[0])}"]
    else:
        lines = [f"{entry.name}: as learned"]
    return "".join(f"{clean(line)}\n" for line in lines)
