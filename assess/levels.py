"""Loads the rule pack: `levels/**/*.yaml` -> Requirements and audits, or every mistake of every file with its line."""

from __future__ import annotations

from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assess import _yaml
from assess._data import data_path
from assess._frozen import frozen
from assess._yaml import Node
from assess.audit import Audit
from assess.errors import ConfigError, InputError, NoInputError
from assess.files import OWN_LIMIT, read_file
from assess.requirement import Requirement
from assess.rule_mistakes import mistakes, place_of

NO_RULES = frozenset({"platforms.yaml", "buildtypes.yaml", "sarif-map.yaml", "pins.yaml"})
"""Files at the top of `levels/` that hold other data."""
OTHER_FOLDERS = frozenset({"remediation"})
"""Folders of `levels/` that hold other data."""
AUDITS = "audits"
"""The folder whose files are audits; all others are requirements."""


@frozen
class RulePack:
    """Requirements in the order (level, id), and the sha256 over all rule files with their names, in that order."""

    requirements: tuple[Requirement, ...]
    sha256: str
    audits: tuple[Audit, ...] = ()
    """In the order of their numbers."""


def default_directories() -> tuple[Path, ...]:
    """The rule pack that comes with the tool."""
    return (data_path("levels"),)


def load_pack(directories: tuple[Path, ...], spec: str = "1.2", *, tests: bool = True) -> RulePack:
    """The requirements of `directories` that hold in specification version `spec`.

    Raises ConfigError whose `problems` hold every mistake of every file as (`path:line`, sentence), and NoInputError
    where a directory is missing or has no rules. Inline tests are kept as they are; `run_tests` reads them.
    Without `tests` they are not even parsed, where they stand last as in our own files: they are half of the text.
    """
    problems: list[tuple[str, str]] = []
    loaded: list[tuple[Requirement, Node]] = []
    audits: list[tuple[Audit, Node]] = []
    digest = sha256()
    for directory in directories:
        for path, relative in _rule_files(directory):
            data = read_file(path, OWN_LIMIT, "rule file")
            digest.update(f"{relative.as_posix()}\n{len(data)}\n".encode() + data)
            root = _load_root(data if tests else _without_tests(data), path, problems)
            if root is not None and relative.parts[0] == AUDITS:
                audits += _load_audit(root, relative, problems)
            elif root is not None:
                loaded += _load_rule(root, relative, problems)
    _check_unique(loaded, problems)
    _check_audits(audits, loaded, problems)
    if problems:
        raise ConfigError(
            problems[0][1] if len(problems) == 1 else f"the rules have {len(problems)} mistakes",
            problems[0][0],
            "`slsa-assess rules schema` prints the form of a rule file",
            tuple(problems),
        )
    chosen = [rule for rule, _ in loaded if spec in rule.spec]
    return RulePack(
        tuple(sorted(chosen, key=lambda rule: (rule.level, rule.id))),
        digest.hexdigest(),
        tuple(sorted((one for one, _ in audits), key=lambda one: (one.number, one.id))),
    )


def _rule_files(directory: Path) -> list[tuple[Path, Path]]:
    """(path, path within `directory`) of every rule file, sorted by the latter."""
    if not directory.is_dir():
        raise NoInputError("there is no such folder of rules", str(directory), "check the path given with --rules")
    found = [path for path in directory.rglob("*") if path.suffix in (".yaml", ".yml") and path.is_file()]
    files = [(path, path.relative_to(directory)) for path in found]
    other = [one for one in files if one[1].as_posix() in NO_RULES or one[1].parts[0] in OTHER_FOLDERS]
    rules = sorted((one for one in files if one not in other), key=lambda one: one[1].as_posix())
    if not rules:
        raise NoInputError("the folder has no rule files", str(directory), "a rule file is build/l2/name.yaml")
    return rules


def _without_tests(data: bytes) -> bytes:
    """The text up to `tests:` in the first column, if no other key follows it."""
    head, found, tail = data.partition(b"\ntests:\n")
    last = all(not line[:1].strip() or line.startswith(b"#") for line in tail.split(b"\n"))
    return head + b"\n" if found and last else data


def _load_root(data: bytes, path: Path, problems: list[tuple[str, str]]) -> Node | None:
    try:
        root = _yaml.load(data, str(path))
    except InputError as problem:
        problems.append((problem.place or str(path), problem.message))
        return None
    if root.kind != "mapping":
        problems.append((place_of(root), "a rule file is a mapping (id, track, level, ...)"))
        return None
    return root


def _load_rule(root: Node, relative: Path, problems: list[tuple[str, str]]) -> list[tuple[Requirement, Node]]:
    try:
        rule = Requirement.model_validate(_yaml.plain(root))
    except ValidationError as invalid:
        problems += mistakes(root, invalid)
        return []
    where = _misplaced(rule, relative)
    if where is not None:
        problems.append((place_of(root, "id"), where))
    return [(rule, root)]


def _load_audit(root: Node, relative: Path, problems: list[tuple[str, str]]) -> list[tuple[Audit, Node]]:
    try:
        audit = Audit.model_validate(_yaml.plain(root))
    except ValidationError as invalid:
        problems += mistakes(root, invalid, Audit)
        return []
    if f"audit.{relative.stem}" != audit.id:
        problems.append((place_of(root, "id"), f"the id does not agree with the file's name (got {audit.id})"))
    return [(audit, root)]


def _check_audits(
    audits: list[tuple[Audit, Node]], rules: list[tuple[Requirement, Node]], problems: list[tuple[str, str]]
) -> None:
    """Ids and numbers of audits are unique, and the clauses that they name are there with a configured reading."""
    clauses = {f"{rule.id}/{clause.id}": clause for rule, _ in rules for clause in rule.clauses}
    seen: dict[str | int, Node] = {}
    for audit, root in audits:
        for key in (audit.id, audit.number):
            if key in seen:
                problems.append((place_of(root, "id"), f"{key!r} is used by {seen[key].path} too"))
            seen.setdefault(key, root)
        for at, case in enumerate(audit.cases):
            for number, effect in enumerate(case.effects):
                for index, name in enumerate(effect.clauses):
                    place = place_of(root, "cases", at, "effects", number, "clauses", index)
                    if name not in clauses:
                        near = get_close_matches(name, clauses, 1)
                        hint = f" (did you mean {near[0]!r}?)" if near else ""
                        problems.append((place, f"no rule has the clause {name!r}{hint}"))
                    elif clauses[name].configured is None and effect.effect == "contradicts":
                        problems.append((place, f"{name!r} has no configured reading to contradict"))


def _misplaced(rule: Requirement, relative: Path) -> str | None:
    """What is wrong with the file's place, if anything: build/l2/hosted.yaml holds build.hosted, level 2."""
    own = f"{rule.track}/l{rule.level}/{rule.id.partition('.')[2]}"
    got = relative.with_suffix("").as_posix()
    if rule.id.startswith(f"{rule.track}.") and got in (own, rule.id.partition(".")[2]):
        return None
    return f"id, track and level do not agree with the file's place (got {rule.id}, level {rule.level}, at {relative})"


def _check_unique(loaded: list[tuple[Requirement, Node]], problems: list[tuple[str, str]]) -> None:
    """Ids of requirements and of questions are unique across the pack."""
    rules: dict[str, Node] = {}
    questions: dict[str, str] = {}
    for rule, root in loaded:
        if rule.id in rules:
            problems.append((place_of(root, "id"), f"id {rule.id!r} is used by {rules[rule.id].path} too"))
        rules.setdefault(rule.id, root)
        for index, clause in enumerate(rule.clauses):
            if clause.declared is None:
                continue
            question = clause.declared.question
            place = place_of(root, "clauses", index, "declared", "question")
            if question in questions:
                problems.append((place, f"question {question!r} is asked at {questions[question]} too"))
            questions.setdefault(question, place)


def audit_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of an audit's file, for editors."""
    from assess.audit import AuditTest

    schema = Audit.model_json_schema()
    schema["properties"]["tests"] = {"type": "array", "items": AuditTest.model_json_schema()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "an audit of slsa-assess"}


def rule_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a requirement's file, for editors."""
    from assess.requirement import RuleTest

    schema = Requirement.model_json_schema()
    tests = RuleTest.model_json_schema()
    schema["properties"]["tests"] = {"type": "array", "items": tests}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "a rule file of slsa-assess"}
