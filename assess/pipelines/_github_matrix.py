"""A GitHub job's matrix: how many times it runs, and which values `matrix.name` has, where the file itself says so."""

from __future__ import annotations

import json
from collections.abc import ItemsView
from itertools import product
from math import prod

from assess import _yaml
from assess._frozen import frozen
from assess._yaml import Node
from assess.pipelines import _expressions as expressions
from assess.pipelines._expression_values import outcomes
from assess.pipelines._expressions import Context

MAX_ROWS = 256
"""GitHub's own limit of jobs per matrix."""
MAX_VALUES = 200
MAX_WEIGHT = 2_000


@frozen
class Matrix:
    """`own` lists of values by lower-case name, `include`, and all combinations; None where it cannot be told."""

    own: dict[str, Node]
    include: tuple[Node, ...] | None
    rows: tuple[dict[str, Node], ...] | None

    @property
    def variants(self) -> int | None:
        """How many times the job runs."""
        return None if self.rows is None else len(self.rows)

    def values(self, context: Context) -> frozenset[str] | None:
        """All values of `matrix.name[.field]`, "" where a combination has none; None where they cannot be told."""
        found = self.texts(context)
        return None if found is None or any("${{" in text for text in found) else found

    def texts(self, context: Context) -> frozenset[str] | None:
        """The same as written, which may hold expressions."""
        if context.path[0] != "matrix" or len(context.path) < 2:
            return None
        found = [_field(value, context.path[2:]) for value in self._nodes(context.path[1]) or (None,)]
        return None if None in found else frozenset(text for text in found if text is not None)

    def _nodes(self, name: str) -> list[Node | None] | None:
        """The values of one name over all combinations; an absent one is an empty scalar."""
        empty = Node("scalar", None, "", 1, 1)
        if self.rows is not None:
            return [row.get(name, empty) for row in self.rows]
        base = self.own.get(name)
        if self.include is None or base is None or base.kind != "sequence":
            return None
        return [*base, *(value for row in self.include for key, value in row.value.items() if key.lower() == name)]


NONE = Matrix({}, (), ({},))


def read_matrix(job: Node) -> Matrix:
    """The matrix of a job; one empty combination without any."""
    strategy = job.get("strategy")
    node = strategy.get("matrix") if strategy is not None else None
    if strategy is not None and strategy.kind != "mapping":
        return Matrix({}, None, None)
    if node is None:
        return NONE
    if node.kind != "mapping":
        return Matrix({}, None, None)
    own = {key.lower(): value for key, value in node.value.items()}
    include, exclude = _rows(own.pop("include", None)), _rows(own.pop("exclude", None))
    return Matrix(own, include, _combinations(own, include, exclude))


def _rows(node: Node | None) -> tuple[Node, ...] | None:
    if node is None:
        return ()
    rows = tuple(node)
    whole = node.kind == "sequence" and len(rows) <= MAX_ROWS and all(row.kind == "mapping" for row in rows)
    return rows if whole else None


def _combinations(
    own: dict[str, Node], include: tuple[Node, ...] | None, exclude: tuple[Node, ...] | None
) -> tuple[dict[str, Node], ...] | None:
    if include is None or exclude is None or any(one.kind != "sequence" for one in own.values()):
        return None
    if prod(len(one.value) for one in own.values()) > MAX_ROWS:
        return None
    if sum(one.weight for one in (*own.values(), *include, *exclude)) > MAX_WEIGHT:
        return None
    made = [dict(zip(own, values, strict=True)) for values in product(*own.values())] if own else []
    told = {id(value): _json(value) for one in own.values() for value in one}
    leave = [{key.lower(): _json(value) for key, value in row.value.items()}.items() for row in exclude]
    rows = made if not leave else [row for row in made if not any(_told(row, told) >= one for one in leave)]
    original = [_told(row, told) for row in rows] if include else []
    for row in include:
        added = {key.lower(): value for key, value in row.value.items()}
        wanted = {key: _json(value) for key, value in added.items() if key in own}.items()
        fitting = [at for at, one in enumerate(original) if wanted <= one]
        for at in fitting:
            rows[at].update(added)
        if not fitting:
            rows.append(added)
    return tuple(rows) if rows else ({},) if not own else None


def _told(row: dict[str, Node], told: dict[int, str]) -> ItemsView[str, str]:
    return {key: told[id(value)] for key, value in row.items()}.items()


def _json(node: Node) -> str:
    return json.dumps(_yaml.plain(node), sort_keys=True, default=str)


def _field(value: Node | None, path: tuple[str, ...]) -> str | None:
    for step in path:
        if value is None or value.kind != "mapping":
            return "" if value is not None and value.value is None else None
        value = next((item for key, item in value.value.items() if key.lower() == step), None)
        if value is None:
            return ""
    return value.text if value is not None and value.kind == "scalar" else None


def possible(text: str, matrix: Matrix) -> frozenset[str] | None:
    """All values that a text with `${{ }}` may have with what the matrix says; None where that cannot be told."""
    values = frozenset({""})
    at = 0
    for start, end in expressions.places(text):
        tree = expressions.parse(text[start + 3 : end - 2])
        found = None if tree is None else outcomes(tree, matrix.values)
        if found is None or len(values) * len(found) > MAX_VALUES:
            return None
        values = frozenset(value + text[at:start] + one for value in values for one in found)
        at = end
    return frozenset(value + text[at:] for value in values)
