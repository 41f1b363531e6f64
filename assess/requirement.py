"""A SLSA requirement as data: the typed form of one rule file, and the check of its paths against the evidence.

The language is closed: `some`, `every`, `none`, `count` over a collection of the evidence, `where` and `expect`
(dotted field -> value, list = one of, or one operator), `all` and `any`. No expressions, no patterns, no code.
A `demonstrated` condition must be monotone (only `some`, `all`, `any` and no `not`): otherwise somebody who
removes an attestation could raise a level (design, law 3).
"""

# Longer than 300 lines: the rule language, its models and its checks are one thing to read.

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from assess.evidence import COLLECTIONS, Interval

Reading: TypeAlias = Literal["demonstrated", "configured", "declared"]
READINGS: tuple[Reading, ...] = ("demonstrated", "configured", "declared")
Degree: TypeAlias = Literal["must", "should", "recommended", "may"]
Operator: TypeAlias = Literal["is", "not", "present", "like", "at-least"]
Value: TypeAlias = bool | int | str

_SCALAR_SCHEMA = {"type": ["boolean", "integer", "string"]}
_MATCHES_SCHEMA = {
    "type": "object",
    "description": "dotted field of the collection's items -> value, list of values (one of), or one operator",
    "additionalProperties": {
        "anyOf": [
            _SCALAR_SCHEMA,
            {"type": "array", "items": _SCALAR_SCHEMA, "minItems": 1},
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
                "properties": {
                    "present": {"type": "boolean"},
                    "like": {"type": "string"},
                    "at-least": {"type": "integer"},
                    "not": {"anyOf": [_SCALAR_SCHEMA, {"type": "array", "items": _SCALAR_SCHEMA, "minItems": 1}]},
                },
            },
        ]
    },
}


class _Frozen(BaseModel):
    # Built once as a whole when the first rule is loaded, not class by class at import.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Match(_Frozen):
    """One line of `where` or `expect`: the field at `path` compared by `operator` with `values` (any of them)."""

    path: str
    operator: Operator
    values: tuple[Value, ...]

    @property
    def expected(self) -> str:
        """The expectation as words, for observations."""
        words = " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in self.values)
        match self.operator:
            case "is":
                return words
            case "not":
                return f"not {words}"
            case "present":
                return "present" if self.values == (True,) else "empty"
            case "like":
                return f"like {words}"
            case "at-least":
                return f"at least {words}"


def _read_matches(raw: object) -> object:
    """`{field: spec}` -> tuple of Match; leaves what is no mapping to pydantic's own error."""
    if not isinstance(raw, Mapping):
        return raw
    return tuple(_read_match(str(path), spec) for path, spec in raw.items())


def _read_match(path: str, spec: object) -> Match:
    if isinstance(spec, Mapping):
        if len(spec) != 1:
            raise ValueError(f"{path}: one operator expected, got {', '.join(map(str, spec)) or 'none'}")
        operator, operand = next(iter(spec.items()))
        if operator not in ("not", "present", "like", "at-least"):
            raise ValueError(f"{path}: no such operator {operator!r} (not, present, like, at-least)")
        values = tuple(operand) if isinstance(operand, list | tuple) and operator == "not" else (operand,)
        return Match(path=path, operator=operator, values=values)
    values = tuple(spec) if isinstance(spec, list | tuple) else (spec,)
    if not values:
        raise ValueError(f"{path}: an empty list matches nothing")
    for value in values:
        if not isinstance(value, bool | int | str):
            raise ValueError(f"{path}: a plain value expected, got {value!r}")
    return Match(path=path, operator="is", values=values)


Matches: TypeAlias = Annotated[tuple[Match, ...], BeforeValidator(_read_matches), WithJsonSchema(_MATCHES_SCHEMA)]
CollectionName: TypeAlias = Literal[
    "provenance", "pipelines", "releases", "attestations",
    "path_jobs", "path_acts", "path_steps", "path_caches", "path_secrets", "path_images", "path_handovers", "path_uses",
    "path_parameters", "path_triggers", "path_shared", "source_controls",
]  # fmt: skip
"""What a rule can ask of; the `path_` collections join the release paths' jobs with what they use."""


class Some(_Frozen):
    """At least one item of the collection fits `where` and `expect`."""

    some: CollectionName
    where: Matches = ()
    expect: Matches = ()


class Every(_Frozen):
    """Every item that fits `where` fits `expect`; unknown where there is none."""

    every: CollectionName
    where: Matches = ()
    expect: Matches


class NoneOf(_Frozen):
    """No item fits `where` and `expect`; unknown where there is nothing to look at."""

    none: CollectionName
    where: Matches = ()
    expect: Matches


class Count(_Frozen):
    """At least so many items fit `where`."""

    count: CollectionName
    where: Matches = ()
    at_least: int = Field(alias="at-least", ge=1)


class AllOf(_Frozen):
    """All of the conditions hold."""

    all: tuple[Condition, ...] = Field(min_length=1)


class AnyOf(_Frozen):
    """At least one of the conditions holds."""

    any: tuple[Condition, ...] = Field(min_length=1)


_KINDS = ("some", "every", "none", "count", "all", "any")


def _kind(raw: object) -> str | None:
    if isinstance(raw, Mapping):
        return next((kind for kind in _KINDS if kind in raw), None)
    return next((kind for kind in _KINDS if hasattr(raw, kind)), None)


Condition: TypeAlias = Annotated[
    Annotated[Some, Tag("some")]
    | Annotated[Every, Tag("every")]
    | Annotated[NoneOf, Tag("none")]
    | Annotated[Count, Tag("count")]
    | Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")],
    Discriminator(
        _kind,
        custom_error_type="condition",
        custom_error_message="a condition begins with one of some, every, none, count, all, any",
    ),
]


class Question(_Frozen):
    """What a person is asked for the declared reading."""

    question: str = Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")
    ask: str


class Clause(_Frozen):
    """One sentence of a requirement, with how each reading of it is decided."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    degree: Degree
    text: str
    level: int | None = Field(default=None, ge=0, le=4)
    """The lowest level that asks for this clause, where it differs from the requirement's."""
    catalogue: tuple[str, ...] = ()
    """Ids of the rows of our requirements catalogue that this clause covers."""
    demonstrated: Condition | None = None
    configured: Condition | None = None
    declared: Question | None = None
    raise_it: str | None = Field(default=None, alias="raise")
    """What would settle the clause, in one sentence."""

    @model_validator(mode="after")
    def _check_conditions(self) -> Clause:
        for reading in ("demonstrated", "configured"):
            condition = getattr(self, reading)
            if condition is not None:
                check_condition(condition, monotone=reading == "demonstrated")
        return self


class Remediation(_Frozen):
    """What to do about a gap; `ci` holds a snippet per pipeline system."""

    effort: Literal["low", "medium", "high"]
    text: str
    ci: dict[str, str] = {}


class Origin(_Frozen):
    """The specification that this rule paraphrases (Community Specification License: name, version, origin)."""

    name: str
    version: str
    retrieved_from: str


class RuleTest(_Frozen):
    """One inline test: evidence in, outcomes per reading and clause expected. Read in full by `rules test` only."""

    name: str
    evidence: Any
    expect: dict[Reading, dict[str, Literal["met", "unmet", "unknown"]]]


class Requirement(_Frozen):
    """One requirement of one track, as its rule file states it (design, section 5)."""

    id: str = Field(pattern=r"^[a-z0-9]+(\.[a-z0-9-]+)+$")
    track: Literal["build", "source"]
    level: int = Field(ge=1, le=4)
    spec: tuple[str, ...] = Field(min_length=1)
    status: Literal["stable", "draft"] = "stable"
    title: str
    role: Literal["producer", "build-platform", "package-ecosystem", "consumer", "source-control-system"]
    reference: str = Field(pattern=r"^https://")
    source: Origin
    threats: dict[str, tuple[str, ...]] = {}
    risk: str
    clauses: tuple[Clause, ...] = Field(min_length=1)
    remediation: Remediation
    tests: tuple[Any, ...] = ()

    @model_validator(mode="after")
    def _check_clause_ids(self) -> Requirement:
        ids = [clause.id for clause in self.clauses]
        for index, clause_id in enumerate(ids):
            if clause_id in ids[:index]:
                raise ValueError(f"clause id {clause_id!r} is used twice")
        return self

    def level_of(self, clause: Clause) -> int:
        """The lowest level of the track that asks for `clause`."""
        return self.level if clause.level is None else clause.level


def check_condition(condition: Condition, *, monotone: bool) -> None:
    """Check every dotted path, value and operator of `condition` against the evidence classes.

    Raises ValueError with one sentence; `monotone` refuses what could hold because something is missing.
    """
    match condition:
        case AllOf(all=parts) | AnyOf(any=parts):
            for part in parts:
                check_condition(part, monotone=monotone)
        case Some(some=name) | Every(every=name) | NoneOf(none=name) | Count(count=name):
            if monotone and not isinstance(condition, Some):
                raise ValueError("a demonstrated condition uses `some` only: dropping evidence never raises a level")
            expect = () if isinstance(condition, Count) else condition.expect
            for one in (*condition.where, *expect):
                if monotone and (one.operator == "not" or one.values == (False,)):
                    raise ValueError(
                        f"{one.path}: a demonstrated condition asks for something good, not for an absence"
                    )
                _check_match(name, one)


def _check_match(collection: str, match: Match) -> None:
    kind = field_type(dict(COLLECTIONS)[collection], match.path)
    plain = _without_none(kind)
    match match.operator:
        case "present":
            if not isinstance(match.values[0], bool):
                raise ValueError(f"{match.path}: present takes true or false")
        case "at-least":
            if plain not in (int, Interval) or type(match.values[0]) is not int:
                raise ValueError(f"{match.path}: at-least compares a number or a level with a number")
        case "like":
            if plain is not str or not isinstance(match.values[0], str):
                raise ValueError(f"{match.path}: like compares a text with a glob")
        case "is" | "not":
            for value in match.values:
                _check_value(match.path, plain, value)


def _check_value(path: str, kind: Any, value: Value) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError(f"{path}: no such value {value!r} (one of {', '.join(map(str, get_args(kind)))})")
    elif kind not in (str, int, bool):
        raise ValueError(f"{path}: is no plain value; name a field of it")
    elif type(value) is not kind:
        raise ValueError(f"{path}: {kind.__name__} expected, got {value!r}")


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        rest = [part for part in get_args(kind) if part is not type(None)]
        return rest[0] if len(rest) == 1 else kind
    return kind


@cache
def _hints(owner: type) -> dict[str, Any]:
    return get_type_hints(owner)


def field_type(owner: type, path: str) -> Any:
    """The declared type of the field at dotted `path` below evidence class `owner`.

    Raises ValueError that names the misspelt part and the fields there are.
    """
    kind: Any = owner
    for part in path.split("."):
        plain = _without_none(kind)
        if not (isinstance(plain, type) and is_dataclass(plain)):
            raise ValueError(f"{path}: {part!r} is asked of something that has no fields")
        if part not in _hints(plain):
            names = ", ".join(field.name for field in fields(plain))
            raise ValueError(f"{path}: no such field {part!r} in {plain.__name__} (has {names})")
        kind = _hints(plain)[part]
    return kind
