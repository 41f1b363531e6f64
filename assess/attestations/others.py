"""What attestations say that are no provenance, in one clause each: layouts, links, collections of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assess.attestations._json import Node, shown
from assess.attestations.envelope import Opened
from assess.attestations.metablock import LayoutFacts, LinkFacts, read_metadata
from assess.attestations.statement import Statement
from assess.errors import InputError

_WITNESS = re.compile(r"https://witness\.(?:testifysec\.com|dev)/attestation-collection/v0\.1")
_CHAINLOOP = re.compile(r"(?:https://)?chainloop\.dev/attestation/v0\.[0-9]+")
_SVR = re.compile(r"https://in-toto\.io/attestation/svr/v0\.[0-9]+")
_MODEL = re.compile(r"https://model_signing/signature/v[0-9.]+")
MAX_SHOWN = 8
"""Entries of a list that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What one tool recorded of one or more steps of a pipeline: claims of whoever signed, not provenance."""

    tool: str
    steps: tuple[str, ...]
    """Witness: the step's name. Chainloop: the workflow's."""
    recorded: tuple[str, ...]
    """Witness: types of the attestors. Chainloop: names of the materials."""
    runner: str = ""


def read_collection(statement: Statement) -> Collection | None:
    """A Witness attestation collection (v0.1) or a Chainloop attestation (v0.x); None for any other predicate type.

    Raises InputError, with a JSON pointer into the payload, for wrong types.
    """
    node = Node(statement.predicate, str(statement.source), "/predicate")
    if _WITNESS.fullmatch(statement.predicate_type):
        types = tuple(item.string("type") for item in node.items("attestations"))
        return Collection("Witness", _named(node.string("name")), types)
    if _CHAINLOOP.fullmatch(statement.predicate_type):
        metadata = node.object("metadata")
        materials = tuple(_material(item) for item in node.items("materials"))
        return Collection("Chainloop", _named(metadata.string("name")), materials, node.string("runnerType"))
    return None


@dataclass(frozen=True, slots=True)
class SimpleResult:
    """A simple verification result (SVR): properties that a verifier says an artifact has. No level comes of it."""

    verifier: str
    properties: tuple[str, ...]


def read_result(statement: Statement) -> SimpleResult | None:
    """An SVR (v0.x); None for any other predicate type. Raises InputError, with a JSON pointer, for wrong types."""
    if not _SVR.fullmatch(statement.predicate_type):
        return None
    node = Node(statement.predicate, str(statement.source), "/predicate")
    return SimpleResult(node.object("verifier").string("id"), tuple(_text(item) for item in node.items("properties")))


def _text(node: Node) -> str:
    if not isinstance(node.value, str):
        raise node.wrong_type("a string")
    return node.value


def signed_files(statement: Statement) -> tuple[str, ...] | None:
    """Names of the files of a model that model-signing covers; None for any other predicate type. Raises as above."""
    if not _MODEL.fullmatch(statement.predicate_type):
        return None
    node = Node(statement.predicate, str(statement.source), "/predicate")
    files = node.items("resources")
    for one in files:
        one.members()
    return tuple(one.string("name") for one in files)


def _named(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _material(node: Node) -> str:
    node.members()
    named = node.object("annotations").string("chainloop.material.name")
    return named or node.string("name") or node.string("uri")


def describe(opened: Opened, statement: Statement | None) -> str:
    """What an attestation of kind `other` is, as the rest of a sentence that begins "is "; "" where nobody can tell."""
    try:
        if statement is None:
            return _metadata(read_metadata(opened))
        collection = read_collection(statement)
        result, files = read_result(statement), signed_files(statement)
    except InputError:
        return ""
    if result is not None:
        found = _listed(result.properties) or "none"
        return f"a simple verification result (SVR) by {shown(result.verifier)}, properties {found}: it proves no level"
    if files is not None:
        return f"a signature over the {len(files)} file(s) of a model ({_listed(files)}), and no provenance"
    if collection is None:
        return ""
    steps = _listed(collection.steps) or "a step without name"
    recorded = f", which recorded {_listed(collection.recorded)}" if collection.recorded else ""
    return f"a {collection.tool} attestation of {steps}{recorded}: claims of its signer, and no provenance"


def _metadata(facts: LayoutFacts | LinkFacts) -> str:
    match facts:
        case LayoutFacts():
            steps = _listed(tuple(one.name for one in facts.steps)) or "none"
            return f"an in-toto layout (steps: {steps}), which is verified together with its links, and no provenance"
        case LinkFacts():
            return f"an in-toto link of {shown(facts.name)}, which is verified together with its layout, not alone"


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(shown(name) for name in names[:MAX_SHOWN]) + more
