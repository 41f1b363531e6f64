"""GitLab jobs with what they inherit: `extends`, `!reference`, `default:` and variables, as GitLab resolves them.

Steps (each tagged in the code):
    1. `extends`: parents in order, the later winning, then the job itself; mappings merge, all else is replaced
    2. `!reference`: what it names in the configuration, resolved in turn
    3. `default:` (and the old global keywords): whole values for keys that the job lacks, as far as `inherit` lets it
    4. variables: global under the job's own
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from assess._yaml import Node
from assess.pipelines._gitlab_config import Files, flag, merge
from assess.pipelines._values import words

MAX_EXTENDS = 11
MAX_REFERENCES = 10
MAX_ITEMS = 5_000
UNRESOLVED = "!unresolved"
"""Tag of a value that a `!reference` should have put there."""

RESERVED = frozenset(
    {"default", "include", "spec", "stages", "types", "variables", "workflow", "image", "services", "cache",
     "before_script", "after_script", "$schema", "pages:deploy"}
)  # fmt: skip
DEFAULTS = (
    "image", "services", "before_script", "after_script", "cache", "artifacts", "tags", "retry", "timeout",
    "interruptible", "id_tokens", "hooks", "identity",
)  # fmt: skip
_OLD_GLOBALS = frozenset({"image", "services", "cache", "before_script", "after_script"})


@dataclass(slots=True)
class Config:
    """A whole configuration: the merged root, and its jobs when asked for."""

    files: Files
    root: Node
    extended: dict[str, Node] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)
    """Jobs that extend something which is not here."""

    def names(self) -> Iterator[tuple[Node, Node]]:
        """(key, value) of every job that can run, in the order of the file."""
        for key, node in self.root.items():
            name = key.text
            if name in RESERVED or name.startswith("."):
                continue
            if node.kind != "mapping":
                self.files.note(key.source, f"job {name[:60]!r} is not a mapping")
                continue
            yield key, node

    def job(self, name: str) -> Node:
        """A job with its parents merged in, references and defaults resolved."""
        node = self._extend(name, ())
        if self.files.references:
            node = self._resolve(node, 0)
        return self._with_defaults(node)

    def resolved(self, node: Node | None) -> Node | None:
        """A value outside any job with its references resolved."""
        return self._resolve(node, 0) if node is not None and self.files.references else node

    def _extend(self, name: str, stack: tuple[str, ...]) -> Node:
        # 1. extends
        if name in self.extended:
            return self.extended[name]
        node: Node = self.root.value[name]
        parents = words(node.get("extends")) if node.kind == "mapping" else ()
        made: Node | None = None
        for parent in parents:
            problem = self._problem(name, parent, stack)
            if problem is not None:
                self.files.note(node.value["extends"].source, problem)
                self.incomplete.add(name)
                continue
            above = self._extend(parent, (*stack, name))
            if parent in self.incomplete:
                self.incomplete.add(name)
            made = above if made is None else merge(made, above)
        result = node if made is None else replace(merge(made, node), line=node.line, column=node.column)
        if parents:
            result = replace(result, value={key: value for key, value in result.value.items() if key != "extends"})
        self.extended[name] = result
        return result

    def _problem(self, name: str, parent: str, stack: tuple[str, ...]) -> str | None:
        if parent == name or parent in stack:
            return f"job {name[:60]!r} extends itself through {parent[:60]!r}"
        if len(stack) >= MAX_EXTENDS - 1:
            return f"job {name[:60]!r} is nested more than {MAX_EXTENDS} levels deep"
        above = self.root.get(parent)
        if above is None or parent in RESERVED:
            return f"job {name[:60]!r} extends {parent[:60]!r}, which is not here"
        return None if above.kind == "mapping" else f"job {name[:60]!r} extends {parent[:60]!r}, which is no mapping"

    def _resolve(self, node: Node, depth: int) -> Node:
        # 2. references
        if node.tag == "!reference":
            return self._reference(node, depth)
        if node.kind == "sequence":
            items = tuple(self._resolve(one, depth) for one in node.value)
            same = all(new is old for new, old in zip(items, node.value, strict=True))
            return node if same else replace(node, value=items)
        if node.kind == "mapping":
            values = {key: self._resolve(value, depth) for key, value in node.value.items()}
            same = all(values[key] is node.value[key] for key in values)
            return node if same else replace(node, value=values)
        return node

    def _reference(self, node: Node, depth: int) -> Node:
        names = words(node)
        found = self._named(names) if depth < MAX_REFERENCES else None
        if found is None:
            shown = ", ".join(names)[:100]
            why = "is nested too deeply" if depth >= MAX_REFERENCES else "names nothing that is here"
            self.files.note(node.source, f"`!reference [{shown}]` {why}")
            return Node("scalar", None, node.path, node.line, node.column, tag=UNRESOLVED)
        return self._resolve(found, depth + 1)

    def _named(self, names: tuple[str, ...]) -> Node | None:
        if not names or self.root.get(names[0]) is None:
            return None
        node: Node | None = self._extend(names[0], ()) if names[0] not in RESERVED else self.root.value[names[0]]
        for name in names[1:]:
            if node is not None and node.tag == "!reference":
                node = self._resolve(node, 1)
            node = node.get(name) if node is not None else None
        return node

    def _with_defaults(self, node: Node) -> Node:
        # 3. defaults
        inherit = node.get("inherit")
        chosen = inherit.get("default") if inherit is not None else None
        if chosen is not None and flag(chosen, None) is False:
            return node
        only = frozenset(words(chosen)) if chosen is not None and chosen.kind == "sequence" else None
        default = self.root.get("default")
        values, keys = dict(node.value), dict(node.keys or {})
        for name in DEFAULTS:
            if name in values or (only is not None and name not in only):
                continue
            for place in (default, self.root if name in _OLD_GLOBALS else None):
                value = place.get(name) if place is not None else None
                if place is not None and value is not None:
                    values[name] = self._resolve(value, 0)
                    keys[name] = (place.keys or {})[name]
                    break
        return replace(node, value=values, keys=keys)

    def variables(self, job: Node | None, outer: Mapping[str, Node]) -> dict[str, Node]:
        """The variables in effect, by name: `outer` (a parent pipeline's) over global ones, the job's own over both."""
        # 4. variables
        found: dict[str, Node] = {}
        inherit = job.get("inherit") if job is not None else None
        chosen = inherit.get("variables") if inherit is not None else None
        only = frozenset(words(chosen)) if chosen is not None and chosen.kind == "sequence" else None
        if chosen is None or flag(chosen, None) is not False:
            inherited = {**_values(self.resolved(self.root.get("variables"))), **outer}
            found = {name: node for name, node in inherited.items() if only is None or name in only}
        if job is not None:
            found.update(_values(job.get("variables")))
        return found


def _values(node: Node | None) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for key, value in node.items() if node is not None else ():
        inner = value.get("value") if value.kind == "mapping" else value
        if inner is not None and inner.kind == "scalar":
            found[key.text] = inner
    return found


def flat(node: Node | None) -> list[Node]:
    """The commands of a script: a scalar, or lists in lists of them as references and anchors make them."""
    if node is None:
        return []
    found: list[Node] = []
    waiting = [node]
    while waiting and len(found) < MAX_ITEMS:
        one = waiting.pop()
        if one.kind == "sequence":
            waiting += reversed(one.value)
        else:
            found.append(one)
    return found
