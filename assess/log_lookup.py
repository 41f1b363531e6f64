"""The log entry of an attestation that came without one, asked for where the user says `--online`."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from assess.assessment import Input
from assess.examine import Examined, Trust, examine

if TYPE_CHECKING:
    from assess.artifacts import Artifact


@dataclass(frozen=True, slots=True)
class Asked:
    """The examination with the entry that was found, or as it was, and one sentence about the look-up."""

    examined: Examined
    detail: str
    entry: Input | None = None
    """The entry that now takes part, by the hash of its body; None where none was found."""


def ask_log(examined: Examined, artifact: Artifact | None, trust: Trust, url: str | None) -> Asked:
    """Ask the logs of the trusted root, or the one at `url`, for the entry of one attestation.

    Raises UnavailableError where no log could be asked.
    """
    from assess.trust.rekor_online import lacks_entry, look_up

    opened = examined.opened
    if examined.signature is not None or not lacks_entry(opened):
        return Asked(examined, "no log was asked: a log entry is not what is missing")
    digests = artifact.subject.digests if artifact is not None else ()
    found = look_up(
        opened,
        root=trust.root_for(opened),
        artifact_sha256=next((one.value for one in digests if one.algorithm == "sha256"), None),
        url=url,
        identity=trust.identity_for(opened),
    )
    if not found.found:
        return Asked(examined, found.detail)
    material = found.opened.material
    (entry,) = material.entries if material is not None else ()
    used = Input("log-entry", f"{entry.log_id.hex()}/{entry.log_index}", sha256(entry.body).hexdigest())
    return Asked(examine(found.opened, artifact, trust), found.detail, used)
