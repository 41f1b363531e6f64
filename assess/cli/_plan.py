"""Flags and project file -> one plan; a flag that was given overrides the file."""

# Longer than 300 lines: every flag and every key of the file meet here, once.

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import typer

from assess.errors import NoInputError
from assess.expectations import Expectations
from assess.files import PROJECT_FILE, reason_of
from assess.layouts import LayoutPlan
from assess.plan import ArtifactPlan, IdentityPlan, ImagePlan, Named, Plan, VerifierPlan
from assess.scoring import Gate
from assess.vsa import VsaPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assess.images.opening import ImageOptions
    from assess.project import ExpectationsFile, ImageFile, Project, VerifierFile

Expecting = TypeVar("Expecting", ArtifactPlan, ImagePlan)
_EXPECTATION_FLAGS = (
    "source_uri",
    "source_tag",
    "source_branch",
    "source_versioned_tag",
    "builder_id",
    "workflow_path",
    "trigger",
    "package_name",
    "package_version",
)


def plan_from(flags: dict[str, Any], stdin: bytes, time: str) -> Plan:
    """One plan of everything that was asked for. Usage errors for flags, ConfigError for the file."""
    path: Path = flags["path"]
    _refuse_path(path)
    use_file = flags.get("use_file", True)
    project = _project(path, tuple(flags.get("answers") or ())) if use_file else None
    plan = _file_plan(project, time) if project is not None else Plan(time=time, folder=path)
    given: dict[str, Any] = {
        "artifacts": tuple(_known_artifact(plan, text) for text in flags.get("artifact") or ()),
        "images": tuple(_known_image(plan, text, flags.get("platform")) for text in flags.get("image") or ()),
        "attestations": tuple(_named(text) for text in flags.get("attestation") or ()),
        "rules": tuple(flags.get("rules") or ()),
        "sarif": tuple(Named(str(path), path) for path in flags.get("import_sarif") or ()),
        "keys": tuple(flags.get("key") or ()),
        "platforms": tuple(flags.get("platforms") or ()),
        "trusted_root": flags.get("trusted_root"),
        "profile": _one_of("--trust-profile", flags.get("trust_profile"), ("vendor", "strict")),
        "spec": _one_of("--spec", flags.get("spec"), ("1.0", "1.1", "1.2")),
    }
    if given["attestations"]:
        plan = replace(plan, artifacts=tuple(replace(one, attestations=()) for one in plan.artifacts))
    if flags.get("image") and not flags.get("artifact"):
        plan = replace(plan, artifacts=())
    if flags.get("artifact") and not flags.get("image"):
        plan = replace(plan, images=())
    plan = replace(plan, stdin=stdin, **{name: value for name, value in given.items() if value})
    images = tuple(_with_flags(one, plan.expectations, flags) for one in plan.images)
    plan = replace(
        plan,
        artifacts=tuple(_with_flags(one, plan.expectations, flags) for one in plan.artifacts),
        images=images,
        registries=_registries(images, flags),
        expectations=_expectations(plan.expectations, flags),
        identity=_identity(plan.identity, flags),
        gate=_gate(plan.gate, flags),
        vsa=_vsa(plan.vsa, flags),
        online=_online(flags),
        rekor_url=flags.get("rekor_url"),
    )
    plan = _with_lock(plan, flags.get("lock")) if "lock" in flags else plan
    return plan if plan.project else replace(plan, project=plan.folder.resolve().name or "project")


def _known_artifact(plan: Plan, text: str) -> ArtifactPlan:
    """What the project file says of an artifact that a flag names; else the bare artifact."""
    for one in plan.artifacts:
        if one.text == text or one.folder / one.text == Path(text):
            return one
    return ArtifactPlan(text)


def _known_image(plan: Plan, text: str, platform: str | None) -> ImagePlan:
    """What the project file says of an image that a flag names; else the bare image."""
    known = next((one for one in plan.images if one.text == text), ImagePlan(text))
    return replace(known, platform=platform) if platform else known


def _registries(images: tuple[ImagePlan, ...], flags: dict[str, Any]) -> ImageOptions | None:
    if not images:
        return None
    from assess.cli._registry import image_options

    return image_options(flags)


def _image(project: Project, one: ImageFile) -> ImagePlan:
    signer = one.signer
    local = re.match(r"(oci|oci-archive|docker-archive):", one.ref)
    text = f"{local[0]}{project.resolve(one.ref[local.end() :])}" if local else one.ref
    return ImagePlan(
        text=text,
        platform=one.platform,
        key=project.resolve(signer.key) if signer is not None and signer.key is not None else None,
        identity=IdentityPlan()
        if signer is None
        else IdentityPlan(
            signer.certificate_identity, signer.certificate_identity_regexp, signer.certificate_oidc_issuer
        ),
        expectations=_from_file(one.expectations) if one.expectations is not None else None,
    )


def _with_flags(one: Expecting, base: Expectations, flags: dict[str, Any]) -> Expecting:
    """An artifact or image whose own expectations, if it has any, stand over the project's and under the flags."""
    if one.expectations is None:
        return one
    return replace(one, expectations=_expectations(_over(base, one.expectations), flags))


def _over(base: Expectations, own: Expectations) -> Expectations:
    """An artifact's own expectations over the project's: field by field, so that none is lost."""
    given = {one.name: getattr(own, one.name) for one in fields(own) if getattr(own, one.name)}
    return replace(base, **given)


def _refuse_path(path: Path) -> None:
    """Raises NoInputError where the project is not there, a usage error where it is another kind of file."""
    try:
        path.stat()
    except (OSError, ValueError) as problem:
        raise NoInputError(f"cannot read the project ({reason_of(problem)})", str(path), "name its folder") from None
    if path.is_file() and path.suffix.lower() not in (".yaml", ".yml"):
        raise typer.BadParameter(
            f"PATH is a folder or a project file (got {str(path)!r}); give an artifact with --artifact, "
            "an attestation with -a"
        )


def files_of(plan: Plan) -> Iterator[Path]:
    """Every file that a run of `plan` reads, pipelines excepted; with what lies beside an artifact in its name."""
    yield from (one.path for one in plan.attestations if one.path is not None)
    yield from (one.path for one in plan.sarif if one.path is not None)
    yield from (*plan.keys, *plan.platforms, *((plan.trusted_root,) if plan.trusted_root is not None else ()))
    yield from (one for one in (plan.vsa.key, plan.vsa.public_key, plan.vsa.trust_config) if one is not None)
    yield from (place / one.path for one in plan.inputs for place in (Path(), plan.folder))
    for artifact in plan.artifacts:
        file = artifact.folder / artifact.text
        yield file
        yield from (one.path for one in artifact.attestations if one.path is not None)
        with suppress(OSError, ValueError):
            yield from (one for one in file.parent.iterdir() if one.name.startswith(f"{file.name}."))


def _with_lock(plan: Plan, named: Path | None) -> Plan:
    """The plan with what a lock file recorded of each artifact: the file that was named, or the folder's own."""
    from assess.files import LOCK_FILE

    path = named or plan.folder / LOCK_FILE
    if named is None and not path.is_file():
        return plan
    from hashlib import sha256

    from assess.assessment import Input
    from assess.lock import load_lock

    lock = load_lock(path)
    artifacts = tuple(
        replace(one, expectations=lock.expectations(artifact_name(one), one.expectations or plan.expectations))
        for one in plan.artifacts
    )
    used = Input("lock", str(path), sha256(lock.data).hexdigest())
    return replace(plan, artifacts=artifacts, inputs=(*plan.inputs, used))


def artifact_name(one: ArtifactPlan) -> str | None:
    """The name that a lock file knows an artifact by; None where only its digest is known."""
    if one.name is not None:
        return one.name
    return None if re.match(r"sha(256|384|512):", one.text) else Path(one.text).name


def _named(text: str) -> Named:
    return Named("standard input", None) if text == "-" else Named(text, Path(text))


def _project(path: Path, answers: tuple[Path, ...]) -> Project | None:
    """The project file, if there is one or answers must be read; pydantic's models are only built then."""
    if path.is_dir() and not os.path.lexists(path / PROJECT_FILE) and not answers:
        return None
    from assess.project import load_project

    return load_project(path, answers)


def _file_plan(project: Project, time: str) -> Plan:
    file = project.file
    return Plan(
        time=time,
        project=file.name or "",
        folder=project.folder,
        artifacts=tuple(
            ArtifactPlan(
                text=one.digest or one.path or "",
                name=one.name,
                attestations=tuple(Named(text, project.resolve(text)) for text in one.attestations),
                expectations=_from_file(one.expectations) if one.expectations is not None else None,
                folder=project.folder,
            )
            for one in file.artifacts
        ),
        attestations=tuple(Named(text, project.resolve(text)) for text in file.attestations),
        expectations=_from_file(file.expectations),
        spec=file.spec,
        images=tuple(_image(project, one) for one in file.images),
        layouts=tuple(
            LayoutPlan(
                (one.path, project.resolve(one.path)),
                tuple((text, project.resolve(text)) for text in one.links),
                tuple((text, project.resolve(text)) for text in one.keys),
            )
            for one in file.layouts
        ),
        rules=tuple(project.resolve(text) for text in file.rules),
        profile=file.trust.profile,
        trusted_root=project.resolve(file.trust.trusted_root) if file.trust.trusted_root else None,
        keys=tuple(project.resolve(text) for text in file.trust.keys),
        platforms=tuple(project.resolve(text) for text in file.trust.platforms),
        identity=IdentityPlan(
            file.trust.certificate_identity,
            file.trust.certificate_identity_regexp,
            file.trust.certificate_oidc_issuer,
        ),
        verifiers=tuple(_verifier(project, one) for one in file.trust.verifiers),
        vsa=_file_vsa(project),
        answers=project.answers,
        waivers=project.waivers(date.fromisoformat(time[:10])),
        gate=Gate(tuple(sorted(file.gate.min_level.items())), file.gate.accept),
        inputs=project.inputs,
    )


def _file_vsa(project: Project) -> VsaPlan:
    vsa = project.file.vsa
    return VsaPlan(
        vsa.verifier_id,
        vsa.resource_uri,
        project.resolve(vsa.key) if vsa.key and not _is_service(vsa.key) else None,
        vsa.policy_uri,
        service=vsa.key if vsa.key and _is_service(vsa.key) else None,
        public_key=project.resolve(vsa.public_key) if vsa.public_key else None,
    )


def _verifier(project: Project, one: VerifierFile) -> VerifierPlan:
    return VerifierPlan(
        one.id,
        one.resource_uri,
        one.max_level["build"],
        project.resolve(one.key) if one.key is not None else None,
        one.key_id,
        IdentityPlan(one.certificate_identity, None, one.certificate_oidc_issuer),
    )


def _from_file(expected: ExpectationsFile) -> Expectations:
    values = expected.model_dump()
    inputs = tuple(sorted(values.pop("workflow_inputs").items()))
    return Expectations(**values, workflow_inputs=inputs)


def _expectations(base: Expectations, flags: dict[str, Any]) -> Expectations:
    changes: dict[str, Any] = {name: flags[name] for name in _EXPECTATION_FLAGS if flags.get(name)}
    pairs = flags.get("build_workflow_input") or []
    for text in pairs:
        if "=" not in text:
            raise typer.BadParameter(f"--build-workflow-input takes KEY=VALUE (got {text!r})")
    if pairs:
        changes["workflow_inputs"] = tuple((text.partition("=")[0], text.partition("=")[2]) for text in pairs)
    return replace(base, **changes)


def _identity(base: IdentityPlan, flags: dict[str, Any]) -> IdentityPlan:
    pattern = flags.get("certificate_identity_regexp")
    if pattern:
        try:
            re.compile(pattern)
        except re.error as problem:
            raise typer.BadParameter(f"--certificate-identity-regexp is no pattern: {problem}") from None
    return IdentityPlan(
        flags.get("certificate_identity") or base.identity,
        pattern or base.identity_regexp,
        flags.get("certificate_oidc_issuer") or base.issuer,
    )


def _gate(base: Gate, flags: dict[str, Any]) -> Gate:
    minimum = dict(base.minimum)
    for text in flags.get("min_level") or ():
        match = _MINIMUM.fullmatch(text)
        if match is None:
            raise typer.BadParameter(
                f"--min-level takes N or TRACK=N (got {text!r}, expected build=0 to build=3, or source=0 to source=4)"
            )
        minimum["source" if match.group(2) else "build"] = int(match.group(2) or match.group(1))
    accepted = [_one_of("--accept", text, ("configured", "declared")) for text in flags.get("accept") or ()]
    accept = tuple(accepted) or base.accept
    return Gate(tuple(sorted(minimum.items())), cast("tuple[Literal['configured', 'declared'], ...]", accept))


_MINIMUM = re.compile(r"(?:build=)?L?([0-3])|source=L?([0-4])")


def _vsa(base: VsaPlan, flags: dict[str, Any]) -> VsaPlan:
    key: str | None = flags.get("vsa_key")
    keyless, unsigned = bool(flags.get("vsa_keyless")), bool(flags.get("vsa_unsigned"))
    file, service = base.key, base.service
    if flags.get("offline") and keyless:
        raise typer.BadParameter("--vsa-keyless asks Sigstore over the network, and --offline forbids it")
    if key is not None:
        file, service = (None, key) if _is_service(key) else (Path(key), None)
    elif keyless:
        # A flag overrides the file's way of signing.
        file, service = None, None
    return VsaPlan(
        flags.get("vsa_verifier_id") or base.verifier_id,
        flags.get("vsa_resource_uri") or base.resource_uri,
        file,
        base.policy_uri,
        unsigned,
        service,
        flags.get("vsa_public_key") or base.public_key,
        keyless,
        flags.get("vsa_trust_config"),
        _one_of("--vsa-compat", flags.get("vsa_compat"), ("slsa-verifier",)) is not None,
    )


def _is_service(key: str) -> bool:
    # The service's module brings cryptography along, which most commands here do without.
    if ":" not in key:
        return False
    from assess.trust.remote_signing import is_service

    return is_service(key)


def _online(flags: dict[str, Any]) -> bool:
    online = bool(flags.get("online"))
    if (online and flags.get("offline")) or (flags.get("rekor_url") is not None and not online):
        raise typer.BadParameter("--rekor-url needs --online, and --online goes without --offline")
    return online


def _one_of(flag: str, value: str | None, known: tuple[str, ...]) -> str | None:
    if value is not None and value not in known:
        raise typer.BadParameter(f"{flag} takes one of {', '.join(known)} (got {value!r})")
    return value
