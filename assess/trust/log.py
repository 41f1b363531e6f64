"""Transparency log entries: inclusion proofs (RFC 9162), checkpoints (signed notes) and promises (SETs)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from assess._frozen import frozen
from assess.attestations.envelope import InclusionProof, LogEntry
from assess.trust._outcome import Proved, RefusedError, UnprovableError
from assess.trust.keys import SupportedKey, key_of_der, verify_signature
from assess.trust.roots import LogInstance, TrustedRoot

MAX_NOTE = 64 * 1024
"""Bytes of a checkpoint."""
MAX_NOTE_SIGNATURES = 100
_SIGNATURE_LINE = re.compile("\u2014 ([^ +]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile("0|[1-9][0-9]{0,19}")
_V2 = "0.0.2"


@frozen
class Checkpoint:
    """A log's signed statement of its size and root hash (C2SP tlog-checkpoint)."""

    signed: bytes
    origin: str
    size: int
    root_hash: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]
    """Name, key hint (4 bytes) and signature of each line."""


def verify_promise(entry: LogEntry, root: TrustedRoot) -> Proved[datetime]:
    """Step 6: the signed entry timestamp holds; the value is the integrated time, which counts only by it."""
    log, key = _log_of(entry, root)
    if entry.integrated_time is None:
        raise RefusedError("the log promised to include the entry, but names no time")
    promised = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.log_index,
    }
    data = json.dumps(promised, sort_keys=True, separators=(",", ":")).encode()
    if not verify_signature(key, entry.promise or b"", data):
        raise RefusedError(f"the log's promise (SET) is not signed by {log.base_url} for this entry")
    try:
        moment = datetime.fromtimestamp(entry.integrated_time, UTC)
    except (ValueError, OverflowError, OSError):
        raise RefusedError("the integrated time is out of range", found=str(entry.integrated_time)) from None
    if not log.window.holds(moment):
        raise RefusedError(f"{log.base_url} was not trusted at the integrated time", found=moment.isoformat())
    when = moment.isoformat()[:19]
    return Proved(f"{log.base_url} promised to include entry {entry.log_index}, at {when}Z", moment)


def verify_inclusion(entry: LogEntry, root: TrustedRoot, moments: tuple[datetime, ...]) -> Proved[LogInstance]:
    """Step 6: the entry is in the tree whose root the log signed, and the log was trusted at a trusted time."""
    log, key = _log_of(entry, root)
    proof = entry.proof
    if proof is None:
        raise UnprovableError("the entry has no inclusion proof")
    if inclusion_root(entry.body, proof) != proof.root_hash:
        raise RefusedError("the inclusion proof does not lead from the entry to the root hash")
    if proof.checkpoint is None:
        raise UnprovableError("the inclusion proof has no checkpoint, so that nobody signed its root hash")
    checkpoint = read_checkpoint(proof.checkpoint)
    _check_checkpoint(checkpoint, proof)
    _check_note(checkpoint, log, key, _is_version_2(entry))
    if moments and not any(log.window.holds(moment) for moment in moments):
        raise RefusedError(f"{log.base_url} was not trusted at the time of the signature", found=moments[0].isoformat())
    if not moments and log.window.end is not None:
        raise UnprovableError(f"without a trusted time, nothing shows that {log.base_url} was still trusted")
    # The proof's index, not the entry's: nothing vouches for the latter in a Rekor v2 bundle.
    return Proved(f"the entry is leaf {proof.log_index} of {proof.tree_size} in {log.base_url}", log)


def inclusion_root(body: bytes, proof: InclusionProof) -> bytes:
    """The root hash that an inclusion proof leads to from an entry (RFC 9162, 2.1.3.2)."""
    index, size = proof.log_index, proof.tree_size
    if not 0 <= index < size or size >= 1 << 63:
        raise RefusedError("the proof's leaf is not in its tree", f"below {size}", str(index))
    if any(len(one) != 32 for one in proof.hashes):
        raise RefusedError("a hash of the inclusion proof is not 32 bytes long")
    inner = (index ^ (size - 1)).bit_length()
    expected = inner + (index >> inner).bit_count()
    if len(proof.hashes) != expected:
        raise RefusedError(
            "the inclusion proof has another length than its tree", str(expected), str(len(proof.hashes))
        )
    node = hashlib.sha256(b"\x00" + body).digest()
    for level, sibling in enumerate(proof.hashes):
        on_right = level >= inner or index >> level & 1
        node = hashlib.sha256(b"\x01" + (sibling + node if on_right else node + sibling)).digest()
    return node


def read_checkpoint(text: str) -> Checkpoint:
    """Parse a checkpoint: origin, size and root hash lines, perhaps more, an empty line, signature lines."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        raise RefusedError("the checkpoint is not UTF-8") from None
    if len(encoded) > MAX_NOTE:
        raise RefusedError(f"the checkpoint is too large (expected at most {MAX_NOTE} bytes)")
    head, separator, tail = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or "\n\n" in tail or not tail.endswith("\n") or len(lines) < 3 or not lines[0]:
        raise RefusedError("the checkpoint is malformed: expected origin, size, root hash and signatures")
    root_hash = _base64(lines[2])
    if not _SIZE.fullmatch(lines[1]) or root_hash is None:
        raise RefusedError("the checkpoint is malformed: size or root hash cannot be read")
    signed = tail[:-1].split("\n")
    if len(signed) > MAX_NOTE_SIGNATURES:
        raise RefusedError("the checkpoint has too many signatures", str(MAX_NOTE_SIGNATURES), str(len(signed)))
    signatures = tuple(_signature_line(line) for line in signed)
    return Checkpoint((head + "\n").encode(), lines[0], int(lines[1]), root_hash, signatures)


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    found = _SIGNATURE_LINE.fullmatch(line)
    raw = _base64(found[2]) if found else None
    if found is None or raw is None or len(raw) < 5:
        raise RefusedError("the checkpoint is malformed: a signature line cannot be read")
    return found[1], raw[:4], raw[4:]


def _check_checkpoint(checkpoint: Checkpoint, proof: InclusionProof) -> None:
    if checkpoint.size != proof.tree_size:
        raise RefusedError("the checkpoint is of another tree size", str(proof.tree_size), str(checkpoint.size))
    if checkpoint.root_hash != proof.root_hash:
        raise RefusedError(
            "the checkpoint is of another root hash", proof.root_hash.hex(), checkpoint.root_hash.hex()[:128]
        )


def _check_note(checkpoint: Checkpoint, log: LogInstance, key: SupportedKey, version_2: bool) -> None:
    """The log signed the note under its own name; lines of other signers (witnesses) are passed over."""
    # Rekor v1 writes "host - tree id" as its origin, and signs as "host".
    name = checkpoint.origin.split(" - ")[0]
    host = urlsplit(log.base_url)
    if version_2 and name not in (host.netloc + host.path.rstrip("/"), host.hostname):
        raise RefusedError("the checkpoint is of another log", expected=host.netloc, found=name[:200])
    hint = log.checkpoint_id[:4]
    candidates = tuple(
        signature for signer, key_hint, signature in checkpoint.signatures if key_hint == hint and signer == name
    )
    if not candidates:
        raise RefusedError(f"the checkpoint is not signed by {log.base_url}", expected=f"key hint {hint.hex()}")
    if not any(verify_signature(key, signature, checkpoint.signed) for signature in candidates):
        raise RefusedError(f"the checkpoint's signature is not one of {log.base_url}")


def _is_version_2(entry: LogEntry) -> bool:
    return entry.version == _V2 and entry.kind in ("hashedrekord", "dsse") and entry.promise is None


def _log_of(entry: LogEntry, root: TrustedRoot) -> tuple[LogInstance, SupportedKey]:
    log = root.log(entry.log_id)
    if log is None:
        raise RefusedError(
            f"the entry is of a log that the trusted root ({root.name}) does not name",
            expected=", ".join(one.log_id.hex() for one in root.logs) or None,
            found=entry.log_id.hex()[:128],
        )
    key = key_of_der(log.key)
    if key is None:
        raise UnprovableError(f"the key of {log.base_url} is of a kind that is not supported")
    return log, key


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
