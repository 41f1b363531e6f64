"""`verify`: the checks on one attestation, bundle or signature. Says who signed and what is proved; no level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assess.cli._check import (
    Identity,
    IdentityRegexp,
    Issuer,
    Keys,
    Offline,
    Online,
    Platforms,
    RekorUrl,
    TrustedRoot,
)
from assess.cli._common import Debug, Quiet, out, read_stdin, say
from assess.errors import ConfigError, Exit, InputError

if TYPE_CHECKING:
    from assess.artifacts import Artifact
    from assess.assessment import Input
    from assess.attestations.envelope import Opened
    from assess.examine import Examined, Trust

Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Attestations, bundles or signatures; - is standard input.")
]
OneArtifact = Annotated[
    str | None,
    typer.Option("--artifact", metavar="FILE|sha256:HEX", help="The artifact that must be among the subjects."),
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Show all steps, what each proves, and how to repeat it with other tools.")
]
Links = Annotated[
    list[Path] | None,
    typer.Option("--link", metavar="FILE|DIR", help="Links of an in-toto layout, or folders of them; repeatable."),
]
Format = Annotated[str, typer.Option("-f", "--format", metavar="text|json", help="How to print the checks.")]


# Longer than 50 lines for its parameters alone: they are the command line.
def verify(
    files: Files,
    artifact: OneArtifact = None,
    certificate_identity: Identity = None,
    certificate_identity_regexp: IdentityRegexp = None,
    certificate_oidc_issuer: Issuer = None,
    key: Keys = None,
    link: Links = None,
    trusted_root: TrustedRoot = None,
    platforms: Platforms = None,
    format: Format = "text",
    explain: Explain = False,
    online: Online = False,
    rekor_url: RekorUrl = None,
    offline: Offline = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Verify attestations, check by check: who signed, what is proved, what is not provable offline.

    Exit code 0: every check of every attestation holds. 1: one failed, or cannot be proved offline.
    No level is given: that is what `check` does. With --online nothing but digests is sent.
    """
    if format not in ("text", "json"):
        raise typer.BadParameter(f"no such format {format!r} (one of text, json)")
    if link:
        from assess.cli._layouts import verify_layout_files

        verify_layout_files(files, link, key or [], format, quiet)
    from dataclasses import replace

    from assess.artifacts import read_artifact
    from assess.cli._plan import plan_from
    from assess.trusted import load_trust

    plan = plan_from({**locals(), "path": Path(), "artifact": None, "use_file": False}, b"", "1970-01-01T00:00:00Z")
    try:
        trust, _, inputs = load_trust(plan)
    except ConfigError as problem:
        _refuse_key(problem, key or [])
        raise
    trust = replace(trust, keys_only=True)
    subject = read_artifact(artifact) if artifact is not None else None
    states: list[str] = []
    reports: list[dict[str, Any]] = []
    asking = _Asking(subject, trust, tuple(inputs), explain)
    for name in files:
        for state, report in _one_file(name, asking):
            states.append(state)
            # Text is printed at once; the first is what one line at the end may be about.
            if format == "json" or not reports:
                reports.append(report)
            if format == "text" and not quiet:
                out(_text(state, report))
    if format == "json":
        import json

        for report in reports:
            if "transcript" in report:
                report["transcript"] = report["transcript"].as_json()
        out(json.dumps(reports, indent=2) + "\n")
    verdict = "INVALID" if "INVALID" in states else "NOT PROVEN" if "NOT PROVEN" in states else "VERIFIED"
    if not quiet:
        say(
            f"{verdict}: {len(states)} of {len(files)} file(s) examined"
            if len(states) != 1
            else _line(verdict, reports[0])
        )
    raise typer.Exit(Exit.OK if verdict == "VERIFIED" else Exit.GATE)


def _refuse_key(problem: ConfigError, keys: list[Path]) -> None:
    """A key that is framed as one and is malformed verifies nothing: that is a failed check, not a wrong command."""
    from assess.files import OWN_LIMIT, read_file

    named = [key for key in keys if str(key) == problem.place]
    if any(b"-----BEGIN PUBLIC KEY-----" in read_file(key, OWN_LIMIT, "public key") for key in named):
        say(f"INVALID: signature: no signature verifies with the given key ({problem})")
        raise typer.Exit(Exit.GATE)


@dataclass(frozen=True, slots=True)
class _Asking:
    """What is asked of each attestation."""

    artifact: Artifact | None
    trust: Trust
    inputs: tuple[Input, ...]
    explain: bool


def _one_file(name: str, asking: _Asking) -> Iterator[tuple[str, dict[str, Any]]]:
    """(VERIFIED | INVALID | NOT PROVEN, what to tell) for each attestation of one file, one at a time.

    A file that says of itself that it is a Sigstore bundle and is malformed is an invalid bundle (step 1);
    anything else that cannot be read raises InputError.
    """
    from assess.attestations.containers import announces_bundle, read_container
    from assess.files import ATTESTATION_LIMIT, read_file

    path = "standard input" if name == "-" else name
    data = read_stdin() if name == "-" else read_file(Path(name), ATTESTATION_LIMIT, "attestation")
    try:
        container = read_container(data, path)
    except InputError as problem:
        if not announces_bundle(data):
            raise
        check = {"step": 1, "name": "open", "result": "failed", "detail": f"malformed bundle: {problem.message}"}
        yield "INVALID", {"source": problem.place or path, "container": "sigstore-bundle", "checks": [check]}
        return
    # Opened, they are as large again.
    del data
    ignored = [f"{one.source}: ignored: {one.reason}" for one in container.ignored]
    for number, one in enumerate(container.opened):
        state, report = _one(one, asking)
        if ignored and number == 0:
            report["ignored"] = ignored
        yield state, report


def _one(opened: Opened, asking: _Asking) -> tuple[str, dict[str, Any]]:
    from assess.examine import examine

    examined = examine(opened, asking.artifact, asking.trust)
    told: str | None = None
    if asking.trust.online and examined.signature is None:
        from assess.log_lookup import ask_log

        asked = ask_log(examined, asking.artifact, asking.trust, asking.trust.rekor_url)
        examined, told = asked.examined, asked.detail
    state, report = _report(examined)
    if told is not None:
        report["online"] = told
    if asking.explain:
        from assess.cli._transcript import transcript

        report["transcript"] = transcript(examined, asking.artifact, asking.trust, asking.inputs)
    return state, report


def _report(examined: Examined) -> tuple[str, dict[str, Any]]:
    from dataclasses import asdict

    checks = [{key: value for key, value in asdict(one).items() if value is not None} for one in examined.checks]
    if examined.unreadable is not None:
        checks.append({"step": 3, "name": "statement", "result": "failed", "detail": examined.unreadable.reason})
    signer = examined.verification.signer
    state = "VERIFIED" if examined.signature == "verified" else "NOT PROVEN"
    if examined.signature == "failed" or any(one["result"] == "failed" for one in checks):
        state = "INVALID"
    return state, {
        "source": str(examined.opened.source),
        "container": examined.opened.container,
        "kind": examined.kind,
        "predicate_type": examined.statement.predicate_type if examined.statement is not None else None,
        "signature": examined.signature,
        "note": examined.verification.note,
        "signer": {key: value for key, value in asdict(signer).items() if value} if signer is not None else None,
        "subjects": [
            {"name": one.name, "digest": {d.algorithm: d.value for d in one.digests}}
            for one in (examined.statement.subjects if examined.statement is not None else ())
        ],
        "checks": checks,
    }


def _text(state: str, report: dict[str, Any]) -> str:
    from assess.cli._common import clean

    what = report.get("predicate_type") or report.get("kind") or ""
    lines = [f"{report['source']}: {report['container']}{f', {what}' if what else ''}"]
    if "transcript" in report:
        lines += report["transcript"].as_lines()
    for one in report["checks"] if "transcript" not in report else ():
        lines.append(f"  {one['result']:<20} {one['step']:>2} {one['name']:<10} {one['detail']}")
        if one["result"] == "failed" and "expected" in one:
            lines.append(f"{'':36}expected {one['expected']}, found {one.get('found', 'nothing')}")
    lines += [f"  {line}" for line in report.get("ignored", ())]
    if "online" in report:
        lines.append(f"  online: {report['online']}")
    if report.get("kind") == "signature" and state == "VERIFIED":
        lines.append("  proves who signed the artifact; it is not provenance")
    return "".join(f"{clean(line)}\n" for line in (*lines, _line(state, report)))


def _line(state: str, report: dict[str, Any]) -> str:
    signer = report.get("signer") or {}
    failed = next((one for one in report["checks"] if one["result"] == "failed"), None)
    if state == "INVALID" and failed is not None:
        return f"INVALID: {failed['name']}: {failed['detail']}"
    who = f"signed by {signer['identity']}" if signer else "not signed"
    issuer = f" (issuer {signer['issuer']})" if signer.get("issuer") else ""
    note = f"; {report['note']}" if report.get("note") else ""
    return f"{state}: {who}{issuer}{note}"
