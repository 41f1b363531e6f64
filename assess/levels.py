"""Loads the rule pack: `levels/**/*.yaml` -> Requirements, or every mistake of every file with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from assess import _yaml
from assess._data import data_path
from assess._yaml import Node
from assess.errors import ConfigError, InputError, NoInputError
from assess.files import OWN_LIMIT, read_file
from assess.requirement import (
    Clause,
    Count,
    Every,
    NoneOf,
    Origin,
    Question,
    Remediation,
    Requirement,
    Some,
    check_condition,
)

NO_RULES = frozenset({"platforms.yaml", "buildtypes.yaml"})
"""Files at the top of `levels/` that hold other data."""
_CONDITIONS = {"some": Some, "every": Every, "none": NoneOf, "count": Count}
_SECTIONS: dict[str, type[BaseModel]] = {"source": Origin, "remediation": Remediation, "declared": Question}


@dataclass(frozen=True, slots=True)
class RulePack:
    """Requirements in the order (level, id), and the sha256 over all rule files with their names, in that order."""

    requirements: tuple[Requirement, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class RuleTestResult:
    """One inline test of a rule file; `detail` says what came out instead, "" where it passed."""

    requirement: str
    test: str
    passed: bool
    detail: str = ""


def default_directories() -> tuple[Path, ...]:
    """The rule pack that comes with the tool."""
    return (data_path("levels"),)


def load_pack(directories: tuple[Path, ...], spec: str = "1.2") -> RulePack:
    """The requirements of `directories` that hold in specification version `spec`.

    Raises ConfigError whose `problems` hold every mistake of every file as (`path:line`, sentence), and NoInputError
    where a directory is missing or has no rules. Inline tests are kept as they are; `run_tests` reads them.
    """
    problems: list[tuple[str, str]] = []
    loaded: list[tuple[Requirement, Node]] = []
    digest = sha256()
    for directory in directories:
        for path, relative in _rule_files(directory):
            data = read_file(path, OWN_LIMIT, "rule file")
            digest.update(f"{relative.as_posix()}\n{len(data)}\n".encode() + data)
            rule = _load_rule(data, path, relative, problems)
            if rule is not None:
                loaded.append(rule)
    _check_unique(loaded, problems)
    if problems:
        raise ConfigError(
            problems[0][1] if len(problems) == 1 else f"the rules have {len(problems)} mistakes",
            problems[0][0],
            "`slsa-assess rules schema` prints the form of a rule file",
            tuple(problems),
        )
    chosen = [rule for rule, _ in loaded if spec in rule.spec]
    return RulePack(tuple(sorted(chosen, key=lambda rule: (rule.level, rule.id))), digest.hexdigest())


def _rule_files(directory: Path) -> list[tuple[Path, Path]]:
    """(path, path within `directory`) of every rule file, sorted by the latter."""
    if not directory.is_dir():
        raise NoInputError("there is no such folder of rules", str(directory), "check the path given with --rules")
    found = [path for path in directory.rglob("*") if path.suffix in (".yaml", ".yml") and path.is_file()]
    files = [(path, path.relative_to(directory)) for path in found]
    rules = sorted((one for one in files if one[1].as_posix() not in NO_RULES), key=lambda one: one[1].as_posix())
    if not rules:
        raise NoInputError("the folder has no rule files", str(directory), "a rule file is build/l2/name.yaml")
    return rules


def _load_rule(
    data: bytes, path: Path, relative: Path, problems: list[tuple[str, str]]
) -> tuple[Requirement, Node] | None:
    try:
        root = _yaml.load(data, str(path))
    except InputError as problem:
        problems.append((problem.place or str(path), problem.message))
        return None
    if root.kind != "mapping":
        problems.append((_place(root), "a rule file is a mapping (id, track, level, ...)"))
        return None
    try:
        rule = Requirement.model_validate(_yaml.plain(root))
    except ValidationError as invalid:
        problems += _mistakes(root, invalid)
        return None
    where = _misplaced(rule, relative)
    if where is not None:
        problems.append((_place(root, "id"), where))
    return rule, root


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
            problems.append((_place(root, "id"), f"id {rule.id!r} is used by {rules[rule.id].path} too"))
        rules.setdefault(rule.id, root)
        for index, clause in enumerate(rule.clauses):
            if clause.declared is None:
                continue
            question = clause.declared.question
            place = _place(root, "clauses", index, "declared", "question")
            if question in questions:
                problems.append((place, f"question {question!r} is asked at {questions[question]} too"))
            questions.setdefault(question, place)


def _place(node: Node, *path: str | int) -> str:
    source = _yaml.line_of(node, path)
    return f"{source.path}:{source.line}"


def _mistakes(root: Node, invalid: ValidationError) -> Iterator[tuple[str, str]]:
    """pydantic's errors in our words, each at its line; a wrong condition is taken apart to find all its mistakes."""
    for error in invalid.errors(include_url=False):
        steps = _steps(root, error["loc"])
        place = _place(root, *steps)
        name = str(error["loc"][-1]) if error["loc"] else "the file"
        match error["type"]:
            case "extra_forbidden":
                yield place, f"no such key {name!r}{_near(name, _known(steps[:-1]))}"
            case "missing":
                yield place, f"{name} is missing"
            case "value_error" if len(steps) == 2 and steps[0] == "clauses":
                yield from _clause_mistakes(root, steps) or [(place, _message(error))]
            case "value_error":
                yield from _condition_mistakes(root, steps) or [(place, _message(error))]
            case "condition":
                yield place, str(error["msg"])
            case _:
                yield place, f"{name}: {_message(error)} (got {str(error.get('input'))[:60]!r})"


def _message(error: Mapping[str, Any]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    return text.replace("Input should be", "should be").replace("Field required", "is missing")


def _steps(root: Node, loc: tuple[Any, ...]) -> tuple[str | int, ...]:
    """pydantic's location without the names of union members that it puts between, so that it leads through `root`."""
    steps: list[str | int] = []
    node: Node | None = root
    for index, part in enumerate(loc):
        below: Node | None = None
        if node is not None and node.kind == "mapping":
            below = node.get(str(part))
            # A union member's name (`some`) is also a key of the mapping that it names; it leads to a scalar.
            if below is None and index < len(loc) - 1:
                continue
            if below is not None and below.kind == "scalar" and index < len(loc) - 1:
                continue
        elif node is not None and node.kind == "sequence" and isinstance(part, int) and part < len(node.value):
            below = node.value[part]
        steps.append(part)
        node = below
    return tuple(steps)


def _known(parents: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that a mapping at `parents` may have."""
    last = next((part for part in reversed(parents) if isinstance(part, str)), None)
    match last:
        case None:
            model: type[BaseModel] | None = Requirement
        case "clauses":
            model = Clause
        case "demonstrated" | "configured" | "all" | "any":
            return ("some", "every", "none", "count", "all", "any", "where", "expect", "at-least")
        case _:
            model = _SECTIONS.get(last)
    if model is None:
        return ()
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _near(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, 1)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" (one of {', '.join(known)})" if known else ""


def _clause_mistakes(root: Node, steps: tuple[str | int, ...]) -> list[tuple[str, str]]:
    return [
        one
        for reading in ("demonstrated", "configured")
        for one in _condition_mistakes(root, (*steps, reading), monotone=reading == "demonstrated")
    ]


def _condition_mistakes(root: Node, steps: tuple[str | int, ...], *, monotone: bool = False) -> list[tuple[str, str]]:
    """Every mistake of the condition at `steps`, line by line of its `where` and `expect`; [] if none is found."""
    node = _node_at(root, steps)
    if node is None:
        return []
    if steps and steps[-1] in ("where", "expect"):
        steps, node = steps[:-1], _node_at(root, steps[:-1]) or node
    found: list[tuple[str, str]] = []
    for name in ("all", "any"):
        for index, _ in enumerate(node.get(name) or ()):
            found += _condition_mistakes(root, (*steps, name, index), monotone=monotone)
    kind = next((kind for kind in _CONDITIONS if node.get(kind) is not None), None)
    collection = node.get(kind) if kind is not None else None
    if kind is None or collection is None:
        return found
    if monotone and kind != "some":
        found.append((_place(root, *steps, kind), "a demonstrated condition uses `some` only, so that dropping evidence"
                                                  " never raises a level"))
    for part in ("where", "expect"):
        matches = node.get(part)
        for key, value in matches.items() if matches is not None else ():
            text = _match_mistake(collection.text, key.text, _yaml.plain(value), monotone)
            if text is not None:
                found.append((f"{root.path}:{key.line}", text))
    return found


def _match_mistake(collection: str, path: str, value: object, monotone: bool) -> str | None:
    try:
        check_condition(Some.model_validate({"some": collection, "expect": {path: value}}), monotone=monotone)
    except ValidationError as invalid:
        return _message(dict(invalid.errors(include_url=False)[0]))
    except ValueError as problem:
        return _shorter(str(problem))
    return None


def _shorter(message: str) -> str:
    """Turns the list of all fields of a class into the one that was probably meant."""
    head, found, names = message.partition(" (has ")
    if not found:
        return message
    wrong = head.split("'")[1]
    near = get_close_matches(wrong, names.rstrip(")").split(", "), 1)
    return f"{head} (did you mean {near[0]!r}?)" if near else message


def _node_at(root: Node, steps: tuple[str | int, ...]) -> Node | None:
    node: Node | None = root
    for step in steps:
        if node is None:
            return None
        if node.kind == "mapping":
            node = node.get(str(step))
        elif node.kind == "sequence" and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            return None
    return node


def rule_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a rule file, for editors."""
    from assess.requirement import RuleTest

    schema = Requirement.model_json_schema()
    tests = RuleTest.model_json_schema()
    schema["properties"]["tests"] = {"type": "array", "items": tests}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "a rule file of slsa-assess"}


def run_tests(pack: RulePack) -> tuple[RuleTestResult, ...]:
    """Run the inline tests of every rule file of `pack`."""
    from assess.rule_tests import run_rule_tests

    return tuple(
        RuleTestResult(rule.id, name, not detail, detail)
        for rule in pack.requirements
        for name, detail in run_rule_tests(rule)
    )
