"""pom.xml and build.gradle: which plugins sign, publish and build images. It suggests: a build may decide otherwise.

XML is read by expat's events; a document type declaration is refused, so that no entity is ever expanded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from assess.errors import InputError
from assess.evidence import Source

MAX_DEPTH = 60
MAX_ELEMENTS = 50_000

_GRADLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"""\bid\s*\(?\s*["']dev\.sigstore\.sign(?:-base)?["']|\bplugin:\s*["']dev\.sigstore\.sign"""),
     "sigstore"),
    (re.compile(r"""\bid\s*\(?\s*["']signing["']|^\s*signing\s*\{|`signing`|\bplugin:\s*["']signing["']|^\s*signing\s*$"""
                r"""|\bsignAllPublications\s*\("""), "signing"),
    (re.compile(r"\buseInMemoryPgpKeys\s*\("), "pgp-key"),
    (re.compile(r"""\bid\s*\(?\s*["'](?:com\.vanniktech\.maven\.publish|io\.github\.gradle-nexus\.publish-plugin|maven-publish)"""
                r"""|`maven-publish`"""), "publish"),
    (re.compile(r"""\bid\s*\(?\s*["']com\.google\.cloud\.tools\.jib["']"""), "jib"),
    (re.compile(r"""\bid\s*\(?\s*["']org\.jreleaser["']"""), "jreleaser"),
)  # fmt: skip
_COMMENT = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|//[^\n]*|/\*(?:.*?\*/|.*)""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One build plugin: a word for what it is (`gpg`, `sigstore`, `signing`, ...) and where it stands."""

    kind: str
    source: Source
    sure: bool = True
    """False inside a profile that the command does not name."""
    goals: tuple[str, ...] = ()
    phase: str | None = None


_MAVEN: dict[str, str] = {
    "maven-gpg-plugin": "gpg", "sigstore-maven-plugin": "sigstore", "sign-maven-plugin": "signing",
    "maven-deploy-plugin": "deploy", "central-publishing-maven-plugin": "publish",
    "nexus-staging-maven-plugin": "publish", "jib-maven-plugin": "jib", "jreleaser-maven-plugin": "jreleaser",
}  # fmt: skip


def maven_plugins(data: bytes, path: str, profiles: tuple[str, ...] = ()) -> tuple[Plugin, ...]:
    """The plugins of a pom.xml that matter; those that are only managed (`pluginManagement`) do not run.

    Raises InputError if it is not XML, declares a document type, or is too deep or too large.
    """
    walk = _Pom(path, profiles)
    try:
        walk.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(
            f"not XML ({expat.errors.messages.get(error.code, 'malformed')})", f"{path}:{error.lineno}"
        ) from None
    return tuple(walk.found)


class _Pom:
    def __init__(self, path: str, profiles: tuple[str, ...]) -> None:
        self.path = path
        self.profiles = profiles
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.stack: list[str] = []
        self.elements = 0
        self.text: list[str] = []
        self.place = Source(path)
        self.plugin: dict[str, list[str]] = {}
        self.profile = ""
        self.found: list[Plugin] = []

    def _refuse(self, *_: object) -> None:
        raise InputError(
            "a document type is declared, which is not read here", f"{self.path}:{self.parser.CurrentLineNumber}"
        )

    def _start(self, name: str, _: object) -> None:
        self.elements += 1
        self.stack.append(name.rpartition(" ")[2])
        if len(self.stack) > MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise InputError("nested too deeply or too large", f"{self.path}:{self.parser.CurrentLineNumber}")
        self.text = []
        if self.stack[-1] == "plugin":
            self.place = Source(self.path, self.parser.CurrentLineNumber)
            self.plugin = {}

    def _text(self, text: str) -> None:
        self.text.append(text)

    def _end(self, _: str) -> None:
        name = self.stack.pop()
        text = "".join(self.text).strip()
        self.text = []
        parent = self.stack[-1] if self.stack else ""
        if (name == "artifactId" and parent == "plugin") or name in {"goal", "phase"}:
            self.plugin.setdefault(name, []).append(text)
        elif name == "id" and parent == "profile":
            self.profile = text
        elif name == "profile":
            self.profile = ""
        elif name == "plugin" and "pluginManagement" not in self.stack:
            self._take()

    def _take(self) -> None:
        kind = _MAVEN.get(next(iter(self.plugin.get("artifactId", [])), ""))
        if kind is not None:
            sure = "profile" not in self.stack or self.profile in self.profiles
            phase = next(iter(self.plugin.get("phase", [])), None)
            self.found.append(Plugin(kind, self.place, sure, tuple(self.plugin.get("goal", [])), phase))


def gradle_plugins(text: str, path: str) -> tuple[Plugin, ...]:
    """The plugins and blocks of a build.gradle or build.gradle.kts that matter, comments left out."""
    plain = _COMMENT.sub(lambda found: found.group(1) or "\n" * found.group().count("\n"), text)
    found: dict[str, Plugin] = {}
    for number, line in enumerate(plain.split("\n"), 1):
        for pattern, kind in _GRADLE:
            if kind not in found and pattern.search(line):
                applied = re.search(r"\bapply\s+false\b|\.apply\(false\)", line)
                if applied is None:
                    found[kind] = Plugin(kind, Source(path, number))
    return tuple(found.values())
