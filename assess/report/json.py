"""The models as JSON and back: what `evidence` and `check --format json` print, and what `report` reads again."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from assess.assessment import SCHEMA_VERSION, Assessment
from assess.attestations._json import Limits, read_json
from assess.errors import InputError
from assess.evidence import Evidence

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", Assessment, Evidence)

LIMITS = Limits(size=256 * 1024 * 1024, depth=64, nodes=10_000_000)
"""Our own files are larger than attestations: a thousand artifacts make about a million values."""


def dump_assessment(assessment: Assessment) -> str:
    """JSON text in ASCII, keys in the order of the model, two blanks of indent, one line end at the end."""
    return _dump(assessment)


def load_assessment(text: str, path: str) -> Assessment:
    """The assessment that `dump_assessment` wrote; `path` is for messages.

    Raises InputError, with `path#/json/pointer` where a value is wrong, misspelt or of another schema version.
    """
    raw = read_json(text.encode(errors="surrogatepass"), path, LIMITS)
    if isinstance(raw, dict) and raw.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"an assessment of another schema version (got {raw.get('schema_version')!r}, expected {SCHEMA_VERSION!r})",
            f"{path}#/schema_version",
            "assess again with this version of slsa-assess, or read it with the version that wrote it",
        )
    loaded = _load(_assessments(), raw, path, "an assessment")
    # Each is written, empty or not: where one is gone somebody took out what a reader must be told.
    gone = [one.name for one in fields(Assessment) if isinstance(raw, dict) and one.name not in raw]
    if gone:
        hint = "is this the whole of a file that slsa-assess wrote?"
        raise InputError(f"an assessment without {' and '.join(repr(one) for one in gone)}", f"{path}#", hint)
    return loaded


def dump_evidence(evidence: Evidence) -> str:
    """JSON text of one subject's evidence, in the form of `dump_assessment`."""
    return _dump(evidence)


def load_evidence(text: str, path: str) -> Evidence:
    """The evidence that `dump_evidence` wrote. Raises InputError, with `path#/json/pointer` where a value is wrong."""
    return _load(_evidences(), read_json(text.encode(errors="surrogatepass"), path, LIMITS), path, "evidence")


def assessment_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `dump_assessment`."""
    schema = _assessments().json_schema(mode="validation")
    for model in (schema, *schema.get("$defs", {}).values()):
        model["additionalProperties"] = False
    schema["required"] = [one.name for one in fields(Assessment)]
    schema["properties"]["schema_version"] = {"const": SCHEMA_VERSION, "title": "Schema Version"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _dump(model: Assessment | Evidence) -> str:
    text = json.dumps(asdict(model), indent=2, ensure_ascii=True, allow_nan=False)
    # A lone surrogate is no text that anybody can load again; it becomes the replacement character.
    if "\\ud" in text:
        text = json.dumps(_without_surrogates(asdict(model)), indent=2, ensure_ascii=True, allow_nan=False)
    return text + "\n"


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {name: _without_surrogates(item) for name, item in value.items()}
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
        case _:
            return value


@cache
def _assessments() -> TypeAdapter[Assessment]:
    from pydantic import TypeAdapter

    return TypeAdapter(Assessment)


@cache
def _evidences() -> TypeAdapter[Evidence]:
    from pydantic import TypeAdapter

    return TypeAdapter(Evidence)


def _load(adapter: TypeAdapter[Model], raw: Any, path: str, name: str) -> Model:
    from pydantic import ValidationError

    try:
        loaded = adapter.validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise _wrong(error.errors(include_url=False), path, name) from None
    unknown = _unknown_field(raw, asdict(loaded))
    if unknown is not None:
        raise InputError(
            f"{name} has no such field (got {unknown.rsplit('/', 1)[-1]!r})",
            f"{path}#{unknown}",
            "is it misspelt, or was the file written by a newer slsa-assess?",
        )
    return loaded


def _wrong(errors: list[ErrorDetails], path: str, name: str) -> InputError:
    first = errors[0]
    more = f"; and {len(errors) - 1} more" if len(errors) > 1 else ""
    pointer = "".join(f"/{_token(part)}" for part in first["loc"])
    given = first.get("input")
    got = f" (got {given!r})" if isinstance(given, str | int | float | bool) and len(str(given)) <= 80 else ""
    message = f"not {name}: {first['msg'][0].lower()}{first['msg'][1:]}{got}{more}"
    return InputError(message, f"{path}#{pointer}", "is this a file that slsa-assess wrote?")


def _token(part: str | int) -> str:
    """One reference token of a JSON pointer (RFC 6901)."""
    return str(part).replace("~", "~0").replace("/", "~1")


def _unknown_field(raw: Any, known: Any, pointer: str = "") -> str | None:
    """The pointer of the first field of `raw` that the loaded model does not have."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for name, value in raw.items():
            here = f"{pointer}/{_token(name)}"
            found = here if name not in known else _unknown_field(value, known[name], here)
            if found is not None:
                return found
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for index, (value, other) in enumerate(zip(raw, known, strict=False)):
            found = _unknown_field(value, other, f"{pointer}/{index}")
            if found is not None:
                return found
    return None
