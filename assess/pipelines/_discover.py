"""Finding pipeline files by what they hold, for systems that prescribe no name."""

from __future__ import annotations

import re

from assess.pipelines._files import Folder

MAX_SIZE = 1024 * 1024
_ELSEWHERE = re.compile(r"(?:^|/)(?:\.github|\.gitlab|\.circleci|\.buildkite|\.woodpecker|\.tekton|\.git)/")


def holding(folder: Folder, endings: tuple[str, ...], patterns: tuple[re.Pattern[bytes], ...]) -> list[str]:
    """Names of the files with one of `endings` in which all `patterns` are found; those of other systems left out.

    Only the first `MAX_SIZE` bytes are looked at; files that cannot be read are for whoever names them.
    """
    found = []
    for name in folder.walk():
        if name.endswith(endings) and not _ELSEWHERE.search(name):
            data = folder.peek(name, MAX_SIZE)
            if data and all(one.search(data) for one in patterns):
                found.append(name)
    return found
