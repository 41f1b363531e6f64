"""`verify --explain`: the eleven steps of one verification with what each proves, and how to repeat it elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from assess.errors import InputError
from assess.evidence import Check

if TYPE_CHECKING:
    from assess.artifacts import Artifact
    from assess.assessment import Input
    from assess.evidence import Provenance, Summary
    from assess.examine import Examined, Trust
    from assess.report.reproduce import Command

STEPS: tuple[tuple[int, str, str, str], ...] = (
    (1, "Open the container", "there is one content and one signature to verify, and nothing beside it", ""),
    (2, "Verify the signature", "whoever holds the private key signed exactly these bytes", "nothing is signed"),
    (3, "Find a trusted time", "the signature existed at that moment",
     "a key that was given has no end, so no time is needed"),
    (4, "Verify the certificate's chain", "an authority of the trusted root issued the certificate, and it was valid "
     "at the trusted time", "no certificate: a key signed"),
    (5, "Verify the certificate's publication", "a certificate log promised to publish the certificate, so that its "
     "misuse can be noticed", "the trusted root names no certificate logs, or no certificate signed"),
    (6, "Verify the log entry", "a transparency log recorded the signature, so that it cannot be denied or hidden",
     "no log entry, and none is needed here"),
    (7, "Bind the log entry", "the entry is about this signature, this certificate or key and this content",
     "no log entry"),
    (8, "Name the signer", "who signed, and where an identity was asked for, that it is the one", ""),
    (9, "Match the artifact", "the statement is about this artifact, by digest and never by name",
     "no artifact was given (--artifact)"),
    (10, "Compare certificate and statement", "what the platform vouches for and what the statement claims agree",
     "no provenance signed by a certificate"),
    (11, "Look up the roots of trust", "this signer may speak for this builder, up to this level",
     "no provenance, or its signer is not verified"),
)  # fmt: skip
"""Number, title, what it proves, and why it may not have been made; numbers are those of `trust/verify.py`."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """All steps of one verification: (number, title, proves, checks, why there is none), and command lines."""

    steps: tuple[tuple[int, str, str, tuple[Check, ...], str], ...]
    commands: tuple[Command, ...]

    def as_json(self) -> dict[str, Any]:
        """Names and plain values."""
        steps = [
            {
                "step": number,
                "title": title,
                "proves": proves,
                "checks": [asdict(one) for one in checks],
                "not_made": why,
            }
            for number, title, proves, checks, why in self.steps
        ]
        return {"steps": steps, "commands": [asdict(one) for one in self.commands]}

    def as_lines(self) -> list[str]:
        """Numbered steps, then the commands; a line each, not yet made safe for a terminal."""
        lines: list[str] = []
        for number, title, proves, checks, why in self.steps:
            lines.append(f"{number:>3}. {title}: {_ended(checks)}")
            for one in checks:
                lines.append(f"       {one.name}: {one.detail}")
                if one.expected is not None:
                    lines.append(f"         expected {one.expected}")
                if one.found is not None:
                    lines.append(f"         found    {one.found}")
            if not checks:
                lines.append(f"       {why}")
            lines.append(f"       {'proves' if _ended(checks) == 'verified' else 'would prove'}: {proves}")
        if self.commands:
            lines.append("  The same with other tools:")
        for command in self.commands:
            lines += [f"    {command.line}", f"      {command.shows}"]
        return lines


def transcript(examined: Examined, artifact: Artifact | None, trust: Trust, inputs: tuple[Input, ...]) -> Transcript:
    """The narrative of one examination; a step without a check says why there is none."""
    checks = (*examined.checks, *_statement(examined), *_platform(examined, trust))
    # What comes after a failure of the first two steps was not tried.
    stopped = next((one for one in checks if one.step <= 2 and one.result != "verified"), None)
    steps = []
    for number, title, proves, otherwise in STEPS:
        own = tuple(one for one in checks if one.step == number)
        why = "" if own else otherwise
        if not own and stopped is not None and stopped.step < number <= 8:
            why = f"not made: step {stopped.step} ({stopped.name}) did not end well"
        steps.append((number, title, proves, own, why or ("" if own else "not made")))
    return Transcript(tuple(steps), _commands(examined, artifact, inputs))


def _ended(checks: tuple[Check, ...]) -> str:
    for result in ("failed", "not-provable-offline", "verified"):
        if any(one.result == result for one in checks):
            return result.replace("-", " ")
    return "not made"


def _statement(examined: Examined) -> tuple[Check, ...]:
    if examined.unreadable is None:
        return ()
    return (Check("statement", 9, "failed", examined.unreadable.reason),)


def _platform(examined: Examined, trust: Trust) -> tuple[Check, ...]:
    """Step 11 as a check: the pair (signer, builder.id) in the roots of trust."""
    provenance = examined.provenance
    if provenance is None or provenance.signer is None or examined.signature == "failed":
        return ()
    from assess.trust.platforms import Rejected

    builder_id = provenance.builder.id if provenance.builder is not None else ""
    found = trust.platforms.look_up(
        provenance.signer, builder_id, provenance.signature, trust.profile, provenance.build_type
    )
    pair = f"{provenance.signer.identity} with builder {builder_id or '(none)'}"
    if isinstance(found, Rejected):
        return (Check("platform", 11, "failed", found.reason, found=pair),)
    if found.entry is None:
        detail = "not among the recognised build platforms, so the default holds: Build L1 at most"
        return (Check("platform", 11, "not-provable-offline", detail, found=pair),)
    detail = f"{found.name or found.entry} ({found.entry}) carries up to Build {found.level} ({found.basis})"
    return (Check("platform", 11, "verified", detail, found=pair),)


def _summaries(examined: Examined) -> tuple[Summary, ...]:
    from assess.attestations.summaries import read_summary

    if examined.kind != "summary" or examined.statement is None:
        return ()
    try:
        return (read_summary(examined.opened, examined.statement),)
    except InputError:
        return ()


def _commands(examined: Examined, artifact: Artifact | None, inputs: tuple[Input, ...]) -> tuple[Command, ...]:
    from assess import __version__
    from assess.assessment import SCHEMA_VERSION, Assessment, SubjectAssessment, Verdict
    from assess.evidence import Attestation, Subject
    from assess.report.reproduce import commands_of

    statement = examined.statement
    subjects = statement.subjects if statement is not None else ()
    named = Subject(subjects[0].name, ()) if subjects else Subject("ARTIFACT", ())
    about = artifact.subject if artifact is not None else named
    subject = SubjectAssessment(about, (), (), summaries=_summaries(examined))
    assessment = Assessment(
        SCHEMA_VERSION, __version__, "", "", "1.2", "vendor", (), (), (), Verdict(True, ""), inputs=inputs
    )
    attestation = Attestation(
        source=examined.opened.source,
        kind=examined.kind,
        container=examined.opened.container,
        predicate_type=statement.predicate_type if statement is not None else "",
        disposition="counts",
        reason="",
        signature=examined.signature,
        signer=examined.verification.signer,
    )
    provenance: Provenance | None = examined.provenance
    found = commands_of(assessment, subject, ((attestation, provenance),))
    return tuple(one for one in found if one.tool != "slsa-assess")
