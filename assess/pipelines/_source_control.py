"""Files that say how the source is controlled: code owners, rulesets, settings as code, gittuf and source-tool.

Hints only (SLSA 1.2 Source track): a file says what somebody wants, not what the source control system enforces, and
a revision without a verification summary of its system is Source L0. No Source level is taken from here.
"""

from __future__ import annotations

import re

from assess import _yaml
from assess.errors import InputError
from assess.evidence import Note, Source, SourceControl, Unreadable
from assess.pipelines._files import Folder
from assess.pipelines._json_nodes import read_json

MAX_OWNERS = 5_000
MAX_FILES = 500
MAX_WORK = 5_000_000

_OWNERS = (
    (".github/CODEOWNERS", "github"), ("CODEOWNERS", "github"), ("docs/CODEOWNERS", "github"),
    (".gitlab/CODEOWNERS", "gitlab"),
)  # fmt: skip
_SETTINGS = r"\.github/(?:settings|branch-protection[\w.-]*|suborgs/[\w.-]+|repos/[\w.-]+)\.ya?ml\Z"
_ALLSTAR = r"(?:\.allstar|\.github/\.allstar|allstar)/[\w.-]+\.ya?ml\Z|\A\.allstar/"
_RULESET = r"(?i)(?:\A|/)\.github/(?:[\w.-]+/)*[\w.-]+\.json\Z|ruleset[\w./-]*\.json\Z"
_EVERYTHING = frozenset({"*", "/**", "**", "/*", "/"})
_PROTECTS = (
    rb'resource\s+"(?:github_(?:branch_protection|repository_ruleset|organization_ruleset|branch_protection_v3)'
    rb"|gitlab_(?:branch_protection|tag_protection|project_approval_rule|project_level_mr_approvals)"
    rb'|azuredevops_branch_policy_\w+)"'
)
_SECTION = r"\s*(\^)?\[([^\]]+)\](?:\[\d+\])?\s*(.*)"
_SOURCE_TOOLS = re.compile(
    r"slsa-framework/(?:source-actions|source-tool|slsa-source-poc)\b[\w./@-]*|\bgittuf/[\w./@-]+|\bsourcetool\s+\w+"
    r"|\bgittuf\s+(?:rsl|trust|policy|verify-ref)\b|refs/gittuf/\w+"
)


def read_source_control(
    folder: Folder, pipelines: tuple[str, ...]
) -> tuple[tuple[SourceControl, ...], tuple[Unreadable, ...]]:
    """Every hint in the project, by place; and the files that look like one and could not be read.

    `pipelines` are the paths of the pipeline files, which code owners should cover. Raises no error for bad files.
    """
    found: list[SourceControl] = []
    unreadable: list[Unreadable] = []
    try:
        names = folder.walk()
    except InputError as error:
        return (), (Unreadable(Source(error.place or "."), error.message),)
    owners = next((one for one in _OWNERS if one[0] in names), None)
    candidates = [name for name in names if _kind(name)][:MAX_FILES]
    for name in candidates:
        try:
            found += _read(folder, name)
        except InputError as error:
            if not name.endswith(".json") or "ruleset" in name.lower():
                unreadable.append(Unreadable(_place(error, name), error.message))
    for name, system in (owners,) if owners is not None else ():
        try:
            data = folder.read(name) or b""
        except InputError as error:
            unreadable.append(Unreadable(_place(error, name), error.message))
            continue
        found.append(code_owners(data.decode("utf-8", "replace"), name, system, pipelines))
    for path in pipelines:
        found += _tools(folder, path)
    return tuple(sorted(found, key=lambda one: (one.source.path, one.source.line or 0))), tuple(unreadable)


def _kind(name: str) -> str | None:
    if not name.endswith((".yml", ".yaml", ".json", ".tf")):
        return None
    if name.endswith(".tf"):
        return "terraform"
    if ".github/" not in name and "allstar" not in name and "ruleset" not in name.lower():
        return None
    if re.search(_SETTINGS, name):
        return "settings"
    if re.search(_ALLSTAR, name):
        return "allstar"
    return "ruleset" if re.search(_RULESET, name) else None


def _read(folder: Folder, name: str) -> list[SourceControl]:
    kind = _kind(name)
    data = folder.peek(name, 1_000_000) if kind in {"ruleset", "terraform"} else folder.read(name)
    if data is None:
        return []
    if kind == "terraform":
        if not re.search(_PROTECTS, data):
            return []
        from assess.pipelines._source_terraform import terraform

        return terraform(folder.read(name) or b"", name)
    from assess.pipelines._source_rules import allstar, ruleset, settings

    if kind == "ruleset":
        if b'"rules"' not in data or b'"target"' not in data:
            return []
        return ruleset(read_json(folder.read(name) or b"", name))
    roots = _yaml.read(data, name).roots
    return [one for root in roots for one in (settings(root) if kind == "settings" else allstar(root))]


def _place(error: InputError, path: str) -> Source:
    line = (error.place or "").removeprefix(path).strip(":").split(":")[0]
    return Source(path, int(line) if line.isdigit() else None)


def _tools(folder: Folder, path: str) -> list[SourceControl]:
    """Workflows that make source provenance: source-tool's actions, gittuf."""
    try:
        data = folder.read(path) or b""
    except InputError:
        return []
    found: dict[str, SourceControl] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        tool = None if line.lstrip().startswith("#") else _SOURCE_TOOLS.search(line)
        if tool is not None:
            found.setdefault(
                tool.group(),
                SourceControl(
                    Source(path, number), "source-provenance", requirements=("source-provenance",),
                    notes=(Note(Source(path, number), f"`{tool.group()[:80]}` makes or checks source provenance"),),
                ),
            )  # fmt: skip
    return list(found.values())


def code_owners(text: str, path: str, system: str, pipelines: tuple[str, ...]) -> SourceControl:
    """A CODEOWNERS file: who owns everything, the pipeline files, and the file itself. The last match decides.

    In GitLab's sections each decides by itself, and one owner is enough; optional sections (`^[...]`) own nothing.
    """
    sections: list[list[tuple[str, bool]]] = [[]]
    default, optional, first = False, False, None
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.partition(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        if system == "gitlab" and (section := re.match(_SECTION, line)) is not None:
            sections.append([])
            optional, default = section.group(1) is not None, bool(section.group(3).strip())
            continue
        words = line.replace("\\ ", "\0").split()
        owned = (len(words) > 1 or default) and not optional
        sections[-1].append((words[0].replace("\0", " "), owned))
        first = first or number
        if sum(map(len, sections)) > MAX_OWNERS:
            break
    work = [MAX_WORK]
    every = any(owned and pattern in _EVERYTHING for one in sections for pattern, owned in one)
    missing = tuple(name for name in pipelines if not _owned(sections, name, work))
    itself = _owned(sections, path, work)
    told = ["owners-of-all-files"] if every else []
    told += ["owners-of-pipelines"] if pipelines and not missing else []
    told += ["owners-of-code-owners"] if itself else []
    place = Source(path, first)
    notes = [Note(place, "owners decide nothing unless the branch's protection requires their review")]
    notes += [Note(place, f"no owner of {name}") for name in missing[:20]]
    covers: bool | None = not missing if pipelines else None
    if work[0] <= 0:
        covers, told, notes = None, [], [Note(place, "too many rules and files to be compared")]
    return SourceControl(
        place, "code-owners", system=system, requirements=tuple(told), covers_pipelines=covers, notes=tuple(notes)
    )


def _owned(sections: list[list[tuple[str, bool]]], name: str, work: list[int]) -> bool:
    for one in sections:
        if next((owned for pattern, owned in reversed(one) if matches(pattern, name, work)), False):
            return True
    return False


def matches(pattern: str, name: str, work: list[int]) -> bool:
    """A pattern as `.gitignore` means it, for a file: anchored where it holds a `/` before its end; folders cover all.

    By a table instead of an expression, so that no pattern takes more than its length times the name's; `work` is
    what may be spent on all of them, and is taken from.
    """
    work[0] -= len(pattern) * len(name)
    if work[0] <= 0:
        return False
    anchored = "/" in pattern.rstrip("/")
    plain = pattern.strip("/")
    if not plain or len(plain) > 500:
        return not plain
    parts = name.split("/")
    below = pattern.endswith("/")
    ends = range(1, len(parts)) if below else range(1, len(parts) + 1)
    starts = (0,) if anchored else range(len(parts))
    if "/" not in plain and not anchored:
        return any(_glob(plain, part) for part in (parts[:-1] if below else parts))
    # `dir/*` covers the files right in the folder, all else also what is below
    direct = plain.endswith("/*") and not plain.endswith("**")
    chosen = (len(parts),) if direct else ends
    return any(_glob(plain, "/".join(parts[start:end])) for start in starts for end in chosen if end > start)


def _glob(pattern: str, text: str) -> bool:
    """`*` within a part of the path, `**` across, `?` one character."""
    pieces = re.findall(r"\*\*/?|\*|\?|[^*?]", pattern)
    reached = {0}
    for piece in pieces:
        if piece in {"**", "**/"}:
            reached = set(range(min(reached), len(text) + 1))
        elif piece == "*":
            reached = _within_part(text, reached)
        else:
            fits = [at for at in reached if at < len(text) and _fits(piece, text[at])]
            reached = {at + 1 for at in fits}
        if not reached:
            return False
    return len(text) in reached


def _fits(piece: str, char: str) -> bool:
    return char != "/" if piece == "?" else char == piece


def _within_part(text: str, reached: set[int]) -> set[int]:
    """Every place up to the end of the part of the path in which one of these is."""
    grown: set[int] = set()
    for start in reached:
        end = text.find("/", start)
        grown.update(range(start, (len(text) if end < 0 else end) + 1))
    return grown
