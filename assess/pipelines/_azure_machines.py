"""What the jobs of an Azure pipeline run on: pools, their labels through a matrix, containers and services."""

from __future__ import annotations

from collections.abc import Iterator

from assess._yaml import Node
from assess.evidence import RunnerKind
from assess.pipelines._azure_expand import alternatives
from assess.pipelines._azure_steps import Around
from assess.pipelines._draft import Draft
from assess.pipelines._values import scalars, text

_WORST: tuple[RunnerKind | None, ...] = ("self-hosted", "unknown", None, "hosted")


def runner(pool: Node | None, job: Node) -> tuple[RunnerKind | None, str | None]:
    """(kind, label) of a pool: `vmImage` is Microsoft's; a named pool is anybody's; none is a setting not seen here."""
    found = [one for each in alternatives(pool) for one in _pools(each, job)]
    kind = next((worst for worst in _WORST if worst in {one for one, _ in found}), None) if found else None
    return kind, " | ".join(dict.fromkeys(label for _, label in found if label)) or None


def _pools(pool: Node, job: Node) -> Iterator[tuple[RunnerKind | None, str]]:
    if pool.kind == "scalar":
        yield _named(pool.text), pool.text
        return
    labels = alternatives(pool.get("vmImage"))
    names = [one for one in alternatives(pool.get("name")) if one.text != "Azure Pipelines"]
    for one in names:
        image = text(pool.get("image"))
        yield _named(one.text), f"{one.text}, {image}" if image else one.text
    for one in labels if not names else ():
        values = _matrix(one.text, job)
        for value in values:
            yield (None if "$" in value else "hosted"), value


def _named(name: str) -> RunnerKind | None:
    if "$" in name:
        return None
    return "hosted" if name in {"Azure Pipelines", "server"} or name.startswith("Hosted ") else "unknown"


def _matrix(label: str, job: Node) -> list[str]:
    """A label, or all that it may be where it is a variable of a matrix that is written out: `$(imageName)`."""
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if strategy is not None else None
    name = label.removeprefix("$(").removesuffix(")")
    if not label.startswith("$(") or matrix is None or matrix.kind != "mapping":
        return [label]
    values = [text(row.get(name)) for _, row in matrix.items()]
    return [one if one is not None else label for one in dict.fromkeys(values)] or [label]


def images(around: Around, draft: Draft, node: Node) -> None:
    """The containers and services of a job, as images that it uses."""
    for container in alternatives(node.get("container")):
        image = (
            container.get("image") if container.kind == "mapping" else around.containers.get(container.text, container)
        )
        if image is None:
            draft.images_unknown = True
            continue
        for value in _matrix(image.text, node):
            draft.image(image, "job", value)
        if container.kind == "mapping" and (endpoint := container.get("endpoint")) is not None:
            draft.secret(endpoint.source, endpoint.text)
    services = node.get("services")
    for _, one in services.items() if services is not None else ():
        for scalar in scalars(one):
            draft.image(around.containers.get(scalar.text, scalar), "service")
