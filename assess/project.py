"""The project file `slsa-assess.yaml`, answers and waivers: what to assess, against what, and whom to trust.

All paths in the file are relative to the file. Flags of the command override what stands here.
"""

# Longer than 300 lines: the file's models, and every mistake in it in our own words.

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from assess import _yaml
from assess.assessment import Input, Waiver
from assess.errors import ConfigError, InputError
from assess.evidence import Answer, Source
from assess.files import OWN_LIMIT, PROJECT_FILE, read_file


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _real_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("there is no such day") from None
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as problem:
        raise ValueError(f"this is no regular expression: {problem}") from None
    return text


Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_real_day)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ExpectationsFile(_Strict):
    """What the attestation must say; a mismatch never changes the level, it fails the gate."""

    source_uri: str | None = Field(default=None, description="repository: github.com/owner/name or a git URI")
    source_branch: str | None = None
    source_tag: str | None = None
    source_versioned_tag: str | None = Field(default=None, description="v1, v1.2 or v1.2.3: a tag of that version line")
    builder_id: str | None = Field(default=None, description="with or without @version")
    workflow_path: str | None = None
    trigger: str | None = None
    workflow_inputs: dict[str, str] = {}
    package_name: str | None = None
    package_version: str | None = None


class ArtifactFile(_Strict):
    """One artifact: a file, or a digest of one that is elsewhere."""

    path: str | None = None
    digest: str | None = Field(
        None, pattern=r"^(sha256:[0-9a-fA-F]{64}|sha384:[0-9a-fA-F]{96}|sha512:[0-9a-fA-F]{128})$"
    )
    name: str | None = None
    attestations: Texts = ()
    expectations: ExpectationsFile | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ArtifactFile:
        if (self.path is None) == (self.digest is None):
            raise ValueError("an artifact has either path or digest")
        return self


class VerifierFile(_Strict):
    """A verifier whose summaries (VSA) count: who signs them, what they are about, and how far they count."""

    id: str = Field(min_length=1, description="verifier.id, exactly")
    key: str | None = Field(default=None, description="PEM public key that its summaries are signed with")
    key_id: str | None = Field(default=None, description="the only key id of a signature that the key is tried for")
    certificate_identity: str | None = Field(default=None, description="instead of a key, together with the issuer")
    certificate_oidc_issuer: str | None = None
    resource_uri: str = Field(min_length=1, description="what resourceUri must be, exactly")
    max_level: dict[Literal["build"], Annotated[int, Field(ge=0, le=3)]] = Field(
        min_length=1, description="the highest level that its summaries count for"
    )

    @model_validator(mode="after")
    def _one_signer(self) -> VerifierFile:
        identity = (self.certificate_identity, self.certificate_oidc_issuer)
        if (self.key is None) == (identity == (None, None)) or (self.key is None and None in identity):
            raise ValueError("a verifier has either key, or certificate_identity and certificate_oidc_issuer")
        if self.key is None and self.key_id is not None:
            raise ValueError("key_id goes with key")
        return self


class TrustFile(_Strict):
    """Whom to trust."""

    profile: Literal["vendor", "strict"] = "vendor"
    trusted_root: str | None = Field(default=None, description="Sigstore trusted_root.json to use instead")
    keys: Texts = Field(default=(), description="PEM public keys")
    platforms: Texts = Field(default=(), description="more entries of the form of levels/platforms.yaml")
    certificate_identity: str | None = None
    certificate_identity_regexp: Annotated[str, AfterValidator(_pattern)] | None = None
    certificate_oidc_issuer: str | None = None
    verifiers: tuple[VerifierFile, ...] = Field(default=(), description="whose verification summaries count")


class VsaFile(_Strict):
    """What `check -f vsa=FILE` states about its verifier; flags override it."""

    verifier_id: str | None = Field(default=None, min_length=1, description="URI of who runs this and holds the key")
    resource_uri: str | None = Field(default=None, min_length=1, description="where consumers fetch the artifact")
    key: str | None = Field(
        default=None, description="PEM private key (ECDSA P-256 or P-384, Ed25519), or the URI of one in a key service"
    )
    public_key: str | None = Field(default=None, description="PEM public key of the one in the key service")
    policy_uri: str | None = Field(default=None, min_length=1, description="where you publish the policy file")


class LayoutFile(_Strict):
    """One in-toto layout, to be verified with its links; it moves no level."""

    path: str
    links: Texts = Field(default=(), description="link files, or folders of them")
    keys: Texts = Field(default=(), description="PEM public keys of the layout's owners, who all must have signed it")


def _reachable(levels: dict[str, int]) -> dict[str, int]:
    """A minimum above the track's last level would be a gate that nothing passes."""
    if levels.get("build", 0) > 3:
        raise ValueError("the build track ends at level 3")
    return levels


class SignerFile(_Strict):
    """Who must have signed an image: an identity with its issuer, or a key."""

    certificate_identity: str | None = None
    certificate_identity_regexp: Annotated[str, AfterValidator(_pattern)] | None = None
    certificate_oidc_issuer: str | None = None
    key: str | None = Field(default=None, description="PEM public key, instead of an identity")

    @model_validator(mode="after")
    def _one_signer(self) -> SignerFile:
        identity = self.certificate_identity is not None or self.certificate_identity_regexp is not None
        if (self.key is None) == (not identity) or (self.key is not None and self.certificate_oidc_issuer is not None):
            raise ValueError("a signer has either key, or certificate_identity(_regexp) with certificate_oidc_issuer")
        if identity and self.certificate_oidc_issuer is None:
            raise ValueError("a signer's certificate_identity goes with certificate_oidc_issuer")
        return self


class ImageFile(_Strict):
    """One container image, with what hangs on it in its registry or layout."""

    ref: str = Field(min_length=1, description="registry.example/app:1.0, app@sha256:..., oci:DIR, oci-archive:FILE")
    platform: str | None = Field(default=None, description="only this platform of an index: linux/amd64")
    signer: SignerFile | None = Field(default=None, description="who must have signed the image itself")
    expectations: ExpectationsFile | None = None


class GateFile(_Strict):
    """What must hold for exit code 0."""

    min_level: Annotated[
        dict[Literal["build", "source"], Annotated[int, Field(ge=0, le=4)]], AfterValidator(_reachable)
    ] = Field(default={}, description="build: 0 to 3, source: 0 to 4")
    accept: tuple[Literal["configured", "declared"], ...] = ()


class AnswerFile(_Strict):
    """What a named person answered; counts only with `by` and `date`."""

    question: str
    answer: Literal["yes", "no", "unknown"] | bool
    by: str | None = None
    date: Day | None = None
    evidence: str | None = Field(default=None, description="URL of what shows it")
    note: str | None = None


class WaiverFile(_Strict):
    """A gap that somebody accepted; shown in every report, never counted."""

    requirement: str
    clause: str | None = None
    reason: str
    by: str
    until: Day | None = None


class ProjectFile(_Strict):
    """slsa-assess.yaml"""

    version: Literal[1] = 1
    name: str | None = None
    spec: Literal["1.0", "1.1", "1.2"] = "1.2"
    artifacts: tuple[ArtifactFile, ...] = ()
    images: tuple[ImageFile, ...] = ()
    attestations: Texts = Field(default=(), description="for every artifact")
    expectations: ExpectationsFile = Field(default_factory=ExpectationsFile)
    trust: TrustFile = Field(default_factory=TrustFile)
    gate: GateFile = Field(default_factory=GateFile)
    vsa: VsaFile = Field(default_factory=VsaFile)
    layouts: tuple[LayoutFile, ...] = ()
    rules: Texts = Field(default=(), description="folders with more rule files")
    answers: Annotated[tuple[AnswerFile | str, ...], BeforeValidator(_as_tuple)] = Field(
        default=(), description="answers, or paths of files with answers"
    )
    waivers: tuple[WaiverFile, ...] = ()


class Project(_Strict):
    """A project file with where it was read, its answers and waivers as evidence."""

    file: ProjectFile
    folder: Path
    answers: tuple[Answer, ...] | None = None
    inputs: tuple[Input, ...] = ()

    def resolve(self, path: str) -> Path:
        """A path of the file as seen from the current directory."""
        return self.folder / path

    def waivers(self, today: date) -> tuple[Waiver, ...]:
        """The waivers, those past their day marked as expired."""
        return tuple(
            Waiver(
                one.requirement,
                one.clause,
                one.reason,
                one.by,
                one.until,
                expired=one.until is not None and one.until < today.isoformat(),
            )
            for one in self.file.waivers
        )


def project_schema() -> dict[str, Any]:
    """The JSON Schema of the project file, for editors."""
    schema = ProjectFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": PROJECT_FILE}


def load_project(path: Path, answer_files: tuple[Path, ...] = ()) -> Project:
    """Load the project file at `path` (a file, or a folder that may hold one) and all answers.

    Raises ConfigError with every mistake at its line, NoInputError where a named file is missing.
    """
    file = path / PROJECT_FILE if path.is_dir() else path
    if path.is_dir() and not os.path.lexists(file):
        return _with_answers(ProjectFile(), path, answer_files, ())
    data = read_file(file, OWN_LIMIT, "project file")
    project: ProjectFile = _load(TypeAdapter(ProjectFile), data, file)
    used = (Input("project", file.name, sha256(data).hexdigest()),)
    return _with_answers(project, file.parent, answer_files, used, (data, file.name))


def _with_answers(
    project: ProjectFile,
    folder: Path,
    answer_files: tuple[Path, ...],
    inputs: tuple[Input, ...],
    origin: tuple[bytes, str] | None = None,
) -> Project:
    """Reports show paths as they were written, so that they are the same wherever the project lies."""
    answers: list[Answer] = []
    inline = [(index, one) for index, one in enumerate(project.answers) if isinstance(one, AnswerFile)]
    if inline and origin is not None:
        root = _yaml.load(*origin)
        answers += [_answer(one, _yaml.line_of(root, ("answers", index))) for index, one in inline]
    named = [(one, folder / one) for one in project.answers if isinstance(one, str)]
    for shown, file in (*named, *((str(one), one) for one in answer_files)):
        data = read_file(file, OWN_LIMIT, "file with answers")
        rows: tuple[AnswerFile, ...] = _load(TypeAdapter(tuple[AnswerFile, ...]), data, file)
        root = _yaml.load(data, shown)
        answers += [_answer(one, _yaml.line_of(root, (index,))) for index, one in enumerate(rows)]
        inputs = (*inputs, Input("answers", shown, sha256(data).hexdigest()))
    asked = bool(project.answers or answer_files)
    return Project(file=project, folder=folder, answers=tuple(answers) if asked else None, inputs=inputs)


def _answer(one: AnswerFile, source: Source) -> Answer:
    value = {"yes": True, "no": False, "unknown": None}[one.answer] if isinstance(one.answer, str) else one.answer
    return Answer(one.question, value, source, one.by, one.date, one.evidence, one.note)


def _load(adapter: TypeAdapter[Any], data: bytes, file: Path) -> Any:
    hint = "see README.md, or the JSON Schema that `slsa-assess init --schema` prints"
    try:
        root = _yaml.load(data, str(file))
    except InputError as problem:
        raise ConfigError(problem.message, problem.place, problem.hint or hint) from None
    plain = _yaml.plain(root)
    try:
        return adapter.validate_python(plain if plain is not None else {})
    except ValidationError as invalid:
        told = (_mistake(root, error) for error in invalid.errors(include_url=False))
        raise ConfigError("the file has mistakes", str(file), hint, tuple(dict.fromkeys(filter(None, told)))) from None


def _mistake(root: _yaml.Node, error: Mapping[str, Any]) -> tuple[str, str] | None:
    """One of pydantic's errors in our words, at its line; None for what another error says better."""
    kind, got, context = error["type"], error.get("input"), error.get("ctx", {})
    if error["loc"][-1:] == ("str",) and isinstance(got, dict):
        return None
    # pydantic puts the names of models and of union members between the keys.
    loc = tuple(part for part in error["loc"] if isinstance(part, int) or part in _KEYS)
    last = str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        near = get_close_matches(last, _KEYS, 1)
        mean = f" (did you mean {near[0]!r}?)" if near else ""
        return str(_yaml.line_of(root, tuple(error["loc"]))), f"no such key {last!r}{mean}"
    where = ".".join(map(str, loc)) or "the file"
    place = str(_yaml.line_of(root, loc))
    if kind == "missing":
        return place, f"{where} is missing"
    if kind == "value_error":
        return place, f"{where}: {context['error']} (got {_shown(got)})"
    if last == "[key]":
        where, context = f"{where}.{got}", {"expected": "the name of a track, build or source"}
    return place, f"{where} is wrong (got {_shown(got)}, expected {_expected(kind, loc, context, error['msg'])})"


def _expected(kind: str, loc: tuple[str | int, ...], context: Mapping[str, Any], message: str) -> str:
    match kind:
        case "literal_error":
            return str(context["expected"])
        case "string_pattern_mismatch" if loc[-1:] == ("digest",):
            return "sha256:<64 hex>, sha384:<96 hex> or sha512:<128 hex>"
        case "string_pattern_mismatch":
            return "a day as YYYY-MM-DD"
        case "string_type":
            return "a text; quote it if it looks like a number"
        case "tuple_type":
            return "a list"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "keys with values"
        case "bool_type" | "bool_parsing":
            return "'yes', 'no' or 'unknown'"
        case "int_type" | "int_parsing" | "int_from_float":
            return "a whole number"
        case "less_than_equal":
            return f"a level, at most {context.get('le')}"
        case "greater_than_equal":
            return f"a level, at least {context.get('ge')}"
        case _:
            return message[:1].lower() + message[1:]


def _shown(got: object) -> str:
    text = "nothing" if got is None else repr(got)
    return text if len(text) <= 60 else f"{text[:57]}..."


_KEYS = frozenset(
    name
    for model in (
        ProjectFile,
        ArtifactFile,
        ImageFile,
        SignerFile,
        ExpectationsFile,
        TrustFile,
        VerifierFile,
        VsaFile,
        GateFile,
        AnswerFile,
        WaiverFile,
        LayoutFile,
    )
    for name in model.model_fields
) | {"build", "source"}
