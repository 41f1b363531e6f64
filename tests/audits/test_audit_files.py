"""Audit files: what ships is whole and in our own words, and every mistake of one is told at its line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from assess.errors import ConfigError
from assess.levels import RulePack, audit_schema, default_directories, load_pack
from assess.rule_tests import run_tests

LEVELS = default_directories()[0]
NATIVE = {1, 2, 4, 5, 7, 8, 9, 10, 14}


@pytest.fixture(scope="module")
def pack() -> RulePack:
    return load_pack((LEVELS,))


def test_all_fifteen_are_there_in_order(pack: RulePack) -> None:
    assert [one.number for one in pack.audits] == list(range(1, 16))
    for one in pack.audits:
        assert len(one.risk) > 80
        assert one.remediation.text
        assert one.tests
        if one.number in NATIVE:
            assert any(effect.effect == "contradicts" for case in one.cases for effect in case.effects), one.id


def test_every_inline_test_passes_and_every_case_is_found_and_clean_somewhere(pack: RulePack) -> None:
    assert [one for one in run_tests(pack) if not one.passed] == []
    for one in pack.audits:
        ends = {(case, end) for test in one.tests for case, end in test["expect"].items()}
        assert {(case.id, "found") for case in one.cases} <= ends, one.id
        assert any(end == "unknown" for _, end in ends), one.id


def test_requirements_may_be_loaded_without_parsing_any_test() -> None:
    whole, lean = load_pack((LEVELS,)), load_pack((LEVELS,), tests=False)
    assert [one.model_copy(update={"tests": ()}) for one in whole.audits] == list(lean.audits)
    assert [one.model_copy(update={"tests": ()}) for one in whole.requirements] == list(lean.requirements)
    assert whole.sha256 == lean.sha256


def test_the_schema_takes_what_ships_and_no_misspelt_key() -> None:
    validator = jsonschema.Draft202012Validator(audit_schema())
    for file in sorted((LEVELS / "audits").glob("*.yaml")):
        raw = yaml.safe_load(file.read_text())
        assert list(validator.iter_errors(raw)) == [], file.name
        assert list(validator.iter_errors({**raw, "titel": "x"})) != []


AUDIT = """\
id: audit.example
number: 99
title: An example
risk: It matters.
systems: [any]
cases:
  - id: restored
    says: a cache is restored
    finds: {some: path_caches, where: {job.builds: true}, expect: {cache.restores: true}}
    effects:
      - effect: contradicts
        clauses: [build.isolated/cache]
remediation: {effort: low, text: Remove it.}
tests:
  - name: one
    evidence: {path_caches: []}
    expect: {restored: clean}
"""
MISTAKES = [
    ("job.builds", "job.bulids", 9, "no such field 'bulids' in PathJob (did you mean 'builds'?)"),
    ("cache.restores: true", "cache.restores: 3", 9, "cache.restores: bool expected, got 3"),
    ("cache.restores: true", "cache: true", 9, "cache: is no plain value"),
    ("some: path_caches", "some: path_cashes", 9, "no such collection 'path_cashes' (did you mean 'path_caches'?)"),
    ("{some: path_caches", "{every: path_caches", 9, "no such key 'every'"),
    ("expect: {cache.restores: true}}", "expect: {}}", 7, "`finds` needs an `expect`"),
    ("build.isolated/cache", "build.isolated/cash", 12, "no rule has the clause 'build.isolated/cash' (did you mean"),
    ("build.isolated/cache", "build.distribute-provenance/several-places", 12, "has no configured reading"),
    ("effect: contradicts", "effect: proves", 11, "should be 'contradicts' or 'threatens'"),
    ("    says:", "    sais:", 8, "no such key 'sais' (did you mean 'says'?)"),
    ("number: 99", "number: x", 2, "number: should be a valid integer"),
    ("number: 99", "number: 4", 1, "4 is used by"),
    ("id: audit.example", "id: audit.other", 1, "does not agree with the file's name"),
    ("id: audit.example", "id: example", 1, "id: "),
    ("systems: [any]\n", "", 1, "systems is missing"),
    ("risk: It matters.\n", "risk: It matters.\nextra: 1\n", 5, "no such key 'extra'"),
]


@pytest.mark.parametrize(("old", "new", "line", "said"), MISTAKES, ids=[f"{row[2]}-{row[3][:30]}" for row in MISTAKES])
def test_one_mistake_is_one_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    assert AUDIT.count(old) == 1, "the test replaces one place"
    found = problems(tmp_path, AUDIT.replace(old, new))
    rows = [one for one in found if said in one[1]]
    assert len(rows) == 1, found
    assert re.fullmatch(rf".*audits/example\.yaml:{line}(:\d+)?", rows[0][0]), found
    assert "\n" not in rows[0][1] and "pydantic" not in rows[0][1] and len(rows[0][1]) < 300


def problems(tmp_path: Path, text: str) -> tuple[tuple[str, str], ...]:
    folder = tmp_path / "rules"
    (folder / "audits").mkdir(parents=True)
    (folder / "audits" / "example.yaml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_pack((LEVELS, folder))
    return raised.value.problems


def test_an_audit_of_the_users_own_is_asked_too(run: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    (folder / "audits").mkdir(parents=True)
    (folder / "audits" / "example.yaml").write_text(AUDIT)
    assert "audit.example" in run("rules", "list", "--rules", folder).out
    assert run("rules", "test", "--rules", folder).code == 0
    project = Path(__file__).resolve().parent.parent / "fixtures/audits/cache-poisoning/github-actions/positive"
    text = run("check", project, "--rules", folder).out
    assert "audit.example/restored: a cache is restored" in text


def test_a_wrong_inline_test_fails_and_says_why(run: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    (folder / "audits").mkdir(parents=True)
    wrong = AUDIT.replace("{restored: clean}", "{restored: found}")
    wrong += "  - name: two\n    evidence: {path_caches: [{job: {builds: true}, cache: {restores: true}}]}\n"
    wrong += "    expect: {resorted: clean}\n"
    (folder / "audits" / "example.yaml").write_text(wrong)
    ran = run("rules", "test", "--rules", folder)
    assert ran.code == 1
    assert "FAILED audit.example: one: restored: expected found, got clean" in ran.out
    assert (
        "no such case 'resorted' (did you mean 'restored'?); restored: found, which the test does not expect" in ran.out
    )


def test_explain_and_schema(run: Callable[..., Any]) -> None:
    text = run("explain", "cache-poisoning").out
    assert "The release restores a cache that other runs can write (audit.cache-poisoning)" in text
    assert "contradicts: build.isolated/cache (L3)" in text
    assert run("explain", "audit.cache-poisoning/restored").code == 0
    assert run("explain", "audit.cache-poisoning/none").code == 66
    assert json.loads(run("rules", "schema", "--audit").out)["title"] == "an audit of slsa-assess"


def test_without_any_audit_the_pack_still_loads(tmp_path: Path) -> None:
    folder = tmp_path / "levels"
    shutil.copytree(LEVELS, folder, ignore=shutil.ignore_patterns("audits"))
    assert load_pack((folder,)).audits == ()
