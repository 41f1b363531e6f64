"""Our own verification summaries: what they say, who accepts them, and what is refused rather than made up."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from virtual_keys import Key, derive_key, pem_of
from virtual_sigstore import provenance_v1
from virtual_statements import subject_of
from virtual_summaries import DATA, KEY, OTHER_KEY, RESOURCE, VERIFIER, envelope, private_pem, project, summary

from assess.vsa import parsed_by_slsa_verifier

OURS = "https://assessor.example/slsa-assess"
TIME = "2026-01-31T12:00:00Z"


def payload_of(line: str) -> dict[str, Any]:
    document = json.loads(line)
    statement: dict[str, Any] = json.loads(base64.b64decode(document["payload"]))
    return statement


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose artifact has a summary of a listed verifier (Build L2), and a key of our own."""
    project(tmp_path)
    (tmp_path / "vsa.json").write_bytes(envelope(summary("SLSA_BUILD_LEVEL_2")))
    (tmp_path / "ours.key").write_bytes(private_pem(OTHER_KEY))
    return tmp_path


def emit(run: Callable[..., Any], folder: Path, *more: str | Path, key: Path | None = None) -> Any:
    return run(
        "check",
        folder,
        "-a",
        folder / "vsa.json",
        "--time",
        TIME,
        "--vsa-verifier-id",
        OURS,
        "--vsa-resource-uri",
        RESOURCE,
        "--vsa-key",
        key or folder / "ours.key",
        "-f",
        f"vsa={folder / 'out.json'}",
        *more,
    )


def test_every_field_of_a_passed_decision(run: Callable[..., Any], folder: Path) -> None:
    ran = emit(run, folder, "--min-level", "1")
    assert ran.code == 0, ran.err
    document = json.loads((folder / "out.json").read_text())
    assert document["payloadType"] == "application/vnd.in-toto+json"
    assert len(document["signatures"]) == 1
    statement = payload_of((folder / "out.json").read_text())
    policy = (folder / "out.json.policy.json").read_bytes()
    consumed = sha256((folder / "vsa.json").read_bytes()).hexdigest()
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert [one["name"] for one in statement["subject"]] == ["widget"]
    assert statement["subject"][0]["digest"]["sha256"] == sha256(DATA).hexdigest()
    predicate = statement["predicate"]
    assert predicate["verifier"]["id"] == OURS
    assert set(predicate["verifier"]["version"]) == {"slsa-assess"}
    assert (predicate["timeVerified"], predicate["resourceUri"]) == (TIME, RESOURCE)
    # The highest level that was verified, not the minimum that was asked for.
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("PASSED", ["SLSA_BUILD_LEVEL_2"])
    assert predicate["slsaVersion"] == "1.2"
    assert predicate["policy"]["digest"] == {"sha256": sha256(policy).hexdigest()}
    assert predicate["policy"]["uri"].startswith("ni:///sha-256;")
    assert [one["digest"] for one in predicate["inputAttestations"]] == [{"sha256": consumed}]
    assert "dependencyLevels" not in predicate
    assert json.loads(policy)["minimum"] == {"build": 1}
    assert str(folder) not in policy.decode()


def test_failed_is_said_and_never_with_a_level(run: Callable[..., Any], folder: Path) -> None:
    ran = emit(run, folder, "--min-level", "3")
    assert ran.code == 1
    predicate = payload_of((folder / "out.json").read_text())["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])


def test_an_accepted_reading_is_not_demonstrated(run: Callable[..., Any], folder: Path) -> None:
    """What opens the gate by an answer or a pipeline does not get into a summary."""
    workflow = folder / ".github" / "workflows" / "release.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        "on: {push: {tags: ['v*']}}\npermissions: {}\njobs:\n  build:\n"
        "    permissions: {id-token: write, contents: write}\n"
        "    uses: slsa-framework/slsa-github-generator/.github/workflows/builder_go_slsa3.yml@v2.1.0\n"
        "    with: {go-version: '1.24'}\n"
    )
    for accept in ((), ("--accept", "configured")):
        emit(run, folder, "--min-level", "3", *accept)
        assert payload_of((folder / "out.json").read_text())["predicate"]["verifiedLevels"] == ["FAILED"]


@pytest.mark.parametrize("algorithm", ["p256", "p384", "ed25519"])
def test_round_trip_through_our_own_algorithm(algorithm: str, run: Callable[..., Any], folder: Path) -> None:
    key = derive_key("tests", "ours", algorithm)
    (folder / "ours.key").write_bytes(private_pem(key))
    assert emit(run, folder, "--min-level", "2").code == 0
    other = folder / "consumer"
    other.mkdir()

    def reached(listed: Key = key, **changes: object) -> int:
        project(other, key=listed, **({"id": OURS} | changes))
        ran = run("check", other, "-a", folder / "out.json", "-f", "json")
        rows = json.loads(ran.out)["levels"]
        level: int = next(row["level"]["reached"] for row in rows if row["reading"] == "demonstrated")
        return level

    assert reached() == 2
    assert reached(max_level={"build": 1}) == 1
    assert reached(listed=KEY) == 0
    assert reached(id=VERIFIER) == 0
    assert reached(resource_uri=f"{RESOURCE}/") == 0


def test_same_inputs_same_bytes(run: Callable[..., Any], folder: Path) -> None:
    texts = []
    for _ in range(2):
        emit(run, folder, "--min-level", "2")
        texts.append((folder / "out.json").read_bytes() + (folder / "out.json.policy.json").read_bytes())
    assert texts[0] == texts[1]
    emit(run, folder, "--min-level", "1")
    assert (folder / "out.json.policy.json").read_bytes() not in texts[0]


def test_one_summary_for_each_distinct_decision(run: Callable[..., Any], tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "gadget").write_bytes(b"gadget")
    (tmp_path / "twin").write_bytes(DATA)
    (tmp_path / "vsa.json").write_bytes(envelope(summary("SLSA_BUILD_LEVEL_2")))
    (tmp_path / "ours.key").write_bytes(private_pem(OTHER_KEY))
    artifacts = [text for name in ("widget", "gadget", "twin") for text in ("--artifact", str(tmp_path / name))]
    emit(run, tmp_path, "--min-level", "2", *artifacts)
    lines = (tmp_path / "out.json").read_text().splitlines()
    found = [(payload_of(one)["predicate"]["verificationResult"], payload_of(one)["subject"]) for one in lines]
    assert [(result, [one["name"] for one in subjects]) for result, subjects in found] == [
        ("PASSED", ["widget", "twin"]),
        ("FAILED", ["gadget"]),
    ]


@pytest.mark.parametrize(
    ("drop", "told"),
    [
        (("--vsa-verifier-id", OURS), "the id of its verifier"),
        (("--vsa-resource-uri", RESOURCE), "the URI of what it is about"),
        (("--vsa-key",), "no key was given"),
        (("--min-level", "2"), "nothing was asked"),
        (("--artifact",), "none was given"),
    ],
)
def test_what_is_not_known_is_not_made_up(
    drop: tuple[str, ...], told: str, run: Callable[..., Any], folder: Path
) -> None:
    (folder / "slsa-assess.yaml").write_text("version: 1\nanswers: [{question: a, answer: yes}]\n")
    options = {
        "--vsa-verifier-id": OURS,
        "--vsa-resource-uri": RESOURCE,
        "--vsa-key": str(folder / "ours.key"),
        "--min-level": "2",
        "--artifact": str(folder / "widget"),
        "-f": f"vsa={folder / 'out.json'}",
    }
    options.pop(drop[0])
    ran = run("check", folder, *(text for pair in options.items() for text in pair))
    assert ran.code == 78, ran.err
    assert told in ran.err
    assert not (folder / "out.json").exists()


def test_unsigned_is_a_bare_statement_that_says_so(run: Callable[..., Any], folder: Path) -> None:
    ran = run(
        "check",
        folder,
        "-a",
        folder / "vsa.json",
        "--min-level=2",
        f"--vsa-verifier-id={OURS}",
        f"--vsa-resource-uri={RESOURCE}",
        "--vsa-unsigned",
        "-f",
        "vsa",
    )
    assert ran.code == 0
    statement = json.loads(ran.out)
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert "unsigned statement - not a VSA" in ran.err


def test_the_project_file_says_it_too(run: Callable[..., Any], tmp_path: Path) -> None:
    own = {"verifier_id": OURS, "resource_uri": RESOURCE, "key": "ours.key", "policy_uri": "https://assessor.example/p"}
    project(tmp_path, more=f"gate: {{min_level: {{build: 2}}}}\nvsa: {json.dumps(own)}\nattestations: vsa.json\n")
    (tmp_path / "vsa.json").write_bytes(envelope(summary("SLSA_BUILD_LEVEL_2")))
    (tmp_path / "ours.key").write_bytes(private_pem(OTHER_KEY))
    ran = run("check", tmp_path, "-f", "vsa")
    assert ran.code == 0, ran.err
    assert payload_of(ran.out)["predicate"]["policy"]["uri"] == "https://assessor.example/p"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (pem_of(KEY), "not a PEM private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (
            derive_key("tests", "a").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
            "an encrypted private key",
        ),
        (private_pem(derive_key("tests", "a", "p521")), "not signed with"),
        (private_pem(derive_key("tests", "a", "rsa")), "not signed with"),
    ],
)
def test_keys_that_are_refused(data: bytes, told: str, run: Callable[..., Any], folder: Path) -> None:
    (folder / "ours.key").write_bytes(data)
    ran = emit(run, folder, "--min-level", "1")
    assert ran.code == 78
    assert told in ran.err
    assert not (folder / "out.json").exists()
    assert "PRIVATE KEY-----" not in ran.err


def test_an_older_form_of_pem_is_read(run: Callable[..., Any], folder: Path) -> None:
    assert isinstance(OTHER_KEY, ec.EllipticCurvePrivateKey)
    from cryptography.hazmat.primitives.serialization import NoEncryption

    pem = OTHER_KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / "ours.key").write_bytes(pem)
    assert emit(run, folder, "--min-level", "1").code == 0


def test_a_level_that_nobody_could_evaluate(run: Callable[..., Any], folder: Path) -> None:
    """Passed for expectations alone is no case for L0; here a minimum of zero, with nothing looked at."""
    arguments = [
        "check",
        folder,
        "--min-level=0",
        f"--vsa-verifier-id={OURS}",
        f"--vsa-resource-uri={RESOURCE}",
        "--vsa-unsigned",
        "-f",
        "vsa",
    ]
    (folder / "vsa.json").unlink()
    assert json.loads(run(*arguments).out)["predicate"]["verifiedLevels"] == ["SLSA_BUILD_LEVEL_UNEVALUATED"]
    plain = run(*arguments, "--vsa-compat", "slsa-verifier")
    assert json.loads(plain.out)["predicate"]["verifiedLevels"] == []
    assert run(*arguments, "--vsa-compat", "cosign").code == 2


def test_what_is_not_as_expected_carries_no_level(run: Callable[..., Any], folder: Path) -> None:
    """Provenance as expected (L1) passes; the summary (L2) answers no expectation and is not what is stated."""
    builder = derive_key("a builder", "provenance")
    (folder / "builder.pub").write_bytes(pem_of(builder))
    signed = envelope(provenance_v1([subject_of("widget", DATA)]), builder)
    (folder / "provenance.json").write_bytes(signed)
    ran = emit(
        run,
        folder,
        "-a",
        folder / "provenance.json",
        "--min-level=1",
        "--source-uri=https://github.com/example-org/widget",
        f"--key={folder / 'builder.pub'}",
    )
    assert ran.code == 0, ran.err
    predicate = payload_of((folder / "out.json").read_text())["predicate"]
    assert predicate["verifiedLevels"] == ["SLSA_BUILD_LEVEL_1"]
    assert len(predicate["inputAttestations"]) == 2


@pytest.mark.parametrize(
    ("formats", "code"),
    [
        (("vsa", "json"), 2),
        (("vsa=a.json", "vsa=b.json"), 2),
        (("vsa", "terminal=t.txt"), 0),
    ],
)
def test_one_target_for_standard_output(
    formats: tuple[str, ...], code: int, run: Callable[..., Any], folder: Path
) -> None:
    options = [text for one in formats for text in ("-f", one)]
    ran = run(
        "check",
        folder,
        "-a",
        folder / "vsa.json",
        "--min-level=2",
        f"--vsa-verifier-id={OURS}",
        f"--vsa-resource-uri={RESOURCE}",
        "--vsa-unsigned",
        *options,
        cwd=folder,
    )
    assert ran.code == code, ran.err


# slsa-verifier's rules for entries of verifiedLevels: (entry, whether the whole VSA survives it).
ENTRIES = [
    ("SLSA_BUILD_LEVEL_0", True),
    ("SLSA_BUILD_LEVEL_2", True),
    ("SLSA_SOURCE_LEVEL_4", True),
    ("SLSA_ANYTHING_LEVEL_12", True),
    ("BCID_L1", True),
    ("FAILED", True),
    ("ORG_SOURCE_REVIEWED", True),
    ("", True),
    ("slsa_build_level_x", True),
    ("SLSA_BUILD_LEVEL_UNEVALUATED", False),
    ("SLSA_SOURCE_TWO_PARTY_REVIEWED", False),
    ("SLSA_BUILD_REPRODUCED", False),
    ("SLSA_LEVEL_3", False),
    ("SLSA_BUILD_LEVEL_", False),
    ("SLSA_BUILD_LEVEL_2_PLUS", False),
    ("SLSA_BUILD_TRACK_LEVEL_2", False),
    ("SLSA_BUILD_LEVEL_2.0", False),
    ("SLSA_", False),
]


@pytest.mark.parametrize(("entry", "survives"), ENTRIES)
def test_entries_that_slsa_verifier_parses(entry: str, survives: bool) -> None:
    assert parsed_by_slsa_verifier(entry) is survives


def _accepted_by_slsa_verifier(line: str, resource: str, verifier: str, digest: str, least: int) -> bool:
    """Its acceptance rules, restated: key checked apart, exact equality, every expected digest, levels per track."""
    document = json.loads(line)
    statement = payload_of(line)
    predicate = statement["predicate"]
    found: dict[str, int] = {}
    for name in predicate["verifiedLevels"]:
        if name.startswith("SLSA_"):
            parts = re.fullmatch(r"SLSA_([^_]+)_LEVEL_(-?\d+)", name)
            if parts is None:
                return False
            found[parts[1]] = max(found.get(parts[1], 0), int(parts[2]))
    return (
        document["payloadType"] == "application/vnd.in-toto+json"
        and statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
        and any(digest in one["digest"].values() for one in statement["subject"])
        and predicate["verifier"]["id"] == verifier
        and predicate["resourceUri"] == resource
        and predicate["verificationResult"] == "PASSED"
        and found.get("BUILD", -1) >= least
    )


def test_what_we_write_is_what_slsa_verifier_accepts(run: Callable[..., Any], folder: Path) -> None:
    emit(run, folder, "--min-level", "2", "--vsa-compat", "slsa-verifier")
    line = (folder / "out.json").read_text()
    digest = sha256(DATA).hexdigest()
    assert _accepted_by_slsa_verifier(line, RESOURCE, OURS, digest, 2)
    assert not _accepted_by_slsa_verifier(line, RESOURCE, OURS, digest, 3)
    assert not _accepted_by_slsa_verifier(line, f"{RESOURCE}/", OURS, digest, 2)
