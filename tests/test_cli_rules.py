"""`explain` and `rules`: the pack as prose, as a list, as tests, as a schema; with a user's own rules."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from assess.levels import default_directories, load_pack

LEVELS = Path(__file__).resolve().parent.parent / "levels"
PACK = load_pack(default_directories())
HOSTED = LEVELS / "build" / "l2" / "hosted.yaml"


@pytest.mark.parametrize("rule", PACK.requirements, ids=lambda rule: rule.id)
@pytest.mark.parametrize("spec", ["1.0", "1.1", "1.2"])
def test_every_requirement_is_explained(rule, spec: str, run) -> None:
    ran = run("explain", rule.id, "--spec", spec)
    if spec not in rule.spec:
        assert ran.code == 66
        return
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == run("explain", rule.id.partition(".")[2], "--spec", spec).out
    assert ran.out.startswith(f"{rule.title} ({rule.id})\n")
    words = " ".join(ran.out.split())
    for text in (rule.risk, rule.remediation.text, *(clause.text for clause in rule.clauses)):
        assert " ".join(text.split()) in words
    for clause in rule.clauses:
        assert f"\n{clause.id} ({clause.degree.upper()}, L" in ran.out
        assert clause.declared is None or clause.declared.question in words
    for system, snippet in rule.remediation.ci.items():
        assert f"\n{system}:\n" in ran.out
        assert snippet.strip().splitlines()[0] in ran.out
    assert "Some(" not in ran.out, "conditions are told in words"
    assert all(len(line) <= 100 or "://" in line or line.startswith("  ") for line in ran.out.splitlines())


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("isolatd", "build.isolated"),
        ("build.hostd", "build.hosted"),
        ("../../levels/build/l2/hosted", "rules list"),
        ("zzzzzz", "rules list"),
        ("build.isolated/nope", "ephemeral"),
        ("x\x1b[31m\ny", "rules list"),
    ],
)
def test_what_is_not_there_gets_a_hint(wanted: str, hint: str, run) -> None:
    ran = run("explain", wanted)
    assert (ran.code, ran.out) == (66, "")
    error, line = ran.err.splitlines()
    assert error.startswith("error: ")
    assert line.startswith("hint: ")
    assert hint in line
    assert "\x1b" not in ran.err


def test_a_clause_names_its_requirement(run) -> None:
    assert run("explain", "build.isolated/secrets").out == run("explain", "build.isolated").out


def test_list_names_every_requirement_and_every_audit_once(run) -> None:
    ran = run("rules", "list")
    rows = ran.out.splitlines()
    assert [row.split()[0] for row in rows[:-1]] == [rule.id for rule in (*PACK.requirements, *PACK.audits)]
    counts = f"{len(PACK.requirements)} requirements, {len(PACK.audits)} audits"
    assert rows[-1].startswith(f"{counts}, SLSA 1.2, rule pack sha256 {PACK.sha256[:16]}")


def test_our_own_rules_pass_their_tests(run) -> None:
    ran = run("rules", "test")
    assert ran.code == 0, ran.out
    assert ran.out.splitlines()[-1].endswith(" passed, 0 failed")
    assert int(ran.out.split()[0]) >= 3 * len(PACK.requirements)


def test_the_schema_fits_our_own_rules(run) -> None:
    schema = json.loads(run("rules", "schema").out)
    validator = jsonschema.Draft202012Validator(schema)
    files = sorted(LEVELS.glob("*/l*/*.yaml"))
    assert len(files) == 8
    for file in files:
        assert list(validator.iter_errors(yaml.safe_load(file.read_text()))) == [], file
    broken = yaml.safe_load(HOSTED.read_text()) | {"levle": 2}
    assert list(validator.iter_errors(broken))


def _own(folder: Path, text: str) -> Path:
    file = folder / "build" / "l2" / "own.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text.replace("build.hosted", "build.own"))
    return folder


def _renamed_questions(text: str) -> str:
    """Questions are unique across the pack, so a copied rule asks its own."""
    data = yaml.safe_load(text)
    for clause in data["clauses"]:
        if "declared" in clause:
            clause["declared"]["question"] += "-own"
    return yaml.safe_dump(data, sort_keys=False)


def test_a_rule_of_the_users_own_is_listed_explained_and_judged(run, tmp_path: Path) -> None:
    rules = _own(tmp_path / "rules", _renamed_questions(HOSTED.read_text()))
    assert "build.own" in run("rules", "list", "--rules", rules).out
    assert run("explain", "own", "--rules", rules).out.splitlines()[0].endswith("(build.own)")
    assert run("rules", "test", "--rules", rules).code == 0
    widget = LEVELS.parent / "examples" / "widget"
    ran = run("check", widget, "--rules", rules, "-f", "json")
    assert ran.code == 0, ran.err
    assert any(one["id"] == "build.own" for one in json.loads(ran.out)["requirements"])
    assert json.loads(ran.out)["rule_pack"] != PACK.sha256


def test_a_failing_test_in_a_users_rule_is_exit_1(run, tmp_path: Path) -> None:
    data = yaml.safe_load(_renamed_questions(HOSTED.read_text()))
    expected = data["tests"][0]["expect"]
    reading = next(iter(expected))
    clause = next(iter(expected[reading]))
    expected[reading][clause] = {"met": "unmet", "unmet": "met", "unknown": "met"}[expected[reading][clause]]
    ran = run("rules", "test", "--rules", _own(tmp_path / "rules", yaml.safe_dump(data, sort_keys=False)))
    assert ran.code == 1
    assert f"FAILED build.own: {data['tests'][0]['name']}" in ran.out
    assert ran.out.splitlines()[-1].endswith(" 1 failed")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("track: build", "trakc: build", "trakc"),
        ("level: 2", "level: high", "level"),
        ("risk:", "rsik:", "rsik"),
        ("clauses:", "clauses: [", "YAML"),
        ("build.hosted", "build.elsewhere", "place"),
    ],
)
@pytest.mark.parametrize(
    "command", [["rules", "list"], ["rules", "test"], ["explain", "hosted"], ["check", "."]], ids=" ".join
)
def test_a_rule_with_a_mistake_is_told_with_its_line(
    command: list[str], old: str, new: str, says: str, run, tmp_path: Path
) -> None:
    text = _renamed_questions(HOSTED.read_text())
    assert old in text
    rules = tmp_path / "rules"
    file = rules / "build" / "l2" / "own.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text.replace(old, new, 1).replace("build.hosted", "build.own"))
    ran = run(*command, "--rules", rules, cwd=tmp_path)
    assert ran.code == 78, ran.err
    assert ran.out == ""
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert errors
    assert all("own.yaml:" in line for line in errors)
    assert any(says in line for line in errors)


@pytest.mark.parametrize("command", [["rules", "list"], ["rules", "test"]], ids=" ".join)
def test_rules_that_are_no_folder(command: list[str], run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place in ("missing", "empty", HOSTED):
        ran = run(*command, "--rules", place, cwd=tmp_path)
        assert ran.code == 66, ran.err
        assert "hint: " in ran.err
    assert run(*command, "--spec", "9").code == 2
