"""An audit as data: the typed form of one file of `levels/audits/`. It contradicts or threatens clauses; never grants.

A case says what is wrong with one item of the evidence, in the words of `some` (`where` it is asked, what is wrong
if it is `expect`ed): each item that fits is a place to tell of, an item that may fit makes the case unknown.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assess.requirement import Remediation, Some, check_condition

Verb: TypeAlias = Literal["contradicts", "threatens"]
Profile: TypeAlias = Literal["vendor", "strict"]


ANY = "any"
"""Stands for every CI system: the audit asks of what all of them share."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Effect(_Frozen):
    """What a case does to clauses: contradicts (their configured reading is unmet) or threatens (advice beside it)."""

    effect: Verb
    clauses: tuple[str, ...] = Field(min_length=1)
    """`requirement/clause`; the level is that of the clause."""
    profile: Profile | None = None
    """`strict`: contradicts in the strict reading alone, and threatens in the vendors'."""

    def in_profile(self, profile: Profile) -> Verb:
        """What it does in this trust profile."""
        return "threatens" if self.profile == "strict" and profile == "vendor" else self.effect


class Case(_Frozen):
    """One thing that can be wrong."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    says: str
    """One sentence of what was found at the place."""
    finds: Some
    effects: tuple[Effect, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_condition(self) -> Case:
        check_condition(self.finds, monotone=False)
        if not self.finds.expect:
            raise ValueError("`finds` needs an `expect`: what is wrong with the item")
        return self


class AuditTest(_Frozen):
    """One inline test: evidence in, how each case ends."""

    name: str
    evidence: Any
    expect: dict[str, Literal["found", "clean", "unknown"]]


class Audit(_Frozen):
    """One audit, as its rule file states it."""

    id: str = Field(pattern=r"^audit\.[a-z0-9]+(-[a-z0-9]+)*$")
    number: int = Field(ge=1)
    title: str
    risk: str
    """Why it matters to the level."""
    systems: tuple[str, ...] = Field(min_length=1)
    """The CI systems that it is asked of, or `any` alone."""
    cases: tuple[Case, ...] = Field(min_length=1)
    remediation: Remediation
    tests: tuple[Any, ...] = ()

    @model_validator(mode="after")
    def _check_case_ids(self) -> Audit:
        ids = [case.id for case in self.cases]
        for index, case_id in enumerate(ids):
            if case_id in ids[:index]:
                raise ValueError(f"case id {case_id!r} is used twice")
        return self
