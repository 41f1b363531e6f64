"""Roots of trust for build platforms: the pair (signer, builder.id) decides, one at a time and by the whole text."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import pytest

from assess._data import data_path
from assess.errors import ConfigError, InputError, NoInputError
from assess.evidence import Interval, Platform, Signer
from assess.trust.platforms import DEFAULT, PLACEHOLDERS, Platforms, Rejected, compile_pattern, load_platforms

CORPUS = Path(os.environ.get("SLSA_ASSESS_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus"))
GITHUB = "https://token.actions.githubusercontent.com"
GENERATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"
GO = f"{GENERATOR}builder_go_slsa3.yml@refs/tags/v2.1.0"
GENERIC = f"{GENERATOR}generator_generic_slsa3.yml@refs/tags/v2.1.0"
DELEGATOR = f"{GENERATOR}delegator_lowperms-generic_slsa3.yml@refs/tags/v2.1.0"
MAVEN = f"{GENERATOR}builder_maven_slsa3.yml@refs/tags/v2.1.0"
TRW = "https://github.com/slsa-framework/example-trw/.github/workflows/builder_high-perms_slsa3.yml@refs/tags/v2.1.0"
JRELEASER = "https://github.com/jreleaser/release-action/.github/workflows/builder_slsa3.yml@refs/tags/v1.2.3-java"
OWN = "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1.2.3"
SHARED = "https://github.com/org/builders/.github/workflows/py.yml@refs/heads/main"
NPM = "https://github.com/actions/runner"
ATTEST_TYPE = "https://actions.github.io/buildtypes/workflow/v1"
NPM_TYPE = "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1"
GO_TYPE = "https://github.com/slsa-framework/slsa-github-generator/go@v1"


@pytest.fixture(scope="module")
def platforms() -> Platforms:
    return load_platforms()


def workflow(
    identity: str, runner: str | None = "github-hosted", repository: str | None = "https://github.com/org/app"
) -> Signer:
    return Signer(
        "certificate", identity, GITHUB, build_signer=identity, runner_environment=runner, source_repository=repository
    )


def key(digest: str = "ab" * 32) -> Signer:
    return Signer("key", f"sha256:{digest}")


def email() -> Signer:
    return Signer("certificate", "dev@example.com", "https://github.com/login/oauth")


LISTED = (
    (workflow(GO), GO, GO_TYPE, 3, 3, "slsa-github-generator.builder"),
    (workflow(GO, runner=None, repository=None), GO, GO_TYPE, 3, 3, "slsa-github-generator.builder"),
    (replace(workflow(GO), build_signer=None), GO, GO_TYPE, 3, 3, "slsa-github-generator.builder"),
    (workflow(GENERIC), GENERIC, "x", 3, 2, "slsa-github-generator.generator"),
    (workflow(DELEGATOR), MAVEN, "x", 3, 3, "slsa-github-generator.delegated"),
    (workflow(DELEGATOR), JRELEASER, "x", 3, 3, "jreleaser.builder"),
    (workflow(OWN), OWN, ATTEST_TYPE, 2, 2, "github-attestations.own-workflow"),
    (workflow(SHARED), SHARED, ATTEST_TYPE, 2, 2, "github-attestations.reusable-workflow"),
    (workflow(OWN, runner="self-hosted"), OWN, ATTEST_TYPE, 1, 1, "github-attestations.self-hosted"),
    (workflow(OWN), f"{NPM}/github-hosted", NPM_TYPE, 2, 2, "npm.github-hosted"),
    (workflow(OWN), NPM, "https://github.com/npm/cli/gha/v2", 2, 2, "npm.github-hosted"),
    (workflow(OWN, runner="self-hosted"), f"{NPM}/self-hosted", NPM_TYPE, 1, 1, "npm.self-hosted"),
    (workflow(OWN, runner="self-hosted"), NPM, NPM_TYPE, 1, 1, "npm.self-hosted"),
)


@pytest.mark.parametrize(("signer", "builder_id", "build_type", "claimed", "strict", "entry"), LISTED)
def test_listed_pairs(
    platforms: Platforms, signer: Signer, builder_id: str, build_type: str, claimed: int, strict: int, entry: str
) -> None:
    found = platforms.look_up(signer, builder_id, "verified", "vendor", build_type)
    assert isinstance(found, Platform)
    assert (found.entry, found.level, found.basis) == (entry, Interval(claimed, claimed), "vendor claim")
    assert found.name and found.claim_url
    found = platforms.look_up(signer, builder_id, "verified", "strict", build_type)
    assert isinstance(found, Platform)
    assert (found.entry, found.level, found.basis) == (entry, Interval(strict, strict), "strict reading")


BY_DEFAULT = (
    ("a key of one's own", key(), "https://example.com/jenkins", "x"),
    ("a key of one's own naming its workflow", key(), OWN, ATTEST_TYPE),
    ("an e-mail naming its workflow", email(), OWN, ATTEST_TYPE),
    ("a workflow with a predicate of its own making", workflow(OWN), OWN, "https://example.com/own/v1"),
    ("a workflow naming another workflow", workflow(OWN), SHARED, ATTEST_TYPE),
    ("the delegator for a builder that nobody lists", workflow(DELEGATOR), TRW, "x"),
    ("a branch of the generator", *(2 * (f"{GENERATOR}builder_go_slsa3.yml@refs/heads/main",)), GO_TYPE),
    ("a pre-release of the generator", *(2 * (f"{GENERATOR}builder_go_slsa3.yml@refs/tags/v2.1.0-rc.1",)), GO_TYPE),
    ("a floating tag of the generator", *(2 * (f"{GENERATOR}builder_go_slsa3.yml@refs/tags/v2",)), GO_TYPE),
    ("a fork of the generator", *(2 * (GO.replace("slsa-framework", "evil"),)), GO_TYPE),
    ("a look-alike of the generator", *(2 * (GO.replace("github.com", "github-com.example"),)), GO_TYPE),
    ("a pull request", *(2 * ("https://github.com/org/app/.github/workflows/ci.yml@refs/pull/1/merge",)), ATTEST_TYPE),
    ("npm's id with another predicate", workflow(OWN), f"{NPM}/github-hosted", ATTEST_TYPE),
    (
        "npm's hosted id from a self-hosted runner",
        workflow(OWN, runner="self-hosted"),
        f"{NPM}/github-hosted",
        NPM_TYPE,
    ),
    ("no builder.id", workflow(OWN), "", ATTEST_TYPE),
    ("an endless builder.id", workflow(OWN), "https://github.com/" + "a" * 100_000, ATTEST_TYPE),
)


@pytest.mark.parametrize(("name", "signer", "builder_id", "build_type"), BY_DEFAULT, ids=[one[0] for one in BY_DEFAULT])
def test_whatever_is_not_listed_is_l1(
    platforms: Platforms, name: str, signer: Signer | str, builder_id: str, build_type: str
) -> None:
    who = workflow(signer) if isinstance(signer, str) else signer
    for profile in ("vendor", "strict"):
        assert platforms.look_up(who, builder_id, "verified", profile, build_type) == DEFAULT  # type: ignore[arg-type]


LIES = (
    ("an e-mail in the generator's name", email(), GO),
    ("a key in the generator's name", key(), GO),
    ("a workflow in the generator's name", workflow(OWN), GO),
    ("one builder in another's name", workflow(GENERIC), GO),
    ("another version of the same builder", workflow(GO), GO.replace("v2.1.0", "v1.0.0")),
    ("the delegator in a builder's name that signs itself", workflow(DELEGATOR), GO),
    ("a delegated builder that signs itself", workflow(MAVEN), MAVEN),
    ("the right text, another issuer", replace(workflow(GO), issuer="https://gitlab.com"), GO),
    ("the right text, no issuer", replace(workflow(GO), issuer=None), GO),
    ("a certificate whose signer URI differs", replace(workflow(GO), build_signer=OWN), GO),
    ("a key in npm's name", key(), f"{NPM}/github-hosted"),
    ("an e-mail in npm's name", email(), NPM),
)


@pytest.mark.parametrize(("name", "signer", "builder_id"), LIES, ids=[one[0] for one in LIES])
def test_signing_in_another_platforms_name_is_rejected(
    platforms: Platforms, name: str, signer: Signer, builder_id: str
) -> None:
    for signature, profile in product(("verified", None), ("vendor", "strict")):
        found = platforms.look_up(signer, builder_id, signature, profile)  # type: ignore[arg-type]
        assert isinstance(found, Rejected), found
        assert builder_id in found.reason and signer.identity in found.reason


def test_signature_states(platforms: Platforms) -> None:
    def level(signer: Signer | None, builder_id: str, signature: str | None, build_type: str | None = None) -> Interval:
        found = platforms.look_up(signer, builder_id, signature, "vendor", build_type)  # type: ignore[arg-type]
        assert isinstance(found, Platform)
        return found.level

    assert level(workflow(GO), GO, None) == Interval(1, 3), "not provable offline"
    assert level(None, GO, None) == Interval(1, 3), "an envelope without a certificate"
    assert level(None, OWN, None, ATTEST_TYPE) == Interval(1, 2)
    assert level(None, "https://example.com/x", None) == Interval(1, 1)
    assert level(None, GO, "absent") == Interval(1, 1), "unsigned"
    assert level(workflow(GO), GO, "absent") == Interval(1, 1)
    assert level(None, GO, "verified") == Interval(1, 1), "verified, but by nobody"
    assert isinstance(platforms.look_up(workflow(GO), GO, "failed", "vendor"), Rejected)


def test_what_neither_certificate_nor_predicate_says_leaves_an_interval(platforms: Platforms) -> None:
    old = workflow(OWN, runner=None)
    found = platforms.look_up(old, f"{NPM}/github-hosted", "verified", "vendor", NPM_TYPE)
    assert isinstance(found, Platform) and found.level == Interval(1, 2) and found.entry == "npm.github-hosted"
    found = platforms.look_up(workflow(OWN), OWN, "verified", "vendor")
    assert isinstance(found, Platform) and found.level == Interval(1, 2), "the buildType was not looked at"
    found = platforms.look_up(workflow(OWN, repository=None), OWN, "verified", "vendor", ATTEST_TYPE)
    assert isinstance(found, Platform) and found.level == Interval(2, 2), "either way it is L2"


def test_learning_more_only_narrows(platforms: Platforms) -> None:
    """From nothing known of the signature to all of it: the interval of the later lookup lies within the earlier."""
    for signer, builder_id, build_type, *_ in LISTED:
        for profile in ("vendor", "strict"):
            steps = [
                platforms.look_up(None, builder_id, None, profile),  # type: ignore[arg-type]
                platforms.look_up(None, builder_id, None, profile, build_type),  # type: ignore[arg-type]
                platforms.look_up(replace(signer, runner_environment=None), builder_id, None, profile, build_type),  # type: ignore[arg-type]
                platforms.look_up(signer, builder_id, None, profile, build_type),  # type: ignore[arg-type]
                platforms.look_up(signer, builder_id, "verified", profile, build_type),  # type: ignore[arg-type]
            ]
            levels = [one.level for one in steps if isinstance(one, Platform)]
            assert len(levels) == len(steps)
            for wide, narrow in pairwise(levels):
                assert wide.reached <= narrow.reached <= narrow.ceiling <= wide.ceiling, (builder_id, levels)


def test_delegators(platforms: Platforms) -> None:
    assert any(one.match(DELEGATOR) for one in platforms.delegators)
    assert not any(one.match(GO) for one in platforms.delegators)
    assert not any(one.match(DELEGATOR.replace("tags/v2.1.0", "heads/main")) for one in platforms.delegators)


PATTERNS = (
    ("a@{version}", "a@v1.2.3", True),
    ("a@{version}", "a@v1.2", False),
    ("a@{version}", "a@v1.2.3-rc1", False),
    ("a@{version}", "xa@v1.2.3", False),
    ("a@{version}", "a@v1.2.3\n", False),
    ("a@{version}", "a@v1.2.\u0663", False),
    ("a.b", "axb", False),
    ("a+(b)", "a+(b)", True),
    ("{owner}/{repo}", "a/b", True),
    ("{owner}/{repo}", "a/b/c", False),
    ("{owner}/{repo}", "a b/c", False),
    ("{path}@{ref}", "w/x.yml@refs/heads/a/b", True),
    ("{path}@{ref}", "w/x.yml@refs/tags/v1", True),
    ("{path}@{ref}", f"w/x.yml@{'a' * 40}", True),
    ("{path}@{ref}", "w/x.yml@refs/pull/1/merge", False),
    ("{path}@{ref}", "w/x.yml@main", False),
    ("{path}@{ref}", "w/x.yml@refs/heads/a b", False),
)


@pytest.mark.parametrize(("pattern", "text", "fits"), PATTERNS, ids=[f"{p[0]}-{p[1]!r}" for p in PATTERNS])
def test_patterns_match_the_whole_text(pattern: str, text: str, fits: bool) -> None:
    assert (compile_pattern(pattern).match(text) is not None) is fits


@pytest.mark.parametrize("pattern", ["{tag}", "{version}-{version}", "a}", "{", "{}", "{ver{sion}}", "{owner}/{owner}"])
def test_patterns_that_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"placeholder|brace"):
        compile_pattern(pattern)


def test_no_pattern_of_the_table_is_slow(platforms: Platforms) -> None:
    """Every pattern against what would make a bad regular expression explode."""
    hostile = ["https://github.com/" + "a/" * 900, "https://github.com/a/b/.github/workflows/" + "a." * 900 + "@"]
    for entry in platforms.entries:
        for pattern in (*entry.builder_ids, *entry.signer.identities):
            assert not any(pattern.match(text) for text in hostile)
            assert set(re.findall(r"\{(\w+)\}", pattern.text)) <= set(PLACEHOLDERS)


def test_the_bundled_table(platforms: Platforms) -> None:
    assert len({entry.id for entry in platforms.entries}) == len(platforms.entries) >= 9
    for entry in platforms.entries:
        assert 1 <= entry.strict <= entry.claimed <= 3
        assert entry.claim_url and entry.basis == "vendor-claim" and not entry.user
        if not entry.exclusive:
            assert entry.claimed <= 2, "nobody is trusted for L3 by a pattern that anybody can fit"


ENTRY = """\
platforms:
  - id: ours
    name: Our runners
    signer:
      kind: key
      sha256: [abababababababababababababababababababababababababababababababab]
    builder_id: https://ci.example.com/release
    relation: listed
    claimed: 2
    basis: self-assessment
"""
REUSABLE = f"""\
platforms:
  - id: builders
    name: Our builders
    signer:
      kind: certificate
      issuer: {GITHUB}
      identity: https://github.com/org/builders/.github/workflows/py.yml@refs/heads/main
      runner_environment: github-hosted
    builder_id: https://github.com/org/builders/.github/workflows/py.yml@refs/heads/main
    relation: same-as-signer
    claimed: 3
    strict: 2
    basis: self-assessment
"""


def test_entries_of_ones_own_come_first(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ENTRY)
    (tmp_path / "b.yaml").write_text(REUSABLE)
    mine = load_platforms((tmp_path / "a.yaml", tmp_path / "b.yaml"))
    assert [entry.id for entry in mine.entries[:2]] == ["ours", "builders"]
    found = mine.look_up(key(), "https://ci.example.com/release", "verified", "vendor")
    assert found == Platform(Interval(2, 2), "ours", "Our runners", "user", None)
    other = mine.look_up(key("cd" * 32), "https://ci.example.com/release", "verified", "vendor")
    assert isinstance(other, Rejected), "the id belongs to our platform now"
    for profile, level in (("vendor", 3), ("strict", 2)):
        found = mine.look_up(workflow(SHARED), SHARED, "verified", profile, "any")  # type: ignore[arg-type]
        assert isinstance(found, Platform) and found.level == Interval(level, level)
    found = mine.look_up(workflow(GO), GO, "verified", "vendor", GO_TYPE)
    assert isinstance(found, Platform) and found.level == Interval(3, 3), "the bundled entries still hold"


MISTAKES = (
    ("id: ours", "id: Our CI", 2, "id is made of lower-case letters"),
    ("    name: Our runners\n", "", 2, "name is missing"),
    ("kind: key", "kind: kye", 5, "no such value 'kye' (did you mean 'key'?)"),
    ("sha256: [ab", "sha265: [ab", 6, "no such key 'sha265' (did you mean 'sha256'?)"),
    ("ababababab]", "ababab]", 6, "64 hex"),
    ("builder_id: https", "builderid: https", 7, "no such key 'builderid' (did you mean 'builder_id'?)"),
    ("example.com/release", "example.com/{tag}", 7, "no such placeholder {tag}"),
    ("example.com/release", "example.com/[", 0, ""),
    ("builder_id: https://ci.example.com/release", "builder_id: [7]", 7, "builder_id is a text or a list of texts"),
    ("relation: listed", "relation: same-as-signer", 8, "a key is no URL"),
    ("relation: listed", "relation: any", 8, "relation: no such value 'any'"),
    ("relation: listed", "relation: own-workflow", 8, "a key is no URL"),
    ("claimed: 2", "claimed: 4", 9, "claimed is a Build level"),
    ("claimed: 2", "claimed: true", 9, "claimed is a Build level"),
    ("claimed: 2", "claimed: 2\n    strict: 3", 10, "strict is never above claimed"),
    ("basis: self-assessment", "basis: hearsay", 10, "basis: no such value 'hearsay'"),
    ("basis: self-assessment", "basis: audit\n    claim: example.com", 11, "claim is an https URL"),
    ("platforms:", "platform:", 1, "expected `platforms:`"),
    ("platforms:\n", "platforms:\n  - nothing\n", 2, "an entry is a mapping"),
    ("platforms:\n", "platfroms: []\nplatforms:\n", 1, "no such key 'platfroms'"),
    ("    name: Our runners", "   name: Our runners", 3, "not YAML"),
    (ENTRY, ENTRY + ENTRY.removeprefix("platforms:\n"), 11, "id 'ours' is used twice"),
)


@pytest.mark.parametrize(("old", "new", "line", "text"), MISTAKES, ids=[f"{m[2]}-{m[3][:40]}" for m in MISTAKES])
def test_one_mistake_is_one_line(tmp_path: Path, old: str, new: str, line: int, text: str) -> None:
    assert ENTRY.count(old) == 1, "the test replaces one place"
    file = tmp_path / "mine.yaml"
    file.write_text(ENTRY.replace(old, new))
    if not text:
        assert load_platforms((file,)).entries[0].id == "ours", "brackets are literal text"
        return
    with pytest.raises(ConfigError) as caught:
        load_platforms((file,))
    rows = [place for place, message in caught.value.problems if text in message]
    assert [re.sub(r":(\d+)(:\d+)?$", r":\1", place) for place in rows] == [f"{file}:{line}"], caught.value.problems


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        ENTRY.replace("kind: key", "kind: kye").replace("claimed: 2", "claimed: 9").replace("listed", "lised")
    )
    with pytest.raises(ConfigError) as caught:
        load_platforms((file,))
    assert [place.rpartition(":")[2] for place, _ in caught.value.problems] == ["9", "8", "5"] or len(
        caught.value.problems
    ) == 3
    assert caught.value.exit_code == 78


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        load_platforms((tmp_path / "nowhere.yaml",))


def test_the_table_lies_where_data_path_says() -> None:
    assert (data_path("levels") / "platforms.yaml").is_file()


# --- real certificates and predicates


def pairs(folder: Path) -> list[tuple[Path, Signer, str, str]]:
    """(file, signer by its certificate, builder.id, buildType) of every attestation below `folder` that has all."""
    from cryptography import x509

    from assess.attestations.containers import read_container
    from assess.attestations.predicates import read_provenance
    from assess.attestations.statement import read_statement

    found = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        opened = []
        for data in bundles_in(file.read_bytes()):
            with suppress(InputError):
                opened += read_container(data, str(file)).opened
        for one in opened:
            certificates = one.material.certificates if one.material else ()
            if not certificates and one.envelope:
                certificates = tuple(s.certificate for s in one.envelope.signatures if s.certificate)
            if not certificates:
                continue
            try:
                statement = read_statement(one)
                provenance = read_provenance(one, statement) if statement else None
            except InputError:
                continue
            if provenance is None or provenance.builder is None:
                continue
            found.append((file, signer_of(x509.load_der_x509_certificate(certificates[0])), provenance.builder.id,
                          provenance.build_type or ""))  # fmt: skip
    return found


def bundles_in(data: bytes) -> list[bytes]:
    """npm's answers hold several bundles; everything else is a container of its own."""
    with suppress(ValueError):
        document = json.loads(data)
        if isinstance(document, dict) and "attestations" in document:
            return [json.dumps(one["bundle"]).encode() for one in document["attestations"] if "bundle" in one]
    return [data]


def signer_of(certificate: object) -> Signer:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    values = {}
    for extension in certificate.extensions:
        base, _, number = extension.oid.dotted_string.rpartition(".")
        if base == "1.3.6.1.4.1.57264.1" and isinstance(extension.value, x509.UnrecognizedExtension):
            raw = extension.value.value
            skip = 0 if int(number) < 7 else 3 if raw[1] == 0x81 else 2
            values[int(number)] = raw[skip:].decode()
    return Signer(
        "certificate", alternative[0].value, values.get(8) or values.get(1), build_signer=values.get(9),
        runner_environment=values.get(11), source_repository=values.get(12) or values.get(5),
    )  # fmt: skip


@pytest.mark.corpus
def test_every_real_generator_is_recognised_and_the_example_is_not(platforms: Platforms) -> None:
    if not CORPUS.is_dir():
        pytest.skip("SLSA_ASSESS_CORPUS names no folder")
    counted = {3: 0, 1: 0}
    for folder in sorted((CORPUS / "provenance").glob("slsa-verifier-gha_*")):
        for file, signer, builder_id, build_type in pairs(folder):
            found = platforms.look_up(signer, builder_id, "verified", "vendor", build_type)
            assert isinstance(found, Platform), (file, found)
            expected = 1 if "/example-trw/" in builder_id else 3
            assert found.level == Interval(expected, expected), (file, signer.identity, builder_id)
            counted[expected] += 1
    assert counted[3] >= 100 and counted[1] >= 5, counted


@pytest.mark.corpus
def test_real_attestations_of_other_makers(platforms: Platforms) -> None:
    if not CORPUS.is_dir():
        pytest.skip("SLSA_ASSESS_CORPUS names no folder")
    expected = {
        "slsa-verifier-npm": {"npm.github-hosted"},
        "slsa-verifier-bcr": {"github-attestations.reusable-workflow"},
        "macaron": {"npm.github-hosted"},
    }
    for name, entries in expected.items():
        rows = pairs(CORPUS / "provenance" / name)
        found = [platforms.look_up(signer, builder, "verified", "vendor", kind) for _, signer, builder, kind in rows]
        assert rows and {one.entry for one in found if isinstance(one, Platform)} == entries, (name, found)
    forks = [row for row in pairs(CORPUS / "provenance" / "slsa-verifier-misc") if "/asraa/" in row[1].identity]
    assert forks
    for _, signer, builder, kind in forks:
        assert platforms.look_up(signer, builder, "verified", "vendor", kind) == DEFAULT
