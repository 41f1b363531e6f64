"""Other tools' findings (SARIF 2.1.0) as evidence of the configured reading; never a reason to trust.

What a tool's rule means for the level stands in `levels/sarif-map.yaml`. A result that is not listed there, or lies
outside every release path, is counted and told, and does nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import unquote, urlsplit

from assess import _yaml
from assess._data import data_path
from assess.attestations._json import Limits, read_json
from assess.audit import Audit
from assess.errors import ConfigError, InputError
from assess.evidence import Evidence, Imported, Pipeline, Source

LIMITS = Limits(size=64 * 1024 * 1024, depth=64, nodes=4_000_000)
MAX_RESULTS = 10_000
"""Of one file; the rest is counted."""
MAX_TEXT = 400
NOT_LISTED = "not listed"


@dataclass(frozen=True, slots=True)
class SarifMap:
    """`(tool, rule) -> audit.id/case`; None for rules that have no bearing on a level."""

    rules: dict[tuple[str, str], str | None]
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SarifRead:
    """The findings of one file, and what a reader must be told of the rest: (kind, how many, names)."""

    imported: tuple[Imported, ...]
    told: str


@cache
def load_map() -> SarifMap:
    """What comes with the tool. Raises ConfigError where the file is not in form."""
    path = data_path("levels") / "sarif-map.yaml"
    root = _yaml.load(path.read_bytes(), str(path))
    plain: Any = _yaml.plain(root)
    try:
        tools = plain["tools"]
        rules = {(tool, rule): case for tool, one in tools.items() for rule, case in one["rules"].items()}
        rules |= {(tool, rule): None for tool, one in tools.items() for rule in one.get("beside", ())}
    except (KeyError, TypeError, AttributeError) as problem:
        raise ConfigError(f"not a map of SARIF rules ({problem})", str(path)) from None
    return SarifMap(rules, tuple(tools))


def check_map(known: SarifMap, audits: Iterable[Audit]) -> tuple[str, ...]:
    """The cases that the map names and no audit has."""
    cases = {f"{one.id}/{case.id}" for one in audits for case in one.cases}
    return tuple(sorted({case for case in known.rules.values() if case is not None and case not in cases}))


def read_sarif(data: bytes, path: str, project: Evidence) -> SarifRead:
    """The findings of a SARIF file, placed in the project's pipelines.

    Raises InputError with `path#/pointer` for what is no SARIF 2.1.0, or is larger than anybody's findings are.
    """
    raw: Any = read_json(data, path, LIMITS)
    if not isinstance(raw, dict) or not isinstance(raw.get("runs"), list):
        raise InputError("not a SARIF file (it has no `runs`)", path, "give what the tool writes with --format sarif")
    if raw.get("version") != "2.1.0":
        raise InputError(f"SARIF 2.1.0 expected (got version {str(raw.get('version'))[:40]!r})", f"{path}#/version")
    counts: Counter[str] = Counter()
    unlisted: Counter[str] = Counter()
    found: dict[Imported, None] = {}
    places = _Places(project)
    rows = _results(raw["runs"], path, counts)
    for tool, rule, result in islice(rows, MAX_RESULTS):
        counts["results"] += 1
        listed, audit = _audit(load_map(), tool, rule)
        if not listed:
            unlisted[f"{tool} {rule}"] += 1
        for source in _sources(result, path):
            one = places.placed(source, tool, rule, _text(result), audit)
            counts["on"] += audit is not None and one.on_path is True
            counts["off"] += audit is not None and one.on_path is False
            counts["unsure"] += audit is not None and one.on_path is None
            found[one] = None
        counts["beside"] += listed and audit is None
    counts["more"] = sum(1 for _ in rows)
    return SarifRead(tuple(found), _told(path, counts, unlisted))


def _told(path: str, counts: Counter[str], unlisted: Counter[str]) -> str:
    words = [f"{path}: {counts['results']} results taken in, {counts['on']} of them on release paths"]
    if counts["unsure"]:
        words.append(f"{counts['unsure']} perhaps on one")
    if counts["off"]:
        words.append(f"{counts['off']} elsewhere")
    if counts["beside"]:
        words.append(f"{counts['beside']} without bearing on a level")
    if counts["passed"]:
        words.append(f"{counts['passed']} suppressed or passed")
    if counts["more"]:
        words.append(f"{counts['more']} more not read")
    if unlisted:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(unlisted.items())[:8])
        more = f" and {len(unlisted) - 8} more" if len(unlisted) > 8 else ""
        words.append(f"{sum(unlisted.values())} of rules that no audit is listed for: {names}{more}")
    return ", ".join(words)


def _results(runs: list[Any], path: str, counts: Counter[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(tool, rule, result) of everything that failed and is not suppressed."""
    for number, run in enumerate(runs):
        driver = _at(run, "tool", "driver")
        if not isinstance(driver, dict) or not isinstance(driver.get("name"), str):
            raise InputError("a run names no tool", f"{path}#/runs/{number}/tool/driver/name")
        version = driver.get("semanticVersion") or driver.get("version") or ""
        tool = f"{driver['name']} {version}".strip()[:80]
        results = run.get("results")
        for at, result in enumerate(results if isinstance(results, list) else ()):
            if not isinstance(result, dict):
                raise InputError("a result is no object", f"{path}#/runs/{number}/results/{at}")
            silent = result.get("kind") in ("pass", "notApplicable") or result.get("baselineState") == "absent"
            if silent or result.get("suppressions"):
                counts["passed"] += 1
                continue
            yield tool, _rule(result, driver), result


def _rule(result: dict[str, Any], driver: dict[str, Any]) -> str:
    rule = result.get("ruleId") or _at(result, "rule", "id")
    index = result.get("ruleIndex", _at(result, "rule", "index"))
    rules = driver.get("rules")
    if not isinstance(rule, str) and isinstance(index, int) and isinstance(rules, list) and 0 <= index < len(rules):
        rule = _at(rules[index], "id")
    return rule[:120] if isinstance(rule, str) and rule else "(no rule)"


def _audit(known: SarifMap, tool: str, rule: str) -> tuple[bool, str | None]:
    """(the rule is listed, the case that it stands for); `zizmor/cache-poisoning` and `cache-poisoning` are one."""
    name = tool.partition(" ")[0].lower()
    key = (name, rule.removeprefix(f"{name}/"))
    return key in known.rules, known.rules.get(key)


def _text(result: dict[str, Any]) -> str:
    text = _at(result, "message", "text") or _at(result, "message", "markdown")
    return " ".join(text.split())[:MAX_TEXT] if isinstance(text, str) else "(no message)"


def _sources(result: dict[str, Any], path: str) -> Iterator[Source]:
    """The places of one result; the SARIF file itself where it names none."""
    locations = result.get("locations")
    seen = False
    for one in islice(locations if isinstance(locations, list) else (), 20):
        uri = _at(one, "physicalLocation", "artifactLocation", "uri")
        if not isinstance(uri, str) or not uri:
            continue
        line = _at(one, "physicalLocation", "region", "startLine")
        column = _at(one, "physicalLocation", "region", "startColumn")
        seen = True
        yield Source(_file(uri), _number(line), _number(column))
    if not seen:
        yield Source(path)


def _number(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 10_000_000 else None


def _file(uri: str) -> str:
    """The path of an artifact's URI, however it is written: `file:///x/y.yml`, `./y.yml`, `y%20z.yml`, `x\\\\y.yml`."""
    try:
        path = urlsplit(uri).path if uri.startswith("file:") else uri
    except ValueError:
        path = uri
    return unquote(path).replace("\\", "/").removeprefix("./")[:1_000]


def _at(value: object, *names: str) -> Any:
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


class _Places:
    """Where the release paths' jobs and definitions stand in the project's files."""

    def __init__(self, project: Evidence) -> None:
        releasing = {one.pipeline for one in project.releases or ()}
        self.path_jobs = {(one.pipeline, one.id) for one in project.path_jobs or () if one.on_path}
        self.spans: dict[str, list[tuple[int, str, str]]] = {}
        self.files: dict[str, dict[str, None]] = {}
        self.unread = {one.source.path for one in project.pipelines or () if one.understood == "unreadable"}
        for pipeline in project.pipelines or ():
            if pipeline.source.path in releasing:
                self._add(pipeline)
        for act in project.path_acts or ():
            if act.job is not None:
                self.files.setdefault(act.source.path, {})[act.job.pipeline] = None

    def _add(self, pipeline: Pipeline) -> None:
        name = pipeline.source.path
        self.files.setdefault(name, {})[name] = None
        for job in pipeline.jobs or ():
            self.files.setdefault(job.source.path, {})[name] = None
            self.spans.setdefault(job.source.path, []).append((job.source.line or 0, name, job.id))

    def placed(self, source: Source, tool: str, rule: str, text: str, audit: str | None) -> Imported:
        """A result at its place in the project; the file is found by its path or the end of it."""
        name = next((one for one in self.files if source.path == one or source.path.endswith(f"/{one}")), None)
        if name is None:
            unread = any(source.path == one or source.path.endswith(f"/{one}") for one in self.unread)
            return Imported(source, tool, rule, text, audit, None if unread else False)
        place = Source(name, source.line, source.column)
        return Imported(place, tool, rule, text, audit, self._on_path(place), tuple(self.files[name]))

    def _on_path(self, place: Source) -> bool | None:
        spans = self.spans.get(place.path)
        if spans is None:
            return True  # an action or script that jobs of the path run
        if place.line is None:
            return None
        before = [one for one in spans if one[0] <= place.line]
        if not before:
            return True  # above all jobs: it holds for each
        line = max(one[0] for one in before)
        return any((pipeline, job) in self.path_jobs for at, pipeline, job in before if at == line)
