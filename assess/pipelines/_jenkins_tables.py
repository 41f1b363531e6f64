"""What the steps of Jenkins and its common plugins do, by name."""

from __future__ import annotations

from assess.evidence import Interval
from assess.pipelines._facts import Does, Offer
from assess.pipelines._tools import CONTAINER, GITHUB_RELEASE

SCRIPTS = frozenset({"sh", "bat", "powershell", "pwsh"})
_QUIET = """
echo error unstable junit cleanWs deleteDir sleep input emailext mail slackSend slackUploadFile publishHTML
recordIssues milestone properties readFile writeFile fileExists pwd isUnix tool fingerprint readJSON writeJSON
readYaml writeYaml readProperties readMavenPom writeMavenPom readCSV findFiles touch zip unzip tar untar sha1
sha256 md5 nodesByLabel publishChecks publishCoverage recordCoverage cobertura jacoco xunit nunit step_class
setGitHubPullRequestStatus githubNotify updateGitlabCommitStatus gitlabCommitStatus waitForQualityGate waitUntil
hipchatSend office365ConnectorSend mattermostSend telegramSend rocketSend discordSend buildName buildDescription
addBadge addShortText manager println print httpRequest scanForIssues publishIssues discoverGitReferenceBuild
discoverReferenceBuild perfReport plot robot cucumber allure testNG checkpoint getContext resolveScm readTrusted
notifyBitbucket bitbucketStatusNotify jiraComment jiraSendBuildInfo archive currentBuild env params scm
skipDefaultCheckout disableConcurrentBuilds buildDiscarder logRotator durabilityHint timestamps
parallelsAlwaysFailFast overrideIndexTriggers newBuildInfo versionNumber VersionNumber dockerFingerprintFrom
snykSecurity dependencyCheck dependencyCheckPublisher dependencyTrackPublisher veracode fodStaticAnalysis
warnings openTasks pmd findbugs checkstyle setBuildStatus getGitHubCommits isStartedByUser addInfoBadge
addWarningBadge addErrorBadge createSummary removeBadges
"""
QUIET = frozenset(_QUIET.split())
"""Steps that neither build, sign, attest nor publish, and hand nothing over."""

_WRAPPERS = """
script dir timeout retry timestamps ansiColor lock wrap withMaven withSonarQubeEnv configFileProvider withChecks
withAWS ws withDockerRegistry withDockerServer withDockerContainer nodejs withGradle xvfb throttle container
podTemplate milestone logstash withVault withFolderProperties withPythonEnv withKubeConfig withKubeCredentials
sshagent tee withNPM nvm rvm withAnt withGo withDotNet dotnetSDK golang conda withCoverityEnv withXvfb
gitStatusWrapper gitlabCommitStatus waitUntil each eachWithIndex times collect collectEntries any every find
findAll with tap steps always success failure changed fixed regression unstable aborted unsuccessful cleanup if
else try finally do for while switch withEnv withCredentials catchError warnError gitlabBuilds withContext
withBuildDiscarder node stage unless allOf anyOf expression collectMany profile withStatistics
"""
WRAPPERS = frozenset(_WRAPPERS.split())
"""Steps that only stand around others."""

ACTS: dict[str, tuple[tuple[Does, str | None], ...]] = {
    "git": (("checkout", None),),
    "checkout": (("checkout", None),),
    "gitCheckout": (("checkout", None),),
    "nexusArtifactUploader": (("publish", "Nexus repository"),),
    "nexusPublisher": (("publish", "Nexus repository"),),
    "rtUpload": (("publish", "Artifactory"),),
    "rtDockerPush": (("publish", CONTAINER),),
    "rtPublishBuildInfo": (),
    "rtServer": (),
    "rtDownload": (),
    "rtMavenDeployer": (("publish", "Artifactory"),),
    "rtMavenResolver": (),
    "rtMavenRun": (("build", None),),
    "rtGradleDeployer": (("publish", "Artifactory"),),
    "rtGradleResolver": (),
    "rtGradleRun": (("build", None),),
    "rtNpmPublish": (("publish", "Artifactory"),),
    "rtNpmInstall": (("code", None),),
    "rtBuildInfo": (),
    "createGitHubRelease": (("publish", GITHUB_RELEASE),),
    "uploadGithubReleaseAsset": (("publish", GITHUB_RELEASE),),
    "githubRelease": (("publish", GITHUB_RELEASE),),
    "s3Upload": (("publish", "S3"),),
    "azureUpload": (("publish", "Azure storage"),),
    "googleStorageUpload": (("publish", "Google Cloud Storage"),),
    "dockerPublish": (("publish", CONTAINER),),
    "kanikoExecute": (("build", None), ("publish", CONTAINER)),
    "anchore": (),
    "cosign": (("sign", None),),
    "sign": (("sign", None),),
    "signAndroidApks": (("sign", None),),
    "androidApkUpload": (("publish", "Google Play"),),
    "cyclonedx": (("sbom", None),),
}
PROVENANCE = Offer(
    "provenanceRecorder", Interval(1, 1), signed=False, by_digest=True, covers="files",
    note="the `slsa` plugin writes provenance that is not signed, and records no steps",
)  # fmt: skip
_OUTSIDERS = """
CHANGE_TITLE CHANGE_BRANCH CHANGE_AUTHOR CHANGE_AUTHOR_DISPLAY_NAME CHANGE_AUTHOR_EMAIL BRANCH_NAME GIT_BRANCH
GIT_LOCAL_BRANCH ghprbPullTitle ghprbPullLongDescription ghprbSourceBranch ghprbCommentBody gitlabSourceBranch
gitlabMergeRequestTitle gitlabMergeRequestDescription TAG_NAME
"""
OUTSIDERS = tuple(_OUTSIDERS.split())
"""Variables that whoever proposes a change can choose."""
_OBJECTS = """
env params currentBuild docker scm pipeline this super java groovy jenkins hudson it e err error ex exception
steps script
"""
GLOBALS = frozenset(_OBJECTS.split())
"""Names that every pipeline has."""
CONTROLLER = frozenset({"built-in", "master", "controller", "builtin"})
"""Labels of Jenkins' own machine, where a build can reach what Jenkins keeps."""
