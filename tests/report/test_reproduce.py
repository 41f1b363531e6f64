"""Command lines for other tools: what they say, how they are quoted, and when there is none."""

import shlex
from dataclasses import replace

import pytest
import sample

from assess.assessment import Assessment, Input, SubjectAssessment
from assess.evidence import Attestation, Builder, Digest, Provenance, Signer, Source, Subject
from assess.report.reproduce import GENERATOR, Command, commands_of
from assess.report.text import escape_hidden
from assess.report.view import view_of

ATTESTATION = sample.GOOD.attestations[0]


def _commands(
    attestation: Attestation | None = ATTESTATION,
    provenance: Provenance | None = sample.PROVENANCE,
    subject: SubjectAssessment = sample.GOOD,
    assessment: Assessment | None = None,
) -> dict[str, Command]:
    found = commands_of(assessment or sample.rich(), subject, ((attestation, provenance),))
    return {one.tool: one for one in found}


def test_a_bundle_of_a_github_workflow() -> None:
    found = _commands()
    assert list(found) == ["sha256sum", "cosign", "gh", "slsa-assess"]
    assert found["cosign"].line == (
        "cosign verify-blob-attestation --bundle dist/widget.sigstore.json --type https://slsa.dev/provenance/v1 "
        f"--certificate-identity {sample.WORKFLOW} --certificate-oidc-issuer {sample.ISSUER} "
        "--trusted-root trusted_root.json dist/widget-linux-amd64.tar.gz"
    )
    assert found["gh"].line == (
        "gh attestation verify dist/widget-linux-amd64.tar.gz --bundle dist/widget.sigstore.json --repo acme/widget "
        f"--cert-identity {sample.WORKFLOW} --predicate-type https://slsa.dev/provenance/v1 "
        "--custom-trusted-root trusted_root.json"
    )
    assert found["sha256sum"].line == (
        f"printf '%s  %s\\n' {sample.SHA_A} dist/widget-linux-amd64.tar.gz | sha256sum --check"
    )
    assert found["slsa-assess"].line == (
        "slsa-assess check --artifact dist/widget-linux-amd64.tar.gz --attestation dist/widget.sigstore.json "
        "--trusted-root trusted_root.json --spec 1.2 --trust-profile vendor --time 2026-03-02T08:30:00Z"
    )


def test_a_project_file_names_everything_else() -> None:
    inputs = (*sample.rich().inputs, Input("project", "slsa-assess.yaml", sample.SHA_A))
    assert _commands(assessment=replace(sample.rich(), inputs=inputs))["slsa-assess"].line == (
        "slsa-assess check slsa-assess.yaml --spec 1.2 --trust-profile vendor --time 2026-03-02T08:30:00Z"
    )


def test_slsa_verifier_for_the_builders_that_it_knows() -> None:
    builder = f"{GENERATOR}.github/workflows/builder_go_slsa3.yml@refs/tags/v2.1.0"
    envelope = replace(ATTESTATION, container="dsse", source=Source("widget.intoto.jsonl"))
    found = _commands(envelope, replace(sample.PROVENANCE, builder=Builder(builder)))
    assert "cosign" not in found and "gh" not in found
    assert found["slsa-verifier"].line == (
        "slsa-verifier verify-artifact dist/widget-linux-amd64.tar.gz --provenance-path widget.intoto.jsonl "
        "--source-uri github.com/acme/widget --source-tag v1.4.0"
    )
    branch = replace(envelope, signer=replace(sample.SIGNER, identity=builder, source_ref="refs/heads/main"))
    assert _commands(branch)["slsa-verifier"].line.endswith("--source-branch main")


def test_a_key_needs_its_file() -> None:
    keyed = replace(ATTESTATION, signer=Signer("key", "sha256:abc"))
    assert "cosign" not in _commands(keyed)
    given = replace(sample.rich(), inputs=(Input("key", "cosign.pub", sample.SHA_A),))
    assert " --key cosign.pub " in _commands(keyed, assessment=given)["cosign"].line
    several = replace(given, inputs=(*given.inputs, Input("key", "other.pub", sample.SHA_B)))
    assert "cosign" not in _commands(keyed, assessment=several)


def test_an_image_is_asked_about_by_its_digest() -> None:
    name = f"registry.example/acme/widget@sha256:{sample.SHA_A}"
    image = replace(sample.GOOD, subject=Subject(name, (Digest("sha256", sample.SHA_A),), Source(f"oci://{name}")))
    found = _commands(subject=image)
    assert "sha256sum" not in found
    assert found["cosign"].line.startswith("cosign verify-attestation --type ")
    assert found["cosign"].line.endswith(f" {name}")
    assert f"--image {name}" in found["slsa-assess"].line


def test_one_line_of_several() -> None:
    third = replace(ATTESTATION, source=Source("all.jsonl", line=3))
    assert _commands(third)["cosign"].line.startswith(
        "sed -n 3p all.jsonl > line.sigstore.json && cosign verify-blob-attestation --bundle line.sigstore.json "
    )


def test_a_failed_signature_is_expected_to_fail_elsewhere() -> None:
    failed = replace(ATTESTATION, signature="failed", signer=None)
    found = _commands(failed, None)
    assert "expected to fail" in found["cosign"].shows
    assert "gh" not in found


@pytest.mark.parametrize("disposition", ["other-subject", "not-provenance"])
def test_no_command_for_what_is_not_about_the_subject(disposition: str) -> None:
    other = replace(ATTESTATION, disposition=disposition)  # type: ignore[arg-type]
    assert list(_commands(other)) == ["sha256sum", "slsa-assess"]


def test_no_command_for_what_is_not_signed() -> None:
    assert list(_commands(replace(ATTESTATION, signature="absent", signer=None))) == ["sha256sum", "slsa-assess"]


NAMES = ["a b", "it's", "$(id)", "`id`", "a;b", "--option", "-n", "a\\b", "*", "#x", "~", "é"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_quoted_and_never_options(name: str) -> None:
    subject = replace(sample.GOOD, subject=replace(sample.GOOD.subject, source=Source(name)))
    line = _commands(replace(ATTESTATION, source=Source(name)), subject=subject)["cosign"].line
    words = shlex.split(line)
    wanted = f"./{name}" if name.startswith("-") else name
    assert words[words.index("--bundle") + 1] == wanted
    assert words[-1] == wanted


@pytest.mark.parametrize("name", ["a\nb", "a\x1bb", "a\u202eb", "a\u200bb", "x" * 700, ""])
def test_what_would_not_be_shown_as_it_is_gives_no_command(name: str) -> None:
    subject = replace(sample.GOOD, subject=replace(sample.GOOD.subject, source=Source(name)))
    assert _commands(replace(ATTESTATION, source=Source(name)), subject=subject) == {}


@pytest.mark.parametrize("offset", range(len(sample.HOSTILE)))
def test_hostile_facts_stay_single_words(offset: int) -> None:
    """No word of a command is made of more than one fact, and none begins a second command."""
    texts = set(sample.texts(hostile := sample.hostile(sample.rich(), offset)))
    for subject in view_of(hostile).subjects:
        for one in subject.commands:
            assert escape_hidden(one.line) == one.line
            fixed = {"|", ">", "&&", "sha256sum", "--check", "line.sigstore.json", "%s  %s\\n", "-n"}
            for word in shlex.split(one.line)[1:]:
                known = word in texts or word.removeprefix("./") in texts or word in fixed or word.startswith("--")
                assert known or word.replace("-", "").isalnum() or "/" in word, word
