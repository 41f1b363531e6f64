"""`init`: a commented slsa-assess.yaml from what is found in a folder."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from assess.cli._common import Debug, out, say
from assess.errors import AssessError, ConfigError, NoInputError
from assess.files import ATTESTATION_LIMIT, OWN_LIMIT, read_file

Folder = Annotated[
    Path, typer.Argument(metavar="PATH", help="Folder of the project.", show_default=False, readable=False)
]
Force = Annotated[bool, typer.Option("--force", help="Replace a project file that is there.")]
Stdout = Annotated[bool, typer.Option("--print", help="Print the file instead of writing it.")]
Schema = Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the project file and stop.")]

_FOLDERS = ("dist", "build", "out", "release", "target", ".")
_ARTIFACTS = (".whl", ".tar.gz", ".tgz", ".zip", ".jar", ".deb", ".rpm", ".gem", ".crate", ".nupkg", ".exe", ".apk")
_MOST = 20


def init(
    path: Folder = Path(), force: Force = False, print_it: Stdout = False, schema: Schema = False, debug: Debug = False
) -> None:
    """Write a commented slsa-assess.yaml from what the folder holds; never overwrites without --force."""
    from assess.files import PROJECT_FILE, write_files

    if schema:
        from assess.project import project_schema

        out(json.dumps(project_schema(), indent=2) + "\n")
        return
    if not os.path.isdir(path):  # noqa: PTH112  (Path.is_dir raises for an overlong name)
        raise NoInputError("there is no such folder", str(path), "name the folder of the project")
    target = path / PROJECT_FILE
    text = _project_text(path)
    if print_it:
        out(text)
        return
    if os.path.lexists(target) and not force:
        raise ConfigError("the project file is there already", str(target), "use --force to replace it, or --print")
    write_files(((target, text),), "project file")
    say(f"wrote {target}; next: slsa-assess check {path}")


def _project_text(folder: Path) -> str:
    name = folder.resolve().name
    name = name if _is_utf8(name) else "project"
    source = _source_uri(folder)
    artifacts, left_out = _artifacts(folder)
    workflows = sorted(folder.glob(".github/workflows/*.y*ml")) if (folder / ".github/workflows").is_dir() else []
    lines = [
        "# What slsa-assess reads: https://slsa.dev/spec/v1.2/ says what the levels mean.",
        "version: 1",
        f"name: {_quoted(name)}",
        "",
        f"# Pipelines are read from this folder ({len(workflows)} GitHub workflow(s) found); they need no entry here.",
        "",
        "# The level belongs to artifacts. Attestations prove it; they are matched by digest.",
    ]
    if artifacts:
        lines.append("artifacts:")
        for artifact, attestations in artifacts:
            lines.append(f"  - path: {_quoted(artifact)}")
            if attestations:
                lines.append(f"    attestations: [{', '.join(map(_quoted, attestations))}]")
            else:
                lines.append("    # attestations: [none was found beside it]")
        if left_out:
            lines.append(f"  # left out: {left_out} more (only {_MOST} are listed, and only names that are UTF-8)")
    else:
        lines += ["# artifacts:", "#   - path: dist/app.tar.gz", "#     attestations: [dist/app.tar.gz.sigstore.json]"]
    lines += [
        "",
        "# What the attestation must say. A mismatch never changes the level; it fails the gate.",
        "expectations:" if source else "# expectations:",
        f"  source_uri: {_quoted(source)}" if source else "#   source_uri: github.com/owner/name",
        "#   source_tag: v1.2.3",
        "",
        "# Exit code 1 below this level.",
        "# gate:",
        "#   min_level: {build: 2}",
        "",
        "# Answers of named persons make up the declared reading (`slsa-assess explain ID` shows the questions).",
        "# answers:",
        "#   - {question: control-plane.generates-provenance, answer: yes, by: Ada Example, date: 2026-01-31}",
        "",
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A YAML scalar that stays text whatever is in it."""
    if re.fullmatch(r"[A-Za-z][\w./@-]*", text, re.ASCII) and text.lower() not in _NOT_TEXT:
        return text
    escaped = (one if one.isprintable() and one not in '"\\' else f"\\U{ord(one):08x}" for one in text)
    return f'"{"".join(escaped)}"'


_NOT_TEXT = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


def _artifacts(folder: Path) -> tuple[list[tuple[str, list[str]]], int]:
    """(artifact, attestations beside it) as paths from `folder`; and how many artifacts were left out."""
    found: list[tuple[str, list[str]]] = []
    nameless = 0
    for name in _FOLDERS:
        try:
            files = sorted(file for file in (folder / name).iterdir() if file.is_file())
        except OSError:
            continue
        for file in files:
            if not file.name.endswith(_ARTIFACTS):
                continue
            beside = [one for one in files if one.name.startswith(f"{file.name}.")]
            attestations = [str(one.relative_to(folder)) for one in beside if _is_utf8(one.name) and _attests(one)]
            if _is_utf8(file.name):
                found.append((str(file.relative_to(folder)), attestations))
            else:
                nameless += 1
    return found[:_MOST], nameless + max(0, len(found) - _MOST)


def _is_utf8(name: str) -> bool:
    """Names that are not are surrogates in Python, which no YAML file can hold."""
    return not any("\ud800" <= one <= "\udfff" for one in name)


def _attests(file: Path) -> bool:
    """Whether `check` could read it, told by content: checksums and detached signatures lie beside artifacts too."""
    from assess.attestations.containers import open_attestations

    try:
        return bool(open_attestations(read_file(file, ATTESTATION_LIMIT, "attestation"), str(file)))
    except AssessError:
        return False


def _source_uri(folder: Path) -> str | None:
    """`host/owner/name` of the git remote `origin`, without credentials; None where it cannot be told."""
    try:
        config = read_file(folder / ".git" / "config", OWN_LIMIT, "git configuration").decode(errors="replace")
    except AssessError:
        return None
    section = re.search(r'\[remote "origin"\]([^\[]*)', config)
    url = re.search(r"^\s*url\s*=\s*(\S+)\s*$", section.group(1), re.MULTILINE) if section else None
    match = re.fullmatch(r"(?:\w+://)?(?:[^@/]+@)?([\w.-]+)[:/]([\w./-]+?)(?:\.git)?/?", url.group(1)) if url else None
    return f"{match.group(1)}/{match.group(2)}" if match else None
