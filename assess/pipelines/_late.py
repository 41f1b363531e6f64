"""CI systems whose modules are imported when a project has a file that may be one of theirs, for start-up time.

A row says no more than what every file of a system must have: a part of its path, or a part of what is in it. The
module itself decides.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from assess.pipelines._facts import PipelineFacts
    from assess.pipelines._files import Folder

_ENDINGS = (".yml", ".yaml", ".json", ".template")
_SIZE = 1024 * 1024


class Late(ModuleType):
    """Stands for a system's module until it is needed."""

    def __init__(self, module: str, name: str, paths: tuple[str, ...], needles: tuple[bytes, ...] = ()) -> None:
        super().__init__(f"{__package__}.{module}")
        self.NAME = name
        self.paths, self.needles = paths, needles

    def discover(self, folder: Folder) -> tuple[str, ...]:
        """The files of a project that are this system's."""
        if not any(self._may_be(folder, name) for name in folder.walk()):
            return ()
        return cast("tuple[str, ...]", import_module(self.__name__).discover(folder))

    def recognises(self, path: str) -> bool:
        """The path is this system's."""
        return self._named(path) and bool(import_module(self.__name__).recognises(path))

    def sniffs(self, data: bytes) -> bool:
        """The file is this system's by what is in it; False for a system whose paths say so."""
        if not any(needle in data for needle in self.needles):
            return False
        return bool(import_module(self.__name__).sniffs(data))

    def read(self, folder: Folder, path: str, data: bytes) -> PipelineFacts:
        """One file as facts. Raises InputError as the module says."""
        return cast("PipelineFacts", import_module(self.__name__).read(folder, path, data))

    def _named(self, path: str) -> bool:
        lower = path.replace("\\", "/").lower()
        return any(part in lower for part in self.paths)

    def _may_be(self, folder: Folder, name: str) -> bool:
        if self._named(name):
            return True
        if not self.needles or not name.endswith(_ENDINGS) or name.startswith(".git"):
            return False
        data = folder.peek(name, _SIZE) or b""
        return any(needle in data for needle in self.needles)


OTHERS: tuple[Late, ...] = (
    Late("forgejo_actions", "forgejo-actions", (".forgejo/",)),
    Late("gitea_actions", "gitea-actions", (".gitea/",)),
    Late("gitlab_ci", "gitlab-ci", ("gitlab", "templates/")),
    Late("cloud_build", "cloud-build", ("cloudbuild",), (
        b"CloudBuildTrigger", b"cloud-builders", b"cloudsdktool", b"kaniko-project", b"requestedVerifyOption",
        b"availableSecrets", b"docker.pkg.dev", b"gcr.io/",
    )),
    Late("tekton", "tekton", (".tekton/",), (b"tekton.dev", b"chains-config")),
    Late("jenkins", "jenkins", ("jenkins",)),
    Late("azure_pipelines", "azure-pipelines", ("azure", ".pipelines/", ".vsts-ci", ".ado/"), (b"vmImage", b"task:")),
    Late("circleci", "circleci", ("circle",)),
    Late("buildkite", "buildkite", ("buildkite",)),
    Late("codebuild", "codebuild", ("buildspec", "codebuild"), (b"AWS::Code", b"phases", b"batch")),
    Late("bitbucket", "bitbucket", ("bitbucket-pipelines",)),
    Late("travis", "travis", (".travis.",)),
    Late("drone", "drone", (".drone",)),
    Late("woodpecker", "woodpecker", (".woodpecker",)),
    Late("argo", "argo-workflows", (), (b"argoproj.io/",)),
    Late("harness", "harness", (".harness/",), (b"<+",)),
    Late("appveyor", "appveyor", ("appveyor",)),
    Late("cirrus", "cirrus", (".cirrus",)),
)  # fmt: skip
