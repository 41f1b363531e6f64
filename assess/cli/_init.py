"""`init`: a commented slsa-assess.yaml from what is found in a folder."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from assess.cli._common import Debug, out, say
from assess.errors import ConfigError, NoInputError

Folder = Annotated[Path, typer.Argument(metavar="[PATH]", help="Folder of the project.", show_default=False)]
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
    if not path.is_dir():
        raise NoInputError("there is no such folder", str(path), "name the folder of the project")
    target = path / PROJECT_FILE
    text = _project_text(path)
    if print_it:
        out(text)
        return
    if target.exists() and not force:
        raise ConfigError("the project file is there already", str(target), "use --force to replace it, or --print")
    write_files(((target, text),))
    say(f"wrote {target}; next: slsa-assess check {path}")


def _project_text(folder: Path) -> str:
    name = folder.resolve().name
    source = _source_uri(folder)
    artifacts = _artifacts(folder)
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
    return text if re.fullmatch(r"[A-Za-z][\w./@-]*", text) else json.dumps(text)


def _artifacts(folder: Path) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for name in _FOLDERS:
        place = folder / name
        if not place.is_dir():
            continue
        files = sorted(file for file in place.iterdir() if file.is_file())
        for file in files:
            if file.name.endswith(_ARTIFACTS):
                beside = [str(one.relative_to(folder)) for one in files if one.name.startswith(f"{file.name}.")]
                found.append((str(file.relative_to(folder)), beside))
    return found[:_MOST]


def _source_uri(folder: Path) -> str | None:
    """`host/owner/name` of the git remote `origin`, without credentials; None where it cannot be told."""
    try:
        config = (folder / ".git" / "config").read_text(encoding="utf-8", errors="replace")[:100_000]
    except OSError:
        return None
    section = re.search(r'\[remote "origin"\]([^\[]*)', config)
    url = re.search(r"^\s*url\s*=\s*(\S+)\s*$", section.group(1), re.MULTILINE) if section else None
    match = re.fullmatch(r"(?:\w+://)?(?:[^@/]+@)?([\w.-]+)[:/]([\w./-]+?)(?:\.git)?/?", url.group(1)) if url else None
    return f"{match.group(1)}/{match.group(2)}" if match else None
