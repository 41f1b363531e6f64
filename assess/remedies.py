"""The way up: for each CI system, whole files before and after a step that raises what it is configured for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assess import _yaml
from assess._data import data_path
from assess._frozen import frozen
from assess.assessment import StepUp
from assess.errors import ConfigError, InputError
from assess.evidence import Interval
from assess.files import OWN_LIMIT, read_file

TOP = 3

Effort = Literal["low", "medium", "high"]


@frozen
class Remedy:
    """One step up: from what level to what, and how; `before` and `after` are whole files or None."""

    system: str
    id: str
    title: str
    lower: int
    upper: int
    effort: Effort
    text: str
    file: str | None = None
    before: str | None = None
    after: str | None = None
    beside: tuple[tuple[str, str], ...] = ()
    """Other files (path, text) that the example has, before and after."""

    @property
    def change(self) -> str:
        """The step as a unified diff of the example; "" where no file can do it."""
        if self.file is None or self.before is None or self.after is None:
            return ""
        rows = difflib.unified_diff(
            self.before.splitlines(), self.after.splitlines(), f"a/{self.file}", f"b/{self.file}", lineterm="", n=99
        )
        return "\n".join(rows) + "\n"


class _Own(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Card(_Own):
    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    lower: int = Field(alias="from", ge=0, le=2)
    upper: int = Field(alias="to", ge=1, le=3)
    effort: Effort
    text: str
    file: str | None = None
    before: str | None = None
    after: str | None = None
    beside: dict[str, str] = {}

    @model_validator(mode="after")
    def _whole(self) -> _Card:
        if self.upper <= self.lower:
            raise ValueError("a step goes up: `to` is above `from`")
        if len({self.file is None, self.before is None, self.after is None}) != 1:
            raise ValueError("`file`, `before` and `after` stand together")
        return self


class _Catalogue(_Own):
    system: str
    cards: list[_Card]


def load_remedies() -> tuple[Remedy, ...]:
    """All steps that come with the tool, by system, then as their file has them. Raises ConfigError with the place."""
    return tuple(one for path in sorted(_folder().glob("*.yaml")) for one in _load(path))


def steps_up(levels: Iterable[tuple[str, Interval]]) -> tuple[StepUp, ...]:
    """The steps above the lowest of these (CI system, configured level), for each system, from the lowest up."""
    lowest: dict[str, int] = {}
    for system, level in levels:
        lowest[system] = min(level.ceiling, lowest.get(system, level.ceiling))
    found = []
    for system, ceiling in lowest.items():
        path = _folder() / f"{system}.yaml"
        if ceiling < TOP and path.is_file():
            above = (one for one in _load(path) if one.upper > ceiling)
            found += sorted(above, key=lambda one: one.lower)
    return tuple(StepUp(one.system, one.title, one.lower, one.upper, one.effort, one.text, one.change) for one in found)


def _folder() -> Path:
    return data_path("levels") / "remediation"


@cache
def _load(path: Path) -> tuple[Remedy, ...]:
    try:
        root = _yaml.load(read_file(path, OWN_LIMIT, "catalogue of remedies"), str(path))
        catalogue = _Catalogue.model_validate(_yaml.plain(root))
    except InputError as problem:
        raise ConfigError(problem.message, problem.place) from None
    except ValidationError as problem:
        first: Any = problem.errors()[0]
        raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", str(path)) from None
    found = []
    for card in catalogue.cards:
        rest = card.model_dump(exclude={"beside", "text"})
        text = " ".join(card.text.split())
        found.append(Remedy(catalogue.system, text=text, beside=tuple(sorted(card.beside.items())), **rest))
    return tuple(found)
