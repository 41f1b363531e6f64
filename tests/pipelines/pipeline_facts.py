"""What the tests of pipelines share: facts in the words of expectations, how they differ, and where they stand."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from assess.evidence import Interval, Pipeline, Source
from assess.pipelines import PipelinesRead


def shown(value: object) -> Any:
    """A fact in the words of the expectations."""
    if isinstance(value, Source | Interval):
        return str(value)
    if is_dataclass(value):
        made = {one.name: shown(getattr(value, one.name)) for one in fields(value)}
        place = getattr(value, "source", None)
        return made | {"line": place.line} if isinstance(place, Source) else made
    return [shown(one) for one in value] if isinstance(value, tuple) else value


def differences(found: Any, expected: Any, where: str) -> list[str]:
    """Every expected fact that is not so; what is not expected may be anything."""
    if isinstance(expected, dict) and isinstance(found, dict):
        told = {key: value for key, value in expected.items() if key != "elsewhere"}
        return [line for key, value in told.items() for line in differences(found.get(key), value, f"{where}.{key}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(found, expected, strict=True))
        return [line for at, (one, other) in pairs for line in differences(one, other, f"{where}[{at}]")]
    return [] if found == expected else [f"{where}: got {found!r}, expected {expected!r}"]


def placed(pipeline: Pipeline) -> list[Any]:
    """Everything of a pipeline that has a place."""
    found: list[Any] = [pipeline, *(pipeline.triggers or ()), *pipeline.notes]
    found += [*(pipeline.includes or ()), *(pipeline.parameters or ())]
    for job in pipeline.jobs or ():
        found += [job, *(job.steps or ()), *(job.identities or ()), *(job.secrets or ())]
        found += [*(job.cache_uses or ()), *(job.images or ()), *(job.takes or ())]
    return found


def misplaced(read: PipelinesRead, facts: list[Any]) -> list[Any]:
    """Those whose line does not exist, or is empty."""
    lines = {name: data.decode("utf-8", "replace").split("\n") for name, data in read.files}
    found = []
    for fact in facts:
        place, own = fact.source, lines.get(fact.source.path, [])
        if place.line is None or not 1 <= place.line <= len(own) or not own[place.line - 1].strip():
            found.append(fact)
    return found
