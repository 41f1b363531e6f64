"""Provenance into the job that publishes: `actions/attest` on what it publishes, and the rights that this takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assess.evidence import Step
from assess.fixes._github_places import Place, name_of, steps_of
from assess.fixes.changes import Change, InsertItem, Path, ReplaceText, SetKey
from assess.fixes.model import Declined, Fix, Found
from assess.fixes.pins import Releases
from assess.pipelines._shell import commands

ATTEST = "actions/attest"
_FILE_INPUTS = {
    "softprops/action-gh-release": "files",
    "ncipollo/release-action": "artifacts",
    "svenstaro/upload-release-action": "file",
}
_PYPI = "pypa/gh-action-pypi-publish"
_DOCKER = "docker/build-push-action"
_NPM = re.compile(r"(?<![\w./-])(npm|pnpm)( +)publish(?![\w-])(?![^\n]*--provenance)")
_GLOB = re.compile(r"[\w.@${}()/*?\[\]{} -]*[\w*/?\]}]\Z")


def find(place: Place, known: Releases) -> Iterator[Found]:
    """Provenance for a release that has none, and the permissions of what makes it."""
    provenance = place.release.provenance
    if provenance is None:
        return
    if provenance.generated is False or (provenance.level is not None and provenance.level.ceiling < 2):
        yield from _attest(place, known)
    yield from _npm(place)
    yield from _permissions(place)


def _attest(place: Place, known: Releases) -> Iterator[Found]:
    steps = list(steps_of(place))
    if any(step.uses is not None and name_of(step.uses) == ATTEST for step, _ in steps):
        return
    release = known.commit_of(ATTEST, "v4")
    rights = _rights(place, ("id-token", "attestations"))
    for at, (step, path) in enumerate(steps):
        if "publish" not in step.does or release is None:
            continue
        made = _subject(step, path, place)
        if made is None:
            continue
        if isinstance(made, str) or isinstance(rights, str):
            yield Declined("attest", step.source, made if isinstance(made, str) else str(rights))
            return
        inputs, first, behind = made
        item = {"name": "Attest build provenance", "uses": f"{ATTEST}@{release.commit}", "with": inputs}
        condition = _condition(step, path, place)
        if condition:
            item = {"name": item["name"], "if": condition, "uses": item["uses"], "with": inputs}
        index = int(path[-1]) + (1 if behind else 0)
        changes: list[Change] = [*first, InsertItem(path[:-1], index, item, (("uses", release.version),)), *rights]
        yield Fix(
            "attest", step.source, f"job {place.job.id}: provenance for what {_named(step, at)} publishes",
            "GitHub writes and signs the provenance; consumers verify it with `gh attestation verify`",
            tuple(changes),
        )  # fmt: skip
        return


_WHOLE = re.compile(r"\$\{\{((?:(?!\}\}).)*)\}\}\Z")


def _condition(step: Step, path: Path, place: Place) -> str:
    """When the step publishes: its own `if`, and for an image the expression that says whether it is pushed."""
    found = []
    own = place.document.get((*path, "if"))
    pushed = {one.name: one.value for one in step.inputs}.get("push", "") if name_of(step.uses or "") == _DOCKER else ""
    for text in (own if isinstance(own, str) else "", pushed):
        whole = _WHOLE.match(text.strip())
        bare = (whole.group(1) if whole is not None else text).strip()
        if bare and bare.lower() != "true":
            found.append(bare)
    return found[0] if len(found) == 1 else " && ".join(f"({one})" for one in found)


def _named(step: Step, at: int) -> str:
    return f"`{step.name}`" if step.name else f"step {at + 1}"


def _subject(step: Step, path: Path, place: Place) -> tuple[dict[str, object], list[Change], bool] | str | None:
    """(inputs of the attest step, changes before it, whether it goes behind the step); a text where it cannot be told.

    None where the step publishes something that this fix is not for.
    """
    inputs = {one.name: one.value for one in step.inputs}
    name = name_of(step.uses) if step.uses is not None else ""
    if name == _DOCKER:
        return _image(inputs, path, place)
    if name == _PYPI:
        return {"subject-path": f"{inputs.get('packages-dir', 'dist').rstrip('/')}/*"}, [], False
    if name in _FILE_INPUTS:
        files = inputs.get(_FILE_INPUTS[name], "").strip()
        files = files.replace(",", "\n") if name == "ncipollo/release-action" else files
        rows = [row.strip() for row in files.splitlines() if row.strip()]
        return ({"subject-path": _rows(rows)}, [], False) if rows else "which files this step releases is not named"
    if step.run is None:
        return None
    rows, published = _uploaded(step.run)
    if not published:
        return None
    if {"build", "code", "unread-script"} & set(step.does):
        return "this step builds and publishes; make two steps of it, so that the provenance is made between them"
    return ({"subject-path": _rows(rows)}, [], False) if rows else "which files this step releases cannot be told"


def _rows(rows: list[str]) -> str:
    return rows[0] if len(rows) == 1 else "\n".join(rows) + "\n"


def _image(inputs: dict[str, str], path: Path, place: Place) -> tuple[dict[str, object], list[Change], bool] | str:
    tags = [tag for tag in re.split(r"[\n,]+", inputs.get("tags", "")) if tag.strip()]
    names = {_without_tag(tag.strip()) for tag in tags}
    if len(names) != 1 or "" in names or "metadata" in str(names) or "steps." in str(names):
        return "the name of the pushed image cannot be told from its tags"
    identifier = place.document.get((*path, "id"))
    first: list[Change] = []
    if not isinstance(identifier, str):
        if "id: push" in str(place.document.data) or "steps.push." in str(place.document.data):
            return "the step that pushes has no id, and `push` is taken"
        identifier = "push"
        first = [SetKey(path, "id", identifier, after="uses")]
    digest = "${{ steps." + identifier + ".outputs.digest }}"
    wanted = {"subject-name": names.pop(), "subject-digest": digest, "push-to-registry": "true"}
    return dict(wanted), first, True


def _without_tag(image: str) -> str:
    """`registry/name` of `registry/name:tag`; expressions are left as they are."""
    bare = re.sub(r"\$\{\{.*?\}\}", lambda found: "\0" * len(found.group()), image)
    last = bare.rpartition("/")[2]
    return image[: len(image) - len(last) + last.index(":")] if ":" in last else image


def _uploaded(script: str) -> tuple[list[str], bool]:
    """Files that `gh release` and `twine upload` name, and whether either is there."""
    rows: list[str] = []
    published = False
    for command in commands(script) or ():
        words = list(command.words)
        if words[:2] == ["gh", "release"] and words[2:3] in (["create"], ["upload"]):
            published = True
            plain = _arguments(words[3:])
            rows += [word for word in plain[1:] if _is_file(word)]
        elif words[:2] == ["twine", "upload"] or words[:4] == ["python", "-m", "twine", "upload"]:
            published = True
            rows += [word for word in _arguments(words[words.index("upload") + 1 :]) if _is_file(word)]
    return list(dict.fromkeys(rows)), published


_WITH_VALUE = frozenset({"-t", "--title", "-n", "--notes", "-F", "--notes-file", "--target", "-R", "--repo", "-r",
                         "--repository", "--repository-url", "-u", "--username", "-p", "--password",
                         "--discussion-category", "--notes-start-tag"})  # fmt: skip


def _arguments(words: list[str]) -> list[str]:
    found: list[str] = []
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            skip = not skip and word in _WITH_VALUE
            continue
        found.append(word)
    return found


def _is_file(word: str) -> bool:
    return (
        "$" not in word.replace("${{", "") and bool(_GLOB.match(word)) and ("/" in word or "." in word or "*" in word)
    )


def _npm(place: Place) -> Iterator[Found]:
    """`npm publish` asks for provenance."""
    for step, path in steps_of(place):
        if step.run is None or "publish" not in step.does or "npm" not in place.release.publishes_to:
            continue
        asked = any(
            "PROVENANCE" in str(place.document.get(p)) for p in (("env",), (*place.path, "env"), (*path, "env"))
        )
        new = _NPM.sub(r"\1\2publish --provenance", step.run)
        if new == step.run or asked:
            continue
        rights = _rights(place, ("id-token",))
        if isinstance(rights, str):
            yield Declined("npm-provenance", step.source, rights)
            continue
        yield Fix(
            "npm-provenance", step.source, f"job {place.job.id}: npm publishes with provenance",
            "npm makes provenance of the run, signs it with the workflow's identity and shows it at the package",
            (ReplaceText((*path, "run"), step.run, new), *rights),
        )  # fmt: skip


def _permissions(place: Place) -> Iterator[Found]:
    """A job that makes provenance with the workflow's identity must be allowed to ask for it."""
    job, provenance = place.job, place.release.provenance
    if job.can_sign is not False or provenance is None or provenance.generated is not None:
        return
    if job.attests is not True and not (provenance.generator or "").startswith("npm --provenance"):
        return
    scopes = ("id-token", "attestations") if (provenance.generator or "").startswith(ATTEST) else ("id-token",)
    rights = _rights(place, scopes)
    if isinstance(rights, str):
        yield Declined("permissions", job.source, rights)
    elif rights:
        yield Fix(
            "permissions", job.source, f"job {job.id} may ask for the identity that signs its provenance",
            "without `id-token: write` the provenance cannot be signed, and the step fails",
            tuple(rights),
        )  # fmt: skip


def _rights(place: Place, scopes: tuple[str, ...]) -> list[Change] | str:
    """What gives the job `write` on these scopes and takes nothing from it; a text where that cannot be told."""
    own = place.document.get((*place.path, "permissions"))
    shared = place.document.get(("permissions",))
    if isinstance(own, dict):
        return [SetKey((*place.path, "permissions"), one, "write") for one in scopes if own.get(one) != "write"]
    if own == "write-all" or (own is None and shared == "write-all"):
        return []
    if own is not None or (shared is not None and not isinstance(shared, dict)):
        return f"job {place.job.id} has its permissions by one word; name them one by one first"
    if isinstance(shared, dict):
        wanted = {**shared, **dict.fromkeys(scopes, "write")}
        return [SetKey(place.path, "permissions", wanted, after=_behind(place))] if wanted != shared else []
    unread = [one for step in place.job.steps or () for one in step.does if one.startswith("unread")]
    if unread:
        return (
            f"job {place.job.id} names no permissions, and what its steps need cannot be told; "
            "name them first, then run this again"
        )
    writes = any("publish" in step.does for step in place.job.steps or ())
    wanted = {"contents": "write" if writes and "GitHub release" in place.release.publishes_to else "read"}
    if "container registry" in place.release.publishes_to:
        wanted["packages"] = "write"
    return [SetKey(place.path, "permissions", {**wanted, **dict.fromkeys(scopes, "write")}, after=_behind(place))]


def _behind(place: Place) -> str:
    return "runs-on" if place.document.get((*place.path, "runs-on")) is not None else "uses"
