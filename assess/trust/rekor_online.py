"""Looks up the log entry of a signature that came without one (a bare DSSE envelope), in a Rekor v1 log, online.

What the log answers is untrusted, as everything that comes with an attestation: an entry counts only if the ordinary
verification holds with it, promise, inclusion and binding included. An answer that does not help leaves the
attestation as it was; it never makes it worse.

 1. search the log's index by the payload's digest, then by the artifact's
 2. fetch the entries that it names, a few at a time
 3. read each as the log entry of a bundle
 4. verify the envelope with it, as if it had come along; the first with which everything holds is taken
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assess.attestations._json import JSON, Limits, decode_base64, read_json
from assess.attestations.envelope import InclusionProof, LogEntry, Material, Opened
from assess.errors import InputError, UnavailableError
from assess.http import HttpLimits, request
from assess.trust.roots import TrustedRoot
from assess.trust.signers import IdentityPolicy
from assess.trust.verify import verify

MAX_ENTRIES = 50
"""Entries that are looked at for one digest; an artifact can have many, a payload has few."""
_BATCH = 10
"""The most that a Rekor server hands out at once."""
_JSON_LIMITS = Limits(size=8 << 20, depth=32, nodes=200_000)
_UUID = re.compile(r"[0-9a-f]{64}|[0-9a-f]{80}")


@dataclass(frozen=True, slots=True)
class LookUp:
    """How a look-up ended: the attestation, with its log entry if one was found, and one sentence."""

    opened: Opened
    found: bool
    detail: str


def lacks_entry(opened: Opened) -> bool:
    """Whether a log entry could date this attestation: a certificate signed an envelope, and no entry came along."""
    if opened.envelope is None or opened.defects or (opened.material is not None and opened.material.entries):
        return False
    by_material = opened.material is not None and bool(opened.material.certificates)
    return by_material or any(one.certificate is not None for one in opened.envelope.signatures)


def look_up(
    opened: Opened,
    *,
    root: TrustedRoot,
    artifact_sha256: str | None = None,
    url: str | None = None,
    identity: IdentityPolicy | None = None,
    limits: HttpLimits | None = None,
) -> LookUp:
    """Search the logs of the trusted root (or the one at `url`) for the entry of `opened`, which `lacks_entry`.

    Raises UnavailableError where no log could be asked, or one answers as no Rekor log does.
    """
    addresses = (url,) if url is not None else tuple(dict.fromkeys(log.base_url for log in root.logs if log.base_url))
    if not addresses:
        raise UnavailableError(f"the trusted root ({root.name}) names no log to ask", hint="give --rekor-url")
    payload = opened.payload or b""
    digests = (hashlib.sha256(payload).hexdigest(), *((artifact_sha256,) if artifact_sha256 else ()))
    told: list[str] = []
    problem: UnavailableError | None = None
    answered = False
    for address in addresses:
        log = _Log(address.rstrip("/"), limits or HttpLimits())
        try:
            found = _search(log, opened, digests, root, identity)
        except UnavailableError as error:
            # One log that is away must not hide what another has; if none answers, nothing was looked up.
            problem = problem or error
            told.append(str(error))
            continue
        if found.found:
            return found
        answered = True
        told.append(found.detail)
    if problem is not None and not answered:
        raise problem
    return LookUp(opened, False, "; ".join(told))


def _search(
    log: _Log, opened: Opened, digests: tuple[str, ...], root: TrustedRoot, identity: IdentityPolicy | None
) -> LookUp:
    """The look-up in one log."""
    told: list[str] = []
    for digest in digests:
        # (1)
        uuids = log.search(digest)
        if uuids is None:
            return LookUp(opened, False, f"{log.address} keeps no search index")
        refused = ""
        for entry in log.entries(uuids[:MAX_ENTRIES]):
            # (4)
            for candidate in _with_entry(opened, entry):
                verified = verify(candidate, root=root, identity=identity)
                if verified.signature == "verified":
                    place = f"entry {entry.log_index} of {log.address}, found by sha256:{digest}"
                    return LookUp(candidate, True, f"{place}, is about this signature")
                refused = verified.note or refused
        told.append(_told(log.address, digest, uuids, refused))
    return LookUp(opened, False, "; ".join(told))


def _told(address: str, digest: str, uuids: tuple[str, ...], refused: str) -> str:
    if not uuids:
        return f"{address} has no entry for sha256:{digest}"
    most = f" (the first {MAX_ENTRIES} were looked at)" if len(uuids) > MAX_ENTRIES else ""
    why = f" ({refused})" if refused else ""
    return f"{address} has {len(uuids)} for sha256:{digest}{most}, and none with which this signature verifies{why}"


def _with_entry(opened: Opened, entry: LogEntry) -> Iterator[Opened]:
    """The attestation as if `entry` had come along; one for each signature, of which each covers all of it."""
    envelope = opened.envelope
    if opened.material is not None:
        yield replace(opened, material=replace(opened.material, entries=(entry,)))
        return
    for one in envelope.signatures if envelope is not None else ():
        if envelope is not None and one.certificate is not None:
            material = Material(certificates=(one.certificate,), entries=(entry,))
            yield replace(opened, envelope=replace(envelope, signatures=(one,)), material=material)


@dataclass(frozen=True, slots=True)
class _Log:
    """A Rekor v1 server (https://github.com/sigstore/rekor/blob/main/openapi.yaml)."""

    address: str
    limits: HttpLimits

    def search(self, sha256: str) -> tuple[str, ...] | None:
        """UUIDs of the entries about a digest; None where the server has no such search (Rekor v2)."""
        answer = self._post("/api/v1/index/retrieve", {"hash": f"sha256:{sha256}"})
        if answer is None:
            return None
        if not isinstance(answer, list) or not all(isinstance(one, str) and _UUID.fullmatch(one) for one in answer):
            raise self._foreign("the search's answer is no list of entry ids")
        return tuple(dict.fromkeys(one for one in answer if isinstance(one, str)))

    def entries(self, uuids: tuple[str, ...]) -> Iterator[LogEntry]:
        """(2), (3) The entries that can be read."""
        for start in range(0, len(uuids), _BATCH):
            answer = self._post("/api/v1/log/entries/retrieve", {"entryUUIDs": list(uuids[start : start + _BATCH])})
            if not isinstance(answer, list):
                raise self._foreign("the answer is no list of entries")
            for item in answer[:_BATCH]:
                for value in item.values() if isinstance(item, dict) else ():
                    entry = read_entry(value)
                    if entry is not None:
                        yield entry

    def _post(self, path: str, asked: dict[str, JSON]) -> JSON:
        answer = request("POST", self.address + path, body=json.dumps(asked).encode(), limits=self.limits)
        if answer.status in (404, 405, 501):
            return None
        if answer.status != 200:
            raise self._foreign(f"status {answer.status}")
        try:
            return read_json(answer.body, self.address, _JSON_LIMITS)
        except InputError as problem:
            raise self._foreign(problem.message) from None

    def _foreign(self, what: str) -> UnavailableError:
        return UnavailableError(f"this is not what a Rekor log answers ({what})", self.address, "check the address")


def read_entry(value: JSON) -> LogEntry | None:
    """An entry in the words of Rekor's API as the log entry of a bundle; None where it cannot be read."""
    match value:
        case {
            "body": str() as body,
            "logID": str() as log_id,
            "logIndex": int() as index,
            "integratedTime": int() as integrated,
            "verification": {"signedEntryTimestamp": str() as promise},
        }:
            raw, stamp, log = decode_base64(body), decode_base64(promise), _hex(log_id)
        case _:
            return None
    kind = _kind(raw) if raw else None
    if not raw or not stamp or log is None or kind is None:
        return None
    return LogEntry(index, log, kind[0], kind[1], raw, integrated, stamp, _proof(value))


def _kind(body: bytes) -> tuple[str, str] | None:
    try:
        value = read_json(body, "log entry", _JSON_LIMITS)
    except InputError:
        return None
    match value:
        case {"kind": str() as kind, "apiVersion": str() as version}:
            return kind, version
    return None


def _proof(value: JSON) -> InclusionProof | None:
    checkpoint: str | None = None
    match value:
        case {"verification": {"inclusionProof": {"checkpoint": str() as checkpoint}}}:
            pass
    match value:
        case {
            "verification": {
                "inclusionProof": {
                    "logIndex": int() as index,
                    "treeSize": int() as size,
                    "rootHash": str() as root,
                    "hashes": list() as hashes,
                }
            }
        }:
            root_hash = _hex(root)
            path = tuple(found for one in hashes if isinstance(one, str) and (found := _hex(one)) is not None)
        case _:
            return None
    if root_hash is None or len(hashes) > 64 or len(path) != len(hashes):
        return None
    return InclusionProof(index, root_hash, size, path, checkpoint)


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
