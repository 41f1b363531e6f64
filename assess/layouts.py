"""In-toto layouts that a project names: their files read and verified, and what a reader must be told of them."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from assess._frozen import frozen
from assess.assessment import Input, NotChecked, Notice, Severity
from assess.errors import InputError, NoInputError
from assess.evidence import Layout, Source
from assess.files import ATTESTATION_LIMIT, OWN_LIMIT, read_file

if TYPE_CHECKING:
    from assess.trust.layouts import LayoutVerification

MAX_FILES = 1000
"""Links of one layout."""


@frozen
class LayoutPlan:
    """One layout to verify: (as the user wrote it, where it is) for the layout, its links or folders of links, keys."""

    layout: tuple[str, Path]
    links: tuple[tuple[str, Path], ...] = ()
    keys: tuple[tuple[str, Path], ...] = ()


@frozen
class LayoutRead:
    """One layout as evidence, with its verification and the files that took part."""

    layout: Layout
    verification: LayoutVerification
    inputs: tuple[Input, ...]


def read_layout(plan: LayoutPlan, at: datetime) -> LayoutRead:
    """Read and verify one layout as of `at` (with time zone). Its facts raise nothing.

    Raises NoInputError or InputError where a file that was named cannot be read, ConfigError for a key.
    """
    from assess.trust.keys import load_public_key
    from assess.trust.layouts import verify_layout

    shown, path = plan.layout
    data = read_file(path, ATTESTATION_LIMIT, "layout")
    inputs = [Input("attestation", shown, sha256(data).hexdigest())]
    keys = []
    for name, file in plan.keys:
        key = read_file(file, OWN_LIMIT, "public key")
        keys.append(load_public_key(key, name))
        inputs.append(Input("key", name, sha256(key).hexdigest()))
    links: list[tuple[str, bytes]] = []
    for name, link_name, file in _link_files(plan.links):
        link = read_file(file, ATTESTATION_LIMIT, "link")
        links.append((link_name, link))
        inputs.append(Input("attestation", name, sha256(link).hexdigest()))
    result = verify_layout(data, tuple(links), tuple(keys), at, shown)
    return LayoutRead(_evidence(result, Source(shown), sha256(data).hexdigest()), result, tuple(inputs))


def _link_files(named: tuple[tuple[str, Path], ...]) -> list[tuple[str, str, Path]]:
    """(as shown, name below its folder, file) of every link; of a folder all that end in `.link`, at any depth."""
    found: list[tuple[str, str, Path]] = []
    for shown, path in named:
        if not path.is_dir():
            found.append((shown, path.name, path))
            continue
        inside = sorted(file for file in path.rglob("*.link") if file.is_file())
        if not inside:
            raise NoInputError("the folder holds no links", shown, "in-toto names them STEP.KEYID8.link")
        found += [
            (str(Path(shown) / file.relative_to(path)), file.relative_to(path).as_posix(), file) for file in inside
        ]
    if len(found) > MAX_FILES:
        raise InputError(f"too many links (got {len(found)}, expected at most {MAX_FILES})", named[0][0])
    return found


def _evidence(result: LayoutVerification, source: Source, digest: str) -> Layout:
    facts = result.layout
    return Layout(
        source=source,
        verified=None if result.state is None else result.state == "verified",
        note=result.note,
        expires=facts.expires if facts is not None else None,
        owners=result.owners,
        steps=result.steps if result.owners else None,
        inspections=tuple(one.name for one in facts.inspections) if facts is not None else (),
        checks=result.checks,
        digest=digest,
    )


def notices_of(reads: tuple[LayoutRead, ...]) -> tuple[Notice, ...]:
    """What every report says of the layouts, and of links that could not be read. None of it moves a level."""
    notices = []
    for one in reads:
        layout = one.layout
        for link in one.verification.unreadable:
            notices.append(Notice("warning", f"a link cannot be read, and is not counted: {link.reason}", link.source))
        severity: Severity = "info"
        match layout.verified:
            case True:
                text = f"the in-toto layout holds: {_who(layout)}; it proves no SLSA level"
            case False:
                severity, text = "critical", f"the in-toto layout does not hold: {layout.note}"
            case None:
                severity, text = "warning", f"the in-toto layout is not proved: {layout.note}"
        notices.append(Notice(severity, text, layout.source))
    return tuple(notices)


def limits_of(layouts: tuple[Layout, ...] | None) -> tuple[NotChecked, ...]:
    """What was not checked of the layouts."""
    return tuple(
        NotChecked(f"in-toto layout: {check.detail}", one.source)
        for one in layouts or ()
        for check in one.checks
        if check.result == "not-provable-offline"
    )


def _who(layout: Layout) -> str:
    return ", ".join(
        f"{step.name} by {' and '.join(one.identity[:19] for one in step.performed_by)}" for step in layout.steps or ()
    )
