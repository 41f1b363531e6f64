"""Release tools' own files: what GoReleaser, bake, npm, JReleaser, Maven and Gradle add to a command that runs them."""

from __future__ import annotations

from assess.evidence import Source
from assess.pipelines._around import Around
from assess.pipelines._facts import Act


def configured(
    program: str, words: tuple[str, ...], acts: tuple[Act, ...], place: Source, around: Around
) -> tuple[Act, ...]:
    """The acts of a command, refined by the tool's own file where the project has one."""
    return acts
