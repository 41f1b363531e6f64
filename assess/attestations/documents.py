"""Documents that hold several attestations, told apart by content: which elements they have, and how each is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from assess._frozen import frozen
from assess.attestations import gcb, github, npm, pep740
from assess.attestations._json import Node
from assess.attestations.envelope import Opened
from assess.evidence import Source

MAX_ELEMENTS = 10_000
"""Elements of one document."""
MAX_NESTED = 4
"""Arrays and documents within arrays."""


@frozen
class Element:
    """One element of a document, with what opens it (None: it is a document of one attestation)."""

    node: Node
    open: Callable[[Node, Source], Opened] | None = None


def elements_of(node: Node) -> tuple[Element, ...] | None:
    """The elements of a document of several attestations; None where it is none.

    Raises InputError where there are too many, or where a member that must be an array is none.
    """
    if not _holds_several(node):
        return None
    elements: list[Element] = []
    for element in _elements(node, 0):
        if len(elements) == MAX_ELEMENTS:
            raise node.error(f"too many attestations in one document (expected at most {MAX_ELEMENTS})")
        elements.append(element)
    return tuple(elements)


def _holds_several(node: Node) -> bool:
    match node.value:
        case list() | {"provenance_summary": _} | {"attestation_bundles": _}:
            return True
        case {"attestations": list()} | {"attestation": {"bundle": _}}:
            return True
        case _:
            return False


def _elements(node: Node, depth: int) -> Iterator[Element]:
    match node.value:
        case list() if depth < MAX_NESTED:
            for item in node.elements():
                yield from _elements(item, depth + 1)
        case {"provenance_summary": _}:
            for item in gcb.occurrences(node):
                yield Element(item, partial(gcb.open_occurrence, answer=node))
        case {"attestation_bundles": _}:
            for item in pep740.attestations_of(node):
                yield Element(item, pep740.open_attestation)
        case {"attestations": list()}:
            for item in node.items("attestations"):
                yield _wrapped(item)
        case {"attestation": {"bundle": _}} | {"bundle": _}:
            yield _wrapped(node)
        case _:
            yield Element(node)


def _wrapped(item: Node) -> Element:
    """An element around a bundle: npm's names a predicate type beside it, GitHub's does not."""
    match item.value:
        case {"predicateType": str(), "bundle": _}:
            return Element(item, npm.open_element)
        case {"bundle": _} | {"attestation": _} | {"bundle_url": _}:
            return Element(item, github.open_element)
        case _:
            return Element(item)
