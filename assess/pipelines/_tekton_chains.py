"""Tekton Chains: its configuration, and the provenance that a run with given results would get from it.

https://tekton.dev/docs/chains/config/. Chains watches runs from outside; what it signs of an artifact is what the run's
results report (type hints).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import Interval, Source
from assess.pipelines._facts import Offer
from assess.pipelines._files import Folder
from assess.pipelines._reader import Reading
from assess.pipelines._tekton_documents import Document, read_documents, tekton_files
from assess.pipelines._tools import CONTAINER

KEYS = re.compile(
    r"artifacts\.(?:taskrun|pipelinerun|oci|pipelinerun\.enable-deep-inspection)(?:\.(?:format|storage|signer"
    r"|enable-deep-inspection|disable-inline-sbom))?\Z|storage\.[a-z]+\.[\w.-]+\Z|signers\.(?:x509|kms)\.[\w.-]+\Z"
    r"|builder\.id\Z|builddefinition\.buildtype\Z|transparency\.(?:enabled|url)\Z|generateSigningSecret\Z|options\Z"
    r"|targetNamespace\Z|disabled\Z|controllerEnvs\Z|performance\Z|config\Z|_example\Z"
)
_KMS = re.compile(r"(?:gcpkms|awskms|azurekms|hashivault)://")
_IMAGE = re.compile(r"(?:.*IMAGE_URL|.*IMAGE_DIGEST|IMAGES)\Z")
_ARTIFACT = re.compile(r".*ARTIFACT_(?:URI|DIGEST|OUTPUTS)\Z")
_SHOWS_NOBODY = "https://tekton.dev/chains/v2"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting with its place."""

    value: str
    source: Source


@dataclass(frozen=True, slots=True)
class Chains:
    """The configuration of Chains that the project holds; `settings` None where it holds none."""

    settings: tuple[tuple[str, Setting], ...] | None = None

    def get(self, key: str) -> Setting | None:
        """A setting; None if it is not set."""
        return dict(self.settings or ()).get(key)

    def text(self, key: str, default: str) -> str:
        """A setting's value, or the default of Chains."""
        found = self.get(key)
        return default if found is None else found.value


def settings_of(document: Document) -> Node | None:
    """The mapping of settings in a document; None if it configures no Chains."""
    match document.kind:
        case "ConfigMap" if document.name == "chains-config":
            return document.root.get("data") or document.spec
        case "TektonConfig":
            return document.spec.get("chain")
        case "TektonChain":
            return document.spec
        case _:
            return None


def note_settings(reading: Reading, node: Node) -> None:
    """Note the settings that Chains does not know."""
    for key, _ in node.items():
        if not KEYS.match(key.text):
            reading.note(key.source, f"unknown setting {key.text[:60]!r} of Tekton Chains")


def chains_of(folder: Folder, own: Iterable[Document]) -> Chains:
    """The configuration in the same file, else in the project."""
    found = _settings(own)
    return found or folder.once("tekton chains", lambda: _search(folder))


def _settings(documents: Iterable[Document]) -> Chains | None:
    for document in documents:
        node = settings_of(document)
        if node is not None and node.kind == "mapping":
            pairs = tuple((key.text, Setting(value.text, key.source)) for key, value in node.items())
            return Chains(pairs)
    return None


def _search(folder: Folder) -> Chains:
    for name in tekton_files(folder):
        data = folder.peek(name, 1 << 20) or b""
        if b"chains-config" in data or b"TektonConfig" in data or b"TektonChain" in data:
            try:
                found = _settings(read_documents(data, name))
            except InputError:
                continue
            if found is not None:
                folder.read(name)
                return found
    return Chains()


def hints(names: Iterable[str]) -> str | None:
    """What results tell Chains of: `container registry`, `files`, or None if no artifact."""
    given = set(names)
    images = {name for name in given if _IMAGE.match(name)}
    if "IMAGES" in images:
        return CONTAINER
    if any(name.endswith("IMAGE_URL") and name[:-3] + "DIGEST" in images for name in images):
        return CONTAINER
    artifacts = {name for name in given if _ARTIFACT.match(name)}
    pair = any(name.endswith("ARTIFACT_URI") and name[:-3] + "DIGEST" in artifacts for name in artifacts)
    return "files" if pair or any(name.endswith("ARTIFACT_OUTPUTS") for name in artifacts) else None


def offer(chains: Chains, run: str, covers: str, trusted: bool, exposed: str | None) -> tuple[Offer, Setting | None]:
    """The provenance of a `taskrun` or `pipelinerun`, and the setting that speaks against it most.

    `trusted`: all of the run's tasks are fixed by digest. `exposed`: what breaks their isolation.
    """
    base = Offer(
        "Tekton Chains", Interval(0, 3 if trusted else 2), generated=None, control_plane=True, isolated=None,
        records_parameters=True, by_digest=True, covers=None if covers == "files" else covers,
    )  # fmt: skip
    if exposed is not None:
        base = replace(base, isolated=False)
    if chains.settings is None:
        note = "whether Tekton Chains watches these runs, and how it signs, is set in the cluster and not here"
        return replace(base, note=note), None
    storage = chains.get(f"artifacts.{run}.storage")
    signer = chains.get(f"artifacts.{run}.signer")
    places = {part.strip() for part in chains.text(f"artifacts.{run}.storage", "tekton").split(",")} - {""}
    if not places:
        return replace(base, level=Interval(0, 0), generated=False, signed=False, distributed=False,
                       note=f"Tekton Chains is told to store nothing of a {run}"), storage  # fmt: skip
    if signer is not None and signer.value == "none":
        return replace(base, level=Interval(1, 1), generated=True, signed=False, distributed=bool(places - {"tekton"}),
                       note="Tekton Chains is told to sign nothing"), signer  # fmt: skip
    insecure = chains.get("storage.oci.repository.insecure")
    distributed: bool | None = bool(places - {"tekton"})
    notes = []
    against: Setting | None = None
    if not distributed:
        notes.append("the provenance stays an annotation of the run's object in the cluster")
        against = storage
    if insecure is not None and insecure.value == "true":
        distributed, against = None, insecure
        notes.append("the registry is reached without TLS")
    if chains.text("builder.id", _SHOWS_NOBODY) == _SHOWS_NOBODY:
        notes.append("`builder.id` is the default, which names nobody")
    hardened = trusted is True and exposed is None and _key_apart(chains)
    level = Interval(2, 3) if hardened else Interval(2, 2)
    return replace(base, level=level, generated=True, signed=True, distributed=distributed,
                   note="; ".join(notes) or None), against  # fmt: skip


def _key_apart(chains: Chains) -> bool:
    """The key is kept by a key service, or there is none but for one signature."""
    kms = _KMS.match(chains.text("signers.kms.kmsref", "")) is not None
    return kms or chains.text("signers.x509.fulcio.enabled", "false") == "true"
