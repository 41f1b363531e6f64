"""Artifact rules of in-toto layouts, applied by the `in-toto` library under limits; nothing else of it is called."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from assess.attestations._json import shown
from assess.attestations.metablock import LayoutStepFacts
from assess.evidence import Digest
from assess.trust._outcome import Proved, RefusedError

MAX_APPLIED = 1_000_000
"""Rules times artifacts of a whole layout."""
MAX_WORK = 500_000_000
"""Characters of patterns times characters of paths, which bounds the time that matching can take."""

Artifacts = tuple[tuple[str, tuple[Digest, ...]], ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a step took in and gave out, as its functionaries recorded it (for a sub-layout: its ends)."""

    materials: Artifacts
    products: Artifacts


def apply_rules(steps: tuple[LayoutStepFacts, ...], recorded: Mapping[str, Recorded], where: str = "") -> Proved[None]:
    """Every material and product rule of every step (in-toto specification 4.3.3 and 5.2).

    `where` opens what is told. Raises RefusedError for the first rule that does not hold or is malformed, and above
    the limits.
    """
    _check_work(steps, recorded, where)
    # `import in_toto` costs 100 ms, and only who gives a layout needs it.
    from in_toto import verifylib  # type: ignore[import-untyped]
    from in_toto.models.link import Link  # type: ignore[import-untyped]

    links: dict[str, Any] = {}
    with _silent():
        for step in steps:
            one = recorded[step.name]
            try:
                links[step.name] = Link(
                    name=step.name, materials=_as_dict(one.materials), products=_as_dict(one.products)
                )
            except Exception as problem:
                raise RefusedError(
                    f"{where}the link of {shown(step.name)} is malformed: {_first_line(problem)}"
                ) from None
        count = 0
        for step in steps:
            for kind, rules in (("materials", step.expected_materials), ("products", step.expected_products)):
                count += len(rules)
                try:
                    verifylib.verify_item_rules(step.name, kind, [list(rule) for rule in rules], links)
                except Exception as problem:
                    # Whatever the library raises for a hostile rule says that the rule does not hold.
                    raise RefusedError(f"{where}{kind} of {shown(step.name)}: {_first_line(problem)}") from None
    return Proved(f"{where}all {count} artifact rules hold", None)


def _check_work(steps: tuple[LayoutStepFacts, ...], recorded: Mapping[str, Recorded], where: str) -> None:
    applied = work = 0
    for step in steps:
        one = recorded[step.name]
        for rules, artifacts in ((step.expected_materials, one.materials), (step.expected_products, one.products)):
            bare = next((path for path, digests in artifacts if not digests), None)
            if bare is not None:
                # Two artifacts without digests would "match" whatever they are.
                raise RefusedError(f"{where}an artifact without digest in {shown(step.name)} (got {shown(bare)})")
            applied += len(rules) * len(artifacts)
            patterns = sum(len(text) for rule in rules for text in rule)
            work += patterns * sum(len(path) for path, _ in artifacts)
    if applied > MAX_APPLIED or work > MAX_WORK:
        raise RefusedError(
            f"{where}too many artifact rules for so many artifacts",
            expected=f"at most {MAX_APPLIED} rules times artifacts, {MAX_WORK} pattern times path characters",
            found=f"{applied} and {work}",
        )


def _as_dict(artifacts: Artifacts) -> dict[str, dict[str, str]]:
    return {path: {digest.algorithm: digest.value for digest in digests} for path, digests in artifacts}


def _first_line(problem: Exception) -> str:
    lines = str(problem).splitlines() or [type(problem).__name__]
    return lines[0][:200]


@contextmanager
def _silent() -> Iterator[None]:
    """The library writes to standard error by a handler of its own; what it says is in our checks."""
    logger = logging.getLogger("in_toto")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
