"""What single calls of a Jenkins pipeline say: libraries, parameters, credentials, images of pods, labels of agents."""

from __future__ import annotations

import re

from assess.evidence import ExternalParameter, RunnerKind, Source
from assess.pipelines._groovy_tree import Call, Expression, Items, Raw, Text, calls_in
from assess.pipelines._jenkins_tables import CONTROLLER
from assess.pipelines._reader import Reading
from assess.pipelines._values import Pin, ref_pin


def library(reading: Reading, call: Call, source: Source) -> None:
    """`@Library('a@v1')`, `library 'a'`, `library(identifier: 'a@main')`; its steps cannot be known."""
    if call.name not in {"@Library", "library"}:
        return
    given = call.named("identifier") or call.named("value") or call.first()
    for one in [value for _, value in given.entries] if isinstance(given, Items) else [given]:
        if isinstance(one, Text):
            ref = one.text.partition("@")[2]
            pin: Pin = "unknown" if one.interpolates else ref_pin(ref)
            reading.include(source, one.text, "library", pin, False)
            reading.note(source, f"the shared library `{one.text[:80]}` is not here: its steps are not determinable")


def declared(reading: Reading, call: Call, kind: str) -> None:
    """The parameters that calls such as `string(name: 'X')` declare, wherever they stand inside."""
    for one in calls_in(call):
        name = one.named("name")
        if isinstance(name, Text) and one is not call:
            reading.parameters.append(ExternalParameter(Source(reading.path, one.line), name.text, kind))


def credentials(call: Call) -> list[tuple[str, str, int]]:
    """(credential, variable, line) of all bindings in a call."""
    found: list[tuple[str, str, int]] = []
    for one in calls_in(call, bodies=False):
        named = one.named("credentialsId")
        if isinstance(named, Text):
            keys = ("variable", "passwordVariable", "keyFileVariable", "usernameVariable", "keystoreVariable")
            held = [value.text for key in keys if isinstance(value := one.named(key), Text)]
            found += [(named.text, variable, one.line) for variable in held or [named.text]]
    given = call.named("credentials") or call.first()
    for _, value in given.entries if isinstance(given, Items) else ():
        if isinstance(value, Text):
            found.append((value.text, value.text, value.line))
        if isinstance(value, Items):
            inner = Call("binding", value.line, ((None, value),))
            found += credentials(inner) if inner.named("credentialsId") is not None else []
    return found


def pod_images(call: Call) -> tuple[tuple[str, int], ...]:
    """Images of a pod: `containerTemplate(image: ...)`, or `image:` lines of its YAML."""
    found: list[tuple[str, int]] = []
    for one in calls_in(call, bodies=False):
        image = one.named("image")
        if isinstance(image, Text):
            found.append((image.text, one.line))
    written = call.named("yaml")
    if isinstance(written, Text):
        found += yaml_images(written)
    return tuple(found)


def yaml_images(written: Text) -> list[tuple[str, int]]:
    """The `image:` lines of a pod that is written into the pipeline."""
    found = re.finditer(r"^[ \t-]*image:[ \t]*[\"']?([^\s\"'#]+)", written.text, re.MULTILINE)
    return [(one.group(1), written.line + written.text.count("\n", 0, one.start())) for one in found]


def runner_of(label: Expression | None) -> tuple[RunnerKind | None, str | None]:
    """(kind, label) of a node: Jenkins' own machine, or agents of which no file tells what they are."""
    if label is None:
        return "unknown", "any"
    if not isinstance(label, Text):
        return None, label.text[:80] if isinstance(label, Raw) else None
    if label.interpolates:
        return None, label.text
    return ("self-hosted" if label.text.strip() in CONTROLLER else "unknown"), label.text or "any"


def named(one: Expression | None) -> str:
    return one.text if isinstance(one, Raw) else ""


def owner(call: Call) -> str:
    """The name that a chain of members begins with."""
    root = call.object
    while isinstance(root, Call) and root.object is not None:
        root = root.object
    return named(root)


def chain(call: Call) -> tuple[str, ...]:
    return tuple(one.name.removeprefix(".") for one in calls_in(call, bodies=False) if one.name.startswith("."))


def assignments(one: Expression | None) -> list[tuple[str, str]]:
    """`["A=b"]` as pairs."""
    texts = [value.text for _, value in one.entries if isinstance(value, Text)] if isinstance(one, Items) else []
    return [(text.partition("=")[0], text.partition("=")[2]) for text in texts if "=" in text]
