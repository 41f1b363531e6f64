"""Assessments and evidence as JSON: nothing is lost, and what is wrong is named with its place."""

import json
from dataclasses import fields, replace

import pytest
import sample
from jsonschema import Draft202012Validator

from assess.assessment import Assessment, Notice
from assess.errors import InputError
from assess.evidence import Evidence, Source
from assess.report import render
from assess.report.json import (
    assessment_schema,
    dump_assessment,
    dump_evidence,
    load_assessment,
    load_evidence,
)

SAMPLES = {
    "rich": sample.rich(),
    "simple": sample.simple(),
    "pipelines only": sample.pipelines_only(),
    "empty": sample.empty(),
    "hostile": sample.hostile(sample.rich()),
}


def _spoilt(*path: str | int, value: object) -> str:
    document = json.loads(dump_assessment(sample.rich()))
    target = document
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_dumped_loads_again_equal(name: str) -> None:
    text = dump_assessment(SAMPLES[name])
    assert load_assessment(text, "a.json") == SAMPLES[name]
    assert dump_assessment(load_assessment(text, "a.json")) == text


@pytest.mark.parametrize("name", SAMPLES)
def test_the_schema_describes_the_dump(name: str) -> None:
    validator = Draft202012Validator(assessment_schema())
    assert list(validator.iter_errors(json.loads(dump_assessment(SAMPLES[name])))) == []


def test_the_schema_is_valid_and_closed() -> None:
    schema = assessment_schema()
    Draft202012Validator.check_schema(schema)
    for text in (
        _spoilt("levle", value=[]),
        _spoilt("subjects", 0, "subject", "nmae", value="x"),
        _spoilt("schema_version", value="0"),
    ):
        assert list(Draft202012Validator(schema).iter_errors(json.loads(text)))


def test_nobody_looked_and_found_none_stay_apart() -> None:
    nobody = replace(sample.rich(), pipelines=None, releases=None, answers=None)
    none = replace(sample.rich(), pipelines=(), releases=(), answers=())
    for one in (nobody, none):
        assert load_assessment(dump_assessment(one), "a.json") == one
    assert dump_assessment(nobody) != dump_assessment(none)


def test_the_text_is_stable_ascii_with_one_line_end() -> None:
    text = dump_assessment(sample.hostile(sample.rich()))
    assert text.isascii()
    assert text.endswith("}\n") and not text.endswith("\n\n")
    assert text.startswith('{\n  "schema_version": "1",\n  "tool_version"')
    assert render(sample.hostile(sample.rich()), "json") == text


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    odd = replace(sample.simple(), project="a\ud800b", notices=(Notice("info", "ok \U0001f600"),))
    loaded = load_assessment(dump_assessment(odd), "a.json")
    assert loaded.project == "a\ufffdb"
    assert loaded.notices == odd.notices


WRONG = [
    ("{", "a.json:1", "json"),
    ("[]", "a.json#", "an assessment"),
    ("null", "a.json#", "an assessment"),
    ('{"schema_version": "2"}', "a.json#/schema_version", "schema version"),
    ("{}", "a.json#/schema_version", "schema version"),
    ('{"schema_version": "1"}', "a.json#/tool_version", "required"),
    (_spoilt("levels", 0, "level", "reached", value="1"), "a.json#/levels/0/level/reached", "integer"),
    (_spoilt("levels", 0, "level", "reached", value=True), "a.json#/levels/0/level/reached", "integer"),
    (_spoilt("verdict", "passed", value=1), "a.json#/verdict/passed", "boolean"),
    (_spoilt("trust_profile", value="lenient"), "a.json#/trust_profile", "'vendor' or 'strict'"),
    (_spoilt("subjects", 0, "subject", "nmae", value="x"), "a.json#/subjects/0/subject/nmae", "no such field"),
    (_spoilt("a/b~c", value=1), "a.json#/a~1b~0c", "no such field"),
    (_spoilt("subjects", value=None), "a.json#/subjects", "array"),
    ("[" * 5000 + "]" * 5000, "a.json", "deep"),
]


@pytest.mark.parametrize(("text", "place", "says"), WRONG, ids=[f"{place} {says}" for _, place, says in WRONG])
def test_a_wrong_file_is_an_input_error_with_its_place(text: str, place: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        load_assessment(text, "a.json")
    assert (caught.value.place or "").startswith(place)
    assert says in caught.value.message.lower()


def test_evidence_round_trip() -> None:
    rich = sample.rich()
    for one in (
        Evidence(),
        Evidence(provenance=(), pipelines=(), releases=(), answers=(), attestations=()),
        Evidence(
            (sample.PROVENANCE,), rich.pipelines, rich.releases, rich.answers, sample.GOOD.attestations, rich.unreadable
        ),
    ):
        assert load_evidence(dump_evidence(one), "e.json") == one
    with pytest.raises(InputError) as caught:
        load_evidence('{"pipelnes": []}', "e.json")
    assert caught.value.place == "e.json#/pipelnes"


def test_every_field_of_the_rich_sample_is_filled() -> None:
    """The sample is what the other tests look at: a field that is empty everywhere would be tested nowhere."""
    document = json.loads(dump_assessment(sample.rich()))
    assert not [name for name, value in document.items() if value in ([], "", None)]
    assert isinstance(sample.rich(), Assessment)
    assert str(Source("a", 1)) == "a:1"


@pytest.mark.parametrize("name", [one.name for one in fields(Assessment) if one.name != "schema_version"])
def test_an_assessment_that_lacks_a_part_is_no_assessment(name: str) -> None:
    """An empty list is an answer; a list that is gone may have held what a reader must be told."""
    raw = json.loads(dump_assessment(sample.rich()))
    del raw[name]
    with pytest.raises(InputError) as caught:
        load_assessment(json.dumps(raw), "a.json")
    assert name in f"{caught.value.message} {caught.value.place}"
