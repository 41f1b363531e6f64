"""CI configuration into pipelines and release paths: what the files say would happen. It proves nothing.

A CI system is one module with `NAME`, `discover`, `recognises` and `read`, and one word in `SYSTEMS`; it may have
`sniffs`, which tells its files by what is in them. Systems may share files: each reads what is its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from types import ModuleType

from assess._frozen import frozen, replace
from assess.errors import InputError
from assess.evidence import Note, Pipeline, Release, Source, SourceControl, Unreadable
from assess.pipelines import github_actions
from assess.pipelines._facts import PipelineFacts
from assess.pipelines._files import Folder
from assess.pipelines._late import OTHERS
from assess.pipelines._path_facts import PathFacts, path_facts, pins_signer, strict_conditions
from assess.pipelines._shared import linked, with_shared
from assess.pipelines._source_control import read_source_control
from assess.pipelines.releases import lets_outsiders_in, releases, warned

SYSTEMS: tuple[ModuleType, ...] = (github_actions, *OTHERS)


@frozen
class PipelinesRead:
    """All that was read of a project's CI configuration; () means looked, and found none."""

    pipelines: tuple[Pipeline, ...] = ()
    releases: tuple[Release, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    """Path (relative to the project) and sha256 of every file that was read."""
    path: PathFacts = field(default_factory=PathFacts)
    """What the audits ask of the release paths."""
    source_controls: tuple[SourceControl, ...] = ()
    """What the project's files say of how its source is controlled: hints, of which no level is made."""
    files: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    """Path and bytes of every file that was read."""


def read_pipelines(root: Path, instead: tuple[tuple[str, bytes], ...] = ()) -> PipelinesRead:
    """Every CI configuration file of the project in `root` that a system in SYSTEMS knows.

    Follows local reusable workflows and composite actions inside `root` only. A file that cannot be read becomes an
    `unreadable` pipeline and an `Unreadable`, never nothing. Raises no error for bad files. `instead` are files (path,
    bytes) as they would be; the disk is not asked for them.
    """
    folder = Folder(root)
    for name, changed in instead:
        folder.instead(name, changed)
    found: list[PipelineFacts] = []
    unreadable: list[Unreadable] = []
    for system in SYSTEMS:
        try:
            paths = system.discover(folder)
        except InputError as error:
            unreadable.append(_unreadable(error, error.place or "."))
            continue
        for path in paths:
            try:
                data = folder.read(path)
                if data is None:
                    raise InputError("the file is not there (a link to nothing?)", path)
                found.append(system.read(folder, path, data))
            except InputError as error:
                unreadable.append(_unreadable(error, path))
                found.append(PipelineFacts(_empty(system.NAME, path, error)))
    controls, bad = read_source_control(folder, tuple(dict.fromkeys(one.pipeline.source.path for one in found)))
    return replace(
        _together(found, tuple(dict.fromkeys((*unreadable, *bad)))),
        source_controls=controls,
        inputs=folder.hashes(),
        files=folder.files(),
    )


def read_pipeline_file(path: str, data: bytes) -> PipelinesRead:
    """One CI configuration file by itself; what it calls locally cannot be followed and is noted.

    `path` tells the system by its place (`.github/workflows/ci.yml`), else what is in the file does; GitHub's form is
    assumed where neither does. Raises no error: an unreadable file is in `unreadable`.
    """
    system = _system(path, data)
    try:
        return _together([system.read(Folder(None), path, data)], ())
    except InputError as error:
        return PipelinesRead((_empty(system.NAME, path, error),), (), (_unreadable(error, path),))


def _system(path: str, data: bytes) -> ModuleType:
    if SYSTEMS[0].recognises(path):
        return SYSTEMS[0]  # nobody else looks there
    placed = [one for one in SYSTEMS if one.recognises(path)]
    told = (one for one in placed or SYSTEMS if hasattr(one, "sniffs") and one.sniffs(data))
    return next(told, placed[0] if placed else SYSTEMS[0])


def _together(found: list[PipelineFacts], unreadable: tuple[Unreadable, ...]) -> PipelinesRead:
    """A workflow that only others here call has no release path of its own: it is in its callers'."""
    found = linked(found)
    followed = {path for facts in found for path in facts.follows}
    made: list[Release] = []
    for facts in found:
        if facts.only_called and facts.pipeline.source.path in followed:
            continue
        made += releases(facts)
    for facts in found:
        note = lets_outsiders_in(facts)
        if note is not None:
            made = [_exposed(release, facts, note) for release in made]
    called = frozenset(one.pipeline.source.path for one in found if one.only_called) & followed
    found, shared = with_shared(found, made, called)
    made = list(shared)
    own = [one for one in found if one.pipeline.source.path not in called]
    return PipelinesRead(
        tuple(facts.pipeline for facts in found),
        _strict(own, shared),
        unreadable,
        path=path_facts((facts, _of(facts, made)) for facts in own),
    )


def _of(facts: PipelineFacts, made: Iterable[Release]) -> tuple[Release, ...]:
    return tuple(one for one in made if one.pipeline == facts.pipeline.source.path)


def _strict(own: list[PipelineFacts], made: tuple[Release, ...]) -> tuple[Release, ...]:
    """The releases with the conditions of the strict reading, where one is claimed to carry L3."""
    pinned = pins_signer(own)
    by_file = {facts.pipeline.source.path: facts for facts in own}
    return tuple(replace(one, strict=strict_conditions(by_file[one.pipeline], one, pinned)) for one in made)


def _exposed(release: Release, facts: PipelineFacts, note: Note) -> Release:
    """A release that restores caches, beside a pipeline in which outsiders' code can write them."""
    if release.shares_cache is False or release.pipeline == facts.pipeline.source.path:
        return release
    return warned(
        release, replace(note, text=f"shares its caches with a pipeline that runs outsiders' code: {note.text}")
    )


def _empty(system: str, path: str, error: InputError) -> Pipeline:
    source = _place(error, path)
    return Pipeline(source, system, path.rpartition("/")[2], "unreadable", notes=(Note(source, error.message),))


def _unreadable(error: InputError, path: str) -> Unreadable:
    return Unreadable(_place(error, path), error.message)


def _place(error: InputError, path: str) -> Source:
    """The error's `path:line:column` as a Source."""
    numbers = (error.place or "").removeprefix(path).strip(":").split(":")
    line, column = ([int(one) for one in numbers if one.isdigit()] + [None, None])[:2]
    return Source(path, line, column)
