"""The rule pack as shipped, and the loader: every mistake of a rule file at its line."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from assess.errors import ConfigError, NoInputError
from assess.evidence import Interval
from assess.levels import RulePack, default_directories, load_pack, rule_schema
from assess.rule_tests import read_evidence, run_tests

BUILD_MUST = [
    "BUILD-L1-GEN-BESTPRACTICE",
    "BUILD-L1-PROD-PLATFORM",
    "BUILD-L2-PROD-HOSTED",
    "BUILD-L3-PROD-HARDENED",
    "BUILD-L1-PROD-CONSISTENT",
    "BUILD-L1-PROD-METADATA",
    "BUILD-L1-PROD-DISTRIBUTE",
    "BUILD-L1-PROV-EXISTS",
    "BUILD-L1-PROV-AUTOMATIC",
    "BUILD-L1-PROV-SUBJECT",
    "BUILD-L1-PROV-DESCRIBES",
    "BUILD-L1-PROV-FORMAT-OK",
    "BUILD-L1-PROV-FORMAT-EQUIV",
    "BUILD-L1-SCHEMA-REQUIRED",
    "BUILD-L1-SCHEMA-BUILDERID-TRUSTBASE",
    "BUILD-L1-SCHEMA-BUILDERID-MODES",
    "BUILD-L1-SCHEMA-EXTPARAM-INCLUDED",
    "BUILD-L1-SCHEMA-EXTENSIONS",
    "BUILD-L2-PROV-AUTH-INTEGRITY",
    "BUILD-L2-PROV-AUTH-IDENTITY",
    "BUILD-L2-PROV-CONTROLPLANE",
    "BUILD-L2-PROV-DATA-SOURCE",
    "BUILD-L2-PROV-TENANT-CONTROL",
    "BUILD-L2-CONS-VALIDATE",
    "BUILD-L3-PROV-FORGERY",
    "BUILD-L3-PROV-KEYSTORE",
    "BUILD-L3-PROV-KEY-ISOLATED",
    "BUILD-L3-PROV-FIELDS",
    "BUILD-L3-PROV-EXTPARAM-ENUM",
    "BUILD-L2-ISO-HOSTED",
    "BUILD-L3-ISO-ISOLATED",
    "BUILD-L3-ISO-SECRETS",
    "BUILD-L3-ISO-CONCURRENT",
    "BUILD-L3-ISO-EPHEMERAL",
    "BUILD-L3-ISO-CACHE",
    "BUILD-L3-ISO-REMOTE",
]
"""The rows of the requirements catalogue (SLSA 1.2, Build track) that are MUST or MUST NOT."""

IDS = (
    "build.choose-platform",
    "build.consistent-process",
    "build.distribute-provenance",
    "build.provenance-exists",
    "build.hosted",
    "build.provenance-authentic",
    "build.isolated",
    "build.provenance-unforgeable",
)


@pytest.fixture(scope="module")
def pack() -> RulePack:
    return load_pack(default_directories())


def clauses(pack: RulePack):
    return [(rule, clause) for rule in pack.requirements for clause in rule.clauses]


def test_the_pack_in_order_of_level_and_id(pack: RulePack) -> None:
    assert tuple(rule.id for rule in pack.requirements) == IDS
    assert re.fullmatch("[0-9a-f]{64}", pack.sha256)


def test_every_must_row_is_in_exactly_one_must_clause_of_its_level(pack: RulePack) -> None:
    rows = Counter(row for _, clause in clauses(pack) for row in clause.catalogue)
    assert [row for row, count in rows.items() if count != 1] == []
    musts = {
        row: rule.level_of(clause)
        for rule, clause in clauses(pack)
        if clause.degree == "must"
        for row in clause.catalogue
    }
    assert set(BUILD_MUST) <= set(musts)
    wrong = {row: level for row, level in musts.items() if row in BUILD_MUST and f"-L{level}-" not in row}
    assert wrong == {}


def test_every_must_clause_can_be_read_three_ways(pack: RulePack) -> None:
    for rule, clause in clauses(pack):
        name = f"{rule.id}/{clause.id}"
        assert clause.raise_it, name
        if clause.degree == "must":
            assert clause.demonstrated is not None and clause.configured is not None and clause.declared, name
        else:
            assert clause.demonstrated or clause.configured or clause.declared, name


def test_no_requirement_of_l1_needs_a_signature(pack: RulePack) -> None:
    for rule, clause in clauses(pack):
        if rule.level_of(clause) == 1:
            assert "signature" not in str(clause.demonstrated), f"{rule.id}/{clause.id}"


def test_prose_and_attribution(pack: RulePack) -> None:
    for rule in pack.requirements:
        assert (rule.source.name, rule.source.version) == ("SLSA", "1.2")
        assert set(rule.threats) == set(rule.spec) == {"1.0", "1.1", "1.2"}
        assert rule.reference.startswith("https://slsa.dev/spec/v1.2/build-requirements#")
        assert len(rule.risk) > 60


def test_snippets_are_yaml_without_invented_commits(pack: RulePack) -> None:
    for rule in pack.requirements:
        assert {"github-actions", "gitlab-ci"} <= set(rule.remediation.ci)
        for system, text in rule.remediation.ci.items():
            assert isinstance(yaml.safe_load(text), dict | list), f"{rule.id} {system}"
            assert not re.search(r"@[0-9a-f]{40}", text), f"{rule.id} {system}"


def test_inline_tests_pass(pack: RulePack) -> None:
    results = run_tests(pack)
    assert [one for one in results if not one.passed] == []
    assert len(results) >= 50


def test_inline_tests_cover_every_outcome_and_every_clause(pack: RulePack) -> None:
    for rule in pack.requirements:
        seen: dict[str, set[str]] = {"demonstrated": set(), "configured": set(), "declared": set()}
        settled: set[tuple[str, str]] = set()
        for test in rule.tests:
            for reading, expected in test["expect"].items():
                seen[reading] |= set(expected.values())
                settled |= {(reading, clause) for clause, outcome in expected.items() if outcome != "unknown"}
        for reading in ("demonstrated", "configured"):
            assert seen[reading] == {"met", "unmet", "unknown"}, f"{rule.id} {reading}"
        for clause in rule.clauses:
            for reading in ("demonstrated", "configured"):
                if getattr(clause, reading) is not None:
                    assert (reading, clause.id) in settled, f"{rule.id}/{clause.id} {reading}"
            if clause.demonstrated is None and clause.configured is None:
                assert ("declared", clause.id) in settled, f"{rule.id}/{clause.id}"


def test_rule_files_fit_the_schema_that_is_printed(pack: RulePack) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(rule_schema())
    files = sorted(default_directories()[0].glob("build/*/*.yaml"))
    assert len(files) == len(IDS)
    for file in files:
        assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text()))] == []
    broken = yaml.safe_load(files[0].read_text()) | {"levle": 1}
    assert list(validator.iter_errors(broken))


RULE = """\
id: build.example
track: build
level: 2
spec: ["1.2"]
title: An example
role: producer
reference: https://example.com/
source: {name: SLSA, version: "1.2", retrieved_from: https://slsa.dev/spec/v1.2/}
risk: None.
clauses:
  - id: one
    degree: must
    text: Something holds.
    demonstrated: {some: provenance, expect: {signature: verified}}
    configured:
      every: releases
      where: {system: github-actions}
      expect:
        provenance.signed: true
        hosted: true
    declared:
      question: example.one
      ask: Does it hold?
remediation:
  effort: low
  text: Do it.
tests:
  - name: signed
    evidence: {provenance: [{signature: verified}]}
    expect: {demonstrated: {one: met}}
"""


def write(folder: Path, text: str = RULE, name: str = "build/l2/example.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def problems(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        load_pack((folder,))
    assert caught.value.problems
    return [(place.removeprefix(f"{folder}/"), text) for place, text in caught.value.problems]


MISTAKES = (
    ("track: build", "trakc: build", 2, "no such key 'trakc' (did you mean 'track'?)"),
    ("level: 2", "level: two", 3, "level: should be a valid integer"),
    ("level: 2", "level: 7", 3, "level: should be less than or equal to 4"),
    ("title: An example\n", "", 1, "title is missing"),
    ("role: producer", "role: boss", 6, "role: should be 'producer', "),
    ('{name: SLSA, version: "1.2", ', "{name: SLSA, ", 8, "version is missing"),
    ("degree: must", "degree: shall", 12, "degree: should be 'must', "),
    ("    text: Something", "    txt: Something", 13, "no such key 'txt' (did you mean 'text'?)"),
    ("signature: verified}}\n    conf", "signatur: verified}}\n    conf", 14, "(did you mean 'signature'?)"),
    ("signature: verified}}\n    conf", "signature: verifed}}\n    conf", 14, "no such value 'verifed'"),
    (
        "expect: {signature: verified}}\n    conf",
        "expcet: {signature: verified}}\n    conf",
        14,
        "(did you mean 'expect'?)",
    ),
    (
        "{some: provenance, expect: {signature: verified}}\n    conf",
        "{sme: provenance}\n    conf",
        14,
        "begins with one of",
    ),
    ("some: provenance, ", "some: provenances, ", 14, "no such collection 'provenances' (did you mean 'provenance'?)"),
    ("{some: provenance, ", "{every: provenance, ", 14, "uses `some` only"),
    ("{signature: verified}}\n    conf", "{signature: {not: failed}}}\n    conf", 14, "asks for something good"),
    ("{signature: verified}}\n    conf", "{signature: {lik: v*}}}\n    conf", 14, "no such operator 'lik'"),
    ("{signature: verified}}\n    conf", "{signature: {at-least: 2}}}\n    conf", 14, "at-least compares a number"),
    ("{signature: verified}}\n    conf", "{signature: []}}\n    conf", 14, "an empty list matches nothing"),
    ("system: github-actions", "systm: github-actions", 17, "(did you mean 'system'?)"),
    ("provenance.signed: true", "provenance.signd: true", 19, "(did you mean 'signed'?)"),
    ("provenance.signed: true", "provenance: true", 19, "is no plain value; name a field of it"),
    ("hosted: true", "hosted: yes", 20, "bool expected, got 'yes'"),
    ("hosted: true", "hosted: 1.5", 20, "bool expected, got '1.5'"),
    ("hosted: true", "system.name: x", 20, "is asked of something that has no fields"),
    ("question: example.one", "question: Example One", 22, "question: "),
    ("ask: Does", "aks: Does", 23, "no such key 'aks' (did you mean 'ask'?)"),
    ("effort: low", "effort: small", 25, "effort: should be 'low', "),
    ("text: Do it.", "text: Do it.\n  text: Again.", 27, "duplicate key 'text'"),
    ("remediation:", "remediation: [", 26, "not YAML"),
    ("id: build.example", "id: build.exampel", 1, "do not agree with the file's place"),
    ("level: 2", "level: 1", 1, "do not agree with the file's place"),
    (RULE, "- a list\n", 1, "a rule file is a mapping"),
)


@pytest.mark.parametrize(("old", "new", "line", "text"), MISTAKES, ids=[f"{m[2]}-{m[3][:40]}" for m in MISTAKES])
def test_one_mistake_is_one_line(tmp_path: Path, old: str, new: str, line: int, text: str) -> None:
    assert RULE.count(old) == 1, "the test replaces one place"
    write(tmp_path, RULE.replace(old, new))
    found = problems(tmp_path)
    rows = [one for one in found if text in one[1]]
    assert len(rows) == 1, found
    assert re.fullmatch(rf"build/l2/example\.yaml:{line}(:\d+)?", rows[0][0]), found
    assert "\n" not in rows[0][1] and "pydantic" not in rows[0][1] and len(rows[0][1]) < 250


def test_the_unbroken_rule_loads_and_its_test_passes(tmp_path: Path) -> None:
    write(tmp_path)
    loaded = load_pack((tmp_path,))
    assert [one.passed for one in run_tests(loaded)] == [True]


def test_all_mistakes_of_all_files_at_once(tmp_path: Path) -> None:
    broken = (
        RULE.replace("provenance.signed", "provenance.signd")
        .replace("hosted", "hostd")
        .replace("signature: verified}}\n    conf", "signatur: verified}}\n    conf")
        .replace("degree: must", "degree: shall")
    )
    write(tmp_path, broken)
    write(tmp_path, "id: [\n", "build/l1/other.yaml")
    write(tmp_path, RULE.replace("track: build", "trakc: build"), "build/l3/third.yaml")
    places = {place for place, _ in problems(tmp_path)}
    assert {"build/l2/example.yaml:12", "build/l3/third.yaml:2"} <= places
    assert any(place.startswith("build/l1/other.yaml") for place in places)
    write(tmp_path, broken.replace("shall", "must"))
    assert {"build/l2/example.yaml:14", "build/l2/example.yaml:19", "build/l2/example.yaml:20"} <= {
        place for place, _ in problems(tmp_path)
    }


def test_mistakes_inside_all_and_any_have_their_lines(tmp_path: Path) -> None:
    nested = """\
    demonstrated:
      any:
        - {some: provenance, expect: {signature: verified}}
        - all:
            - {some: provenance, expect: {subject_secur: true}}
            - {none: provenance, expect: {distributed: true}}
"""
    line = "    demonstrated: {some: provenance, expect: {signature: verified}}\n"
    write(tmp_path, RULE.replace(line, nested))
    found = dict(problems(tmp_path))
    assert "did you mean 'subject_secure'?" in found["build/l2/example.yaml:18"]
    assert "uses `some` only" in found["build/l2/example.yaml:19"]


def test_ids_and_questions_are_unique_across_the_pack(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    with pytest.raises(ConfigError) as caught:
        load_pack((tmp_path / "a", tmp_path / "b"))
    texts = [text for _, text in caught.value.problems]
    assert any("id 'build.example' is used by" in text for text in texts)
    assert any("question 'example.one' is asked at" in text for text in texts)


def test_a_flat_folder_of_ones_own_rules(tmp_path: Path, pack: RulePack) -> None:
    write(tmp_path, name="example.yml")
    both = load_pack((*default_directories(), tmp_path))
    assert {rule.id for rule in both.requirements} == {*IDS, "build.example"}
    assert both.sha256 != pack.sha256


def test_only_rules_of_the_asked_specification(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_pack((tmp_path,), "1.0").requirements == ()
    assert len(load_pack(default_directories(), "1.0").requirements) == len(IDS)


def test_the_hash_covers_names_and_bytes(tmp_path: Path) -> None:
    write(tmp_path)
    first = load_pack((tmp_path,)).sha256
    write(tmp_path, RULE + "# a comment\n")
    second = load_pack((tmp_path,)).sha256
    assert len({first, second}) == 2
    assert load_pack((tmp_path,)).sha256 == second


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_no_rules(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoInputError):
        load_pack((tmp_path / name,))


BROKEN_TESTS = (
    ("{signature: verified}]", "{signatur: verified}]", "no such field 'signatur' (did you mean 'signature'?)"),
    ("{signature: verified}]", "{signature: signed}]", "no such value 'signed'"),
    ("{signature: verified}]", "{subject_secure: maybe}]", "bool expected, got 'maybe'"),
    ("{signature: verified}]", "{platform: {}}]", "platform.level is missing"),
    ("provenance: [{", "provenances: [{", "no such field 'provenances' (did you mean 'provenance'?)"),
    ("[{signature: verified}]", "yes", "a list expected, got 'yes'"),
    ("{one: met}", "{two: met}", "no such clause 'two' (one of one)"),
    ("{one: met}", "{one: unmet}", "one, demonstrated: expected unmet, got met"),
    ("{one: met}", "{one: good}", "should be 'met', 'unmet' or 'unknown'"),
    ("{demonstrated: {one: met}}", "{}", "expects nothing"),
    ("- name: signed", "- nmae: signed", "nmae"),
)


@pytest.mark.parametrize(("old", "new", "text"), BROKEN_TESTS, ids=[one[2][:40] for one in BROKEN_TESTS])
def test_a_broken_inline_test_says_what_is_wrong(tmp_path: Path, old: str, new: str, text: str) -> None:
    head, tests = RULE.split("tests:\n")
    assert tests.count(old) == 1
    write(tmp_path, f"{head}tests:\n{tests.replace(old, new)}")
    results = run_tests(load_pack((tmp_path,)))
    assert [one.passed for one in results] == [False]
    assert text in results[0].detail


def test_a_number_is_a_settled_level_and_what_is_left_out_is_unknown() -> None:
    evidence = read_evidence({"provenance": [{"platform": {"level": 2}}], "releases": []})
    assert evidence.provenance is not None and evidence.provenance[0].platform is not None
    assert evidence.provenance[0].platform.level == Interval(2, 2)
    assert evidence.provenance[0].signature is None and evidence.pipelines is None and evidence.releases == ()
