"""What the tasks of Azure Pipelines do, by name and inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assess.evidence import Interval, Source
from assess.pipelines._commands import recognise
from assess.pipelines._facts import Act, Does, Offer
from assess.pipelines._tools import CONTAINER, GITHUB_RELEASE, docker

_PLAIN: dict[str, tuple[tuple[Does, str | None], ...]] = {
    "msbuild": (("build", None),),
    "vsbuild": (("build", None),),
    "xcode": (("build", None),),
    "xamarinandroid": (("build", None),),
    "xamarinios": (("build", None),),
    "ant": (("build", None),),
    "gulp": (("code", None),),
    "grunt": (("code", None),),
    "vstest": (("code", None),),
    "githubrelease": (("publish", GITHUB_RELEASE),),
    "esrpcodesigning": (("sign", None),),
    "esrprelease": (("publish", "ESRP"),),
    "azuresigntool": (("sign", None),),
    "trustedsigning": (("sign", None),),
    "androidsigning": (("sign", None),),
    "manifestgeneratortask": (("sbom", None),),
    "googleplayrelease": (("publish", "Google Play"),),
    "appstorerelease": (("publish", "App Store"),),
    "publishvsextension": (("publish", "Visual Studio Marketplace"),),
    "publishazuredevopsextension": (("publish", "Visual Studio Marketplace"),),
}
_HARMLESS = frozenset(
    """
nodetool usenode usepythonversion usedotnet usedotnetcore dotnetcoreinstaller gotool javatoolinstaller userubyversion
nugettoolinstaller dockerinstaller helminstaller kubectlinstaller kubelogininstaller condaenvironment
visualstudiotestplatforminstaller
copyfiles deletefiles archivefiles extractfiles copyfilesoverssh filetransform replacetokens
nugetauthenticate npmauthenticate mavenauthenticate pipauthenticate twineauthenticate cargoauthenticate
publishtestresults publishcodecoverageresults reportgenerator codecoverage publishsymbols indexsources
componentgovernancecomponentdetection credscan policheck binskim antimalware guardian publishsecurityanalysislogs
advancedsecurity-codeql-init advancedsecurity-codeql-analyze advancedsecurity-dependency-scanning
codeql3000init codeql3000finalize buildqualitychecks gitversion/setup gitversion/execute
advancedsecurity-codeql-autobuild sdtreport postanalysis codesignvalidation
sonarqubeprepare sonarqubeanalyze sonarqubepublish sonarcloudprepare sonarcloudanalyze sonarcloudpublish
azurewebapp azurermwebappdeployment azurefunctionapp azureappservicemanage azureappservicesettings
azureresourcemanagertemplatedeployment azureresourcegroupdeployment kubernetesmanifest kubernetes azurecontainerapps
azurefilecopy azurestaticwebapp iiswebappdeploymentonmachinegroup iiswebappmanagementonmachinegroup
sqlazuredacpacdeployment
manualvalidation manualintervention delay invokerestapi invokeazurefunction queryworkitems queryazuremonitoralerts
publishtoazureservicebus githubcomment createworkitem powerplatformtoolinstaller terraforminstaller
visualstudiosetupbuild msbuildcachebuild setbuildnumber checkout azureappconfiguration addtag
cache cachebeta publishpipelineartifact publishpipelineartifacts publishbuildartifacts downloadpipelineartifact
downloadpipelineartifacts downloadbuildartifacts azurekeyvault downloadsecurefile installapplecertificate
installappleprovisioningprofile xcodetoolinstaller tfx-installer reviewapp
""".lower().split()
)
_SCRIPTS = {
    "bash": ("script", "filepath"),
    "powershell": ("script", "filepath"),
    "pythonscript": ("script", "scriptpath"),
    "cmdline": ("script", "filename"),
    "azurecli": ("inlinescript", "scriptpath"),
    "azurepowershell": ("inline", "scriptpath"),
    "batchscript": ("", "filename"),
    "shellscript": ("", "scriptpath"),
    "azurecliv2": ("inlinescript", "scriptpath"),
    "ssh": ("inline", "scriptpath"),
}
SLSA = Offer(
    "SLSAProvenanceGenerator",
    Interval(1, 1),
    signed=False,
    note="a task of the build itself writes unsigned provenance",
)


def name_of(task: str) -> str:
    """The task's name in lower case, without publisher and version: `ms.vss.Docker@2` is `docker`."""
    return task.partition("@")[0].rpartition(".")[2].strip().lower()


def script_of(task: str, inputs: Mapping[str, str]) -> tuple[str | None, str | None] | None:
    """(name of the inline script's input, file) of a task that runs a script; None for other tasks."""
    found = _SCRIPTS.get(name_of(task))
    if found is None:
        return None
    inline, file = found
    named = inputs.get(file)
    if inline and inputs.get(inline) and not (named and _is_file(inputs)):
        return inline, None
    return None, named


def _is_file(inputs: Mapping[str, str]) -> bool:
    kind = (inputs.get("targettype") or inputs.get("scriptlocation") or inputs.get("scripttype") or "").lower()
    return kind in {"filepath", "scriptpath"}


def acts_of(task: str, inputs: Mapping[str, str], place: Source) -> tuple[Act, ...]:
    """What a task does; `inputs` with names in lower case. An unknown task is `unread`."""
    name = name_of(task)
    found = _special(name, inputs, place)
    if found is not None:
        return found
    if name in _PLAIN:
        return tuple(Act(does, task, place, target) for does, target in _PLAIN[name])
    if name in _HARMLESS:
        return ()
    return (Act("unread", task, place, note=f"what the task `{task[:80]}` does is not known"),)


def _special(name: str, inputs: Mapping[str, str], place: Source) -> tuple[Act, ...] | None:
    command = inputs.get("command", inputs.get("action", "")).strip().lower()
    match name:
        case "docker" | "dockercompose":
            return _docker(name, command, inputs, place)
        case "nugetcommand" | "nuget" | "nugetpublisher" | "nugetpackager":
            verb = {"nugetpublisher": "push", "nugetpackager": "pack"}.get(name, command or "restore")
            return _verb(f"nuget {verb}", verb, inputs, place)
        case "dotnetcorecli":
            return _verb(f"dotnet {command or 'build'}", command or "build", inputs, place)
        case "npm":
            verb = inputs.get("customcommand", "") if command == "custom" else command or "install"
            return recognise(f"npm {verb}", place, {})
        case "maven":
            return recognise(f"mvn {inputs.get('goals', 'package')}", place, {})
        case "gradle":
            return recognise(f"gradle {inputs.get('tasks', 'build')}", place, {})
        case "go":
            return recognise(f"go {command or 'get'} {inputs.get('arguments', '')}", place, {})
        case "cmake":
            return (Act("build" if "--build" in inputs.get("cmakeargs", "") else "code", "CMake", place),)
        case "helmdeploy":
            return _helm(command, place)
        case "notation":
            verbs: dict[str, tuple[Act, ...]] = {
                "sign": (Act("sign", "notation sign", place),), "verify": (Act("verify", "notation verify", place),)
            }  # fmt: skip
            return verbs.get(command, ())
        case "universalpackages":
            return (Act("publish", "UniversalPackages", place, "Azure Artifacts"),) if command == "publish" else ()
        case "githubrelease":
            return () if command == "delete" else (Act("publish", "GitHubRelease", place, GITHUB_RELEASE),)
        case "terraformtask" | "terraform" | "terraformtaskv4" | "terraformcli":
            return ()
    if "slsaprovenance" in name:
        return (Act("attest", name, place, offer=SLSA),)
    return None


def _docker(name: str, command: str, inputs: Mapping[str, str], place: Source) -> tuple[Act, ...]:
    """`Docker@2` builds and pushes unless told otherwise; older versions and Compose name one action in words."""
    verb = command or ("buildandpush" if name == "docker" else "")
    verb = re.sub(r"[\s-]", "", verb)
    acts: tuple[Act, ...] = ()
    if "build" in verb:
        acts = docker(("docker", "build", *inputs.get("arguments", "").split()), place, {})
    if "push" in verb:
        acts = (*acts, *docker(("docker", "push", inputs.get("repository", "image")), place, {}))
    if verb in {"run", "runservices", "runaservice", "runacommand", "runimage", "up"}:
        acts = (Act("code", "docker run", place),)
    return acts


def _verb(shown: str, verb: str, inputs: Mapping[str, str], place: Source) -> tuple[Act, ...]:
    match verb:
        case "push":
            internal = inputs.get("nugetfeedtype", "").lower() == "internal" or inputs.get("publishvstsfeed")
            return (Act("publish", shown, place, "Azure Artifacts" if internal else "NuGet"),)
        case "build" | "pack" | "publish":
            return (Act("build", shown, place),)
        case "test" | "run":
            return (Act("code", shown, place),)
        case "custom":
            program = shown.partition(" ")[0]
            custom = inputs.get("custom", "")
            return recognise(f"{program} {custom} {inputs.get('arguments', '')}", place, {})
    return ()


def _helm(command: str, place: Source) -> tuple[Act, ...]:
    match command:
        case "package":
            return (Act("build", "helm package", place),)
        case "push" | "save":
            return (Act("publish", f"helm {command}", place, CONTAINER),)
    return ()
