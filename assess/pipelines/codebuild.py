"""AWS CodeBuild and CodePipeline: buildspec files, and projects and pipelines in CloudFormation and SAM templates.

A build runs on AWS's machines. What starts a build, and whether it has a cache, is said by its project: a buildspec by
itself does not tell. Whoever starts a build can change its variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.pipelines._files import Folder

if TYPE_CHECKING:
    from assess.pipelines._facts import PipelineFacts

NAME = "codebuild"
_NAMED = re.compile(r"(?:^|/)[^/]*buildspec[^/]*\.ya?ml\Z|(?:^|/)(?:buildspecs?|codebuild)/.*\.ya?ml\Z", re.IGNORECASE)
_VERSION = re.compile(rb"^version[ \t]*:[ \t]*[\"']?0\.[12]\b", re.MULTILINE)
_PHASES = re.compile(rb"^(?:phases|batch)[ \t]*:", re.MULTILINE)
_TEMPLATE = re.compile(rb"\bAWS::(?:CodeBuild::Project|CodePipeline::Pipeline)\b")
_RESOURCES = re.compile(rb"[\"']?Resources[\"']?[ \t]*:")


def discover(folder: Folder) -> tuple[str, ...]:
    """Buildspecs by name or content, and templates that hold projects or pipelines."""
    from assess.pipelines._discover import holding

    named = {
        name for name in folder.walk() if _NAMED.search(name) and _PHASES.search(folder.peek(name, 1024 * 1024) or b"")
    }
    specs = holding(folder, (".yml", ".yaml"), (_VERSION, _PHASES))
    templates = holding(folder, (".yml", ".yaml", ".json", ".template"), (_TEMPLATE, _RESOURCES))
    return tuple(sorted({*named, *specs, *templates}))


def recognises(path: str) -> bool:
    """The path has a buildspec's name."""
    return _NAMED.search(path.replace("\\", "/")) is not None


def sniffs(data: bytes) -> bool:
    """The file is a buildspec, or a template that holds a project or pipeline."""
    spec = _VERSION.search(data) is not None and _PHASES.search(data) is not None
    return spec or (_TEMPLATE.search(data) is not None and _RESOURCES.search(data) is not None)


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One buildspec or template as facts. Raises InputError if it is not YAML, or neither of the two."""
    from assess.errors import InputError
    from assess.pipelines._codebuild_spec import Setting, is_buildspec, read_buildspec
    from assess.pipelines._codebuild_template import read_template, resources
    from assess.pipelines._reader import Reading
    from assess.pipelines._values import one_mapping

    reading = Reading(folder, path, NAME, directory="", one_shell=True)
    root = one_mapping(data, path, "buildspec", reading)
    if (found := resources(root)) is not None:
        jobs, triggers = read_template(reading, found)
        return reading.pipeline(root.source, "", jobs, triggers)
    if not is_buildspec(root):
        raise InputError("not a buildspec (it has neither phases nor a batch)", f"{path}:{root.line}:{root.column}")
    drafts = read_buildspec(reading, root, Setting())
    return reading.pipeline(root.source, "", [one.finish() for one in drafts])
