"""Command lines with which somebody else's tool repeats what was found, built from the facts of one attestation.

Every word is quoted for a POSIX shell. A command that would need a word with control or format characters is left
out: what a reader would copy is then not what a reader sees.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from assess.assessment import Assessment, SubjectAssessment
from assess.evidence import Attestation, Provenance, Signer
from assess.report.text import escape_hidden

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GENERATOR = "https://github.com/slsa-framework/slsa-github-generator/"
CLOUD_BUILD = "https://cloudbuild.googleapis.com/GoogleHostedWorker"
MAX_WORD = 600
_LOCAL = re.compile(r"(?P<kind>oci|oci-archive|docker-archive):(?!//)(?P<path>.+)@sha256:[0-9a-f]{64}", re.DOTALL)
"""An image that is in no registry."""
_HANGS = re.compile(r"@sha256:[0-9a-f]{64}#/layers/\d+\Z")
_HOST_PATH = re.compile(r"(?:git\+)?https://(?P<path>[\w.-]+/[^@?#\s]+?)(?:\.git)?/?(?:@[^\s]*)?")


@dataclass(frozen=True, slots=True)
class Command:
    """One command line, the tool that it is for, and what it shows."""

    tool: str
    line: str
    shows: str


def commands_of(
    assessment: Assessment,
    subject: SubjectAssessment,
    pairs: tuple[tuple[Attestation | None, Provenance | None], ...],
) -> tuple[Command, ...]:
    """The commands for one subject: its digest, then for each attestation that can be verified the tools that can."""
    found = list(_digest(subject))
    for attestation, provenance in pairs:
        signature = attestation is not None and attestation.kind == "signature" and _is_image(subject)
        if attestation is None or attestation.disposition == "other-subject":
            continue
        if attestation.disposition == "not-provenance" and not signature:
            continue
        if attestation.signature != "absent":
            found += _verifiers(assessment, subject, attestation, provenance)
    found += _ourselves(assessment, subject, pairs)
    return tuple({one.line: one for one in found}.values())


def _line(*words: str | None) -> str | None:
    """The quoted command line; None where a word is unknown, too long, or would not be shown as it is."""
    known: list[str] = []
    for word in words:
        if word is None or not word or len(word) > MAX_WORD or escape_hidden(word) != word:
            return None
        known.append(shlex.quote(word))
    return " ".join(known)


def _path(path: str) -> str:
    """A path that no tool takes for an option."""
    return f"./{path}" if path.startswith("-") else path


def _file_of(subject: SubjectAssessment) -> str:
    source = subject.subject.source
    return _path(source.path if source is not None else subject.subject.name)


def _is_image(subject: SubjectAssessment) -> bool:
    source = subject.subject.source
    return "@sha256:" in subject.subject.name or (source is not None and source.path.startswith("oci://"))


def _image_of(subject: SubjectAssessment) -> str:
    source = subject.subject.source
    name = subject.subject.name if "@sha256:" in subject.subject.name or source is None else source.path
    return name.removeprefix("oci://")


def _digest(subject: SubjectAssessment) -> list[Command]:
    sha256 = next((one.value for one in subject.subject.digests if one.algorithm == "sha256"), None)
    if sha256 is None or subject.subject.source is None or _is_image(subject):
        return []
    printed = _line("printf", "%s  %s\\n", sha256, _file_of(subject))
    if printed is None:
        return []
    return [Command("sha256sum", f"{printed} | sha256sum --check", "the artifact is the one that was assessed")]


def _verifiers(
    assessment: Assessment, subject: SubjectAssessment, attestation: Attestation, provenance: Provenance | None
) -> list[Command]:
    if attestation.kind == "summary":
        return _summary(assessment, subject, attestation)
    found: list[tuple[str, str | None, str]] = []
    signer = attestation.signer
    bundle = _path(attestation.source.path)
    shows = f"the signature and the identity behind {attestation.source}"
    if attestation.signature == "failed" or (signer is None and attestation.signature is not None):
        shows = f"that {attestation.source} does not verify, whoever is asked for; this command is expected to fail"
        anybody = ("--certificate-identity-regexp", ".*", "--certificate-oidc-issuer-regexp", ".*")
        if "bundle" in attestation.container and not _is_image(subject):
            found.append(("cosign", _blob(assessment, attestation, subject, bundle, anybody), shows))
    elif signer is not None:
        identity = _identity(assessment, signer)
        if _is_image(subject):
            found.append(("cosign", _attached(assessment, attestation, subject, identity), shows))
            found.append(("gh", _github(assessment, attestation, subject, signer, bundle), shows))
        elif "bundle" in attestation.container:
            found.append(("cosign", _blob(assessment, attestation, subject, bundle, identity), shows))
            found.append(("gh", _github(assessment, attestation, subject, signer, bundle), shows))
        found.append(("slsa-verifier", _slsa_verifier(subject, signer, provenance, bundle), f"{shows}, and the source"))
    return [Command(tool, line, says) for tool, line, says in found if line is not None]


def _identity(assessment: Assessment, signer: Signer) -> tuple[str | None, ...]:
    if signer.kind == "key":
        keys = [one.path for one in assessment.inputs if one.kind == "key"]
        return ("--key", _path(keys[0]) if len(keys) == 1 else None)
    return ("--certificate-identity", signer.identity, "--certificate-oidc-issuer", signer.issuer)


def _root(assessment: Assessment, option: str) -> tuple[str, ...]:
    roots = [one.path for one in assessment.inputs if one.kind == "trusted-root"]
    return (option, _path(roots[0])) if len(roots) == 1 else ()


def _blob(
    assessment: Assessment,
    attestation: Attestation,
    subject: SubjectAssessment,
    bundle: str,
    identity: tuple[str | None, ...],
) -> str | None:
    before, file = "", bundle
    if attestation.source.line is not None:
        taken = _line("sed", "-n", f"{attestation.source.line}p", bundle)
        if taken is None:
            return None
        before, file = f"{taken} > line.sigstore.json && ", "line.sigstore.json"
    root = _root(assessment, "--trusted-root")
    verb: tuple[str, ...] = ("verify-blob-attestation", "--type", attestation.predicate_type)
    if attestation.kind == "signature":
        verb = ("verify-blob",)
    line = _line("cosign", verb[0], "--bundle", file, *verb[1:], *identity, *root, _file_of(subject))
    return None if line is None else before + line


def _attached(
    assessment: Assessment, attestation: Attestation, subject: SubjectAssessment, identity: tuple[str | None, ...]
) -> str | None:
    root = _root(assessment, "--trusted-root")
    image = _image_of(subject)
    local: tuple[str, ...] = ()
    if found := _LOCAL.fullmatch(image):
        if found["kind"] != "oci":
            return None
        image, local = _path(found["path"]), ("--local-image",)
    verb: tuple[str, ...] = ("verify-attestation", "--type", attestation.predicate_type)
    if attestation.kind == "signature":
        verb = ("verify",)
    # What keys signed need not be in a log; cosign asks for an entry unless it is told not to.
    logged = any(one.step in (6, 7) for one in attestation.checks)
    unlogged = ("--insecure-ignore-tlog",) if identity[0] == "--key" and not logged else ()
    # cosign 3 looks at bundles alone where an image has some.
    old = ("--new-bundle-format=false",) if attestation.container in ("cosign-signature", "cosign-layer") else ()
    return _line("cosign", *verb, *old, *local, *unlogged, *identity, *root, image)


def _github(
    assessment: Assessment, attestation: Attestation, subject: SubjectAssessment, signer: Signer, bundle: str
) -> str | None:
    repository = _host_path(signer.source_repository)
    if signer.issuer != GITHUB_ISSUER or repository is None or not repository.startswith("github.com/"):
        return None
    who = ("--repo", repository.removeprefix("github.com/"), "--cert-identity", signer.identity)
    kind = ("--predicate-type", attestation.predicate_type)
    root = _root(assessment, "--custom-trusted-root")
    if _is_image(subject):
        # gh knows bundles in a registry, and nothing of layouts or of cosign's own layers
        if _LOCAL.fullmatch(_image_of(subject)) or "bundle" not in attestation.container:
            return None
        return _line(
            "gh", "attestation", "verify", f"oci://{_image_of(subject)}", "--bundle-from-oci", *who, *kind, *root
        )
    return _line("gh", "attestation", "verify", _file_of(subject), "--bundle", bundle, *who, *kind, *root)


def _slsa_verifier(
    subject: SubjectAssessment, signer: Signer, provenance: Provenance | None, bundle: str
) -> str | None:
    builder = provenance.builder.id if provenance is not None and provenance.builder is not None else ""
    if not (builder.startswith((GENERATOR, CLOUD_BUILD)) or signer.identity.startswith(GENERATOR)):
        return None
    process = provenance.process if provenance is not None else None
    source = _host_path(signer.source_repository) or _host_path(process.source_uri if process else None)
    reference = signer.source_ref or (process.source_ref if process else None) or ""
    expected: tuple[str | None, ...] = ("--source-uri", source)
    if reference.startswith("refs/tags/"):
        expected = (*expected, "--source-tag", reference.removeprefix("refs/tags/"))
    elif reference.startswith("refs/heads/"):
        expected = (*expected, "--source-branch", reference.removeprefix("refs/heads/"))
    if _is_image(subject):
        if _LOCAL.fullmatch(_image_of(subject)):
            return None
        return _line("slsa-verifier", "verify-image", _image_of(subject), *expected)
    return _line("slsa-verifier", "verify-artifact", _file_of(subject), "--provenance-path", bundle, *expected)


def _summary(assessment: Assessment, subject: SubjectAssessment, attestation: Attestation) -> list[Command]:
    """slsa-verifier's check of a verification summary; it knows keys alone, and passes nothing but PASSED."""
    summary = next((one for one in subject.summaries if one.source == attestation.source), None)
    signer = attestation.signer
    if summary is None or signer is None or signer.kind != "key" or summary.result != "PASSED":
        return []
    if attestation.source.line is not None or attestation.source.pointer is not None:
        # It reads a file of one envelope.
        return []
    digest = next((one for one in subject.subject.digests if one.algorithm == "sha256"), None)
    digest = digest or next(iter(subject.subject.digests), None)
    levels = [word for name in summary.verified_levels or () for word in ("--verified-level", name)]
    line = _line(
        "slsa-verifier", "verify-vsa",
        "--attestation-path", _path(attestation.source.path),
        "--subject-digest", str(digest) if digest is not None else None,
        "--verifier-id", summary.verifier_id,
        "--resource-uri", summary.resource_uri,
        *levels,
        "--public-key-path", *_identity(assessment, signer)[1:],
    )  # fmt: skip
    shows = (
        f"the verification summary in {attestation.source}; --public-key-id too, where its key id is not the key's hash"
    )
    return [] if line is None else [Command("slsa-verifier", line, shows)]


def _host_path(uri: str | None) -> str | None:
    """`github.com/owner/repo` of a repository URI."""
    found = _HOST_PATH.fullmatch(uri or "")
    return found["path"] if found else None


def _ourselves(
    assessment: Assessment,
    subject: SubjectAssessment,
    pairs: tuple[tuple[Attestation | None, Provenance | None], ...],
) -> list[Command]:
    given = _given(assessment, subject, pairs)
    rest = ("--spec", assessment.spec, "--trust-profile", assessment.trust_profile, "--time", assessment.time)
    line = _line("slsa-assess", "check", *given, *rest)
    return [] if line is None else [Command("slsa-assess", line, "this assessment, again")]


def _given(
    assessment: Assessment,
    subject: SubjectAssessment,
    pairs: tuple[tuple[Attestation | None, Provenance | None], ...],
) -> list[str]:
    """The project file where there is one, for it names everything else; else each input by its option."""
    projects = [_path(one.path) for one in assessment.inputs if one.kind == "project"]
    if projects:
        return projects[:1]
    given: list[str] = []
    if _is_image(subject):
        given += ["--image", _image_of(subject)]
    elif subject.subject.digests:
        digest = next((one for one in subject.subject.digests if one.algorithm == "sha256"), subject.subject.digests[0])
        given += ["--artifact", _file_of(subject) if subject.subject.source else str(digest)]
    for path in dict.fromkeys(one.source.path for pair in pairs for one in pair if one is not None):
        # What hangs on the image is found with it.
        given += ["--attestation", path] if not (_is_image(subject) and _HANGS.search(path)) else []
    for option in ("trusted-root", "key", "platforms", "answers", "lock"):
        for one in assessment.inputs:
            if one.kind == option:
                given += [f"--{option}", one.path]
    return given
