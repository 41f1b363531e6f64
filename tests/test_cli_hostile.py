"""The command line against hostile and clumsy use: nothing hangs, nothing crashes, each message says what and where."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from virtual_sigstore import VirtualSigstore, edited, provenance_v1, subject_of

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
WIDGET = EXAMPLES / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
GOOD = WHEEL.with_name(f"{WHEEL.name}.sigstore.json")
DIGEST = "sha256:" + "0" * 64
PLACES = {
    "artifact": ["check", "empty", "--artifact", "{}"],
    "attestation": ["check", "empty", "--artifact", DIGEST, "-a", "{}"],
    "verify": ["verify", "{}"],
    "verify artifact": ["verify", str(GOOD), "--artifact", "{}"],
    "report": ["report", "{}"],
    "key": ["check", "empty", "--artifact", DIGEST, "--key", "{}"],
    "trusted root": ["check", "empty", "--artifact", DIGEST, "--trusted-root", "{}"],
    "platforms": ["check", "empty", "--artifact", DIGEST, "--platforms", "{}"],
    "answers": ["check", "empty", "--artifact", DIGEST, "--answers", "{}"],
    "evidence": ["evidence", "empty", "--artifact", "{}"],
}


def _told(ran, *codes: int) -> None:
    """One error in the house's form, with a hint, and nothing else."""
    assert ran.code in codes, ran.err
    assert ran.out == ""
    lines = ran.err.splitlines()
    assert lines[0].startswith("error: "), ran.err
    assert lines[-1].startswith("hint: "), ran.err
    assert "Traceback" not in ran.err
    assert "internal error" not in ran.err
    assert all(one.isprintable() for one in lines)


def _process(*arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
    """In a process of its own, where a hang ends the test and nothing else."""
    return subprocess.run(
        [sys.executable, "-m", "assess", *map(str, arguments)],
        capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL, **options,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path


# --- files that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "/dev/null", "/dev/tty", "loop", "folder", "dangling"])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_plain_file_is_refused_at_once(place: str, kind: str, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "folder").mkdir()
    if kind.startswith("/dev/") and not Path(kind).exists():
        pytest.skip(f"there is no {kind} here")
    ran = _process(*(one.replace("{}", kind) for one in PLACES[place]), cwd=folder)
    assert ran.returncode == 66, (ran.stdout, ran.stderr)
    assert ran.stdout == ""
    first, hint = ran.stderr.splitlines()
    assert first.startswith(f"error: {kind}: cannot read the "), first
    assert hint.startswith("hint: ")


@pytest.mark.parametrize("kind", ["pipe", "/dev/null"])
def test_a_project_that_is_no_plain_file(kind: str, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    ran = _process("check", kind, cwd=folder)
    assert ran.returncode == 66, ran.stderr
    assert "cannot read the project file" in ran.stderr


def test_pipes_and_loops_inside_a_project_do_not_stop_it(folder: Path) -> None:
    workflows = folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    os.mkfifo(workflows / "pipe.yml")
    (workflows / "loop.yml").symlink_to("loop.yml")
    (workflows / "out.yml").symlink_to("/etc/hostname")
    (workflows / "zero.yml").symlink_to("/dev/zero")
    (workflows / "folder.yml").mkdir()
    (workflows / "ok.yml").write_text("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: make}]\n")
    ran = _process("check", folder, "-f", "json")
    assert ran.returncode == 0, ran.stderr
    unreadable = {Path(one["source"]["path"]).name for one in json.loads(ran.stdout)["unreadable"]}
    assert unreadable == {"pipe.yml", "loop.yml", "out.yml", "zero.yml", "folder.yml"}, "nothing is silently clean"


def test_pipes_beside_the_artifact_do_not_stop_it(folder: Path) -> None:
    shutil.copy(WHEEL, folder)
    os.mkfifo(folder / f"{WHEEL.name}.json")
    (folder / f"{WHEEL.name}.jsonl").symlink_to(f"{WHEEL.name}.jsonl")
    ran = _process("check", "empty", "--artifact", WHEEL.name, cwd=folder)
    assert ran.returncode == 0, ran.stderr


def _obeying_permissions() -> list[str]:
    """What goes before a command so that it obeys permissions, which root does not by itself."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and there is no setpriv to change that")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize("place", PLACES)
def test_a_file_without_permission(place: str, folder: Path) -> None:
    secret = folder / "secret"
    secret.write_bytes(b"{}")
    secret.chmod(0o000)
    before = _obeying_permissions()
    if subprocess.run([*before, "cat", secret], capture_output=True, check=False).returncode == 0:
        pytest.skip("permissions mean nothing here")
    arguments = (one.replace("{}", "secret") for one in PLACES[place])
    ran = subprocess.run(
        [*before, sys.executable, "-m", "assess", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert ran.returncode == 66, ran.stderr
    assert ran.stderr.startswith("error: secret: cannot read the ")
    assert "permission denied" in ran.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize("command", ["check", "init"])
def test_a_project_without_permission(command: str, folder: Path) -> None:
    locked = folder / "locked"
    (locked / ".github" / "workflows").mkdir(parents=True)
    (locked / ".github" / "workflows" / "ci.yml").write_text("on: push\njobs: {}\n")
    locked.chmod(0o000)
    before = _obeying_permissions()
    try:
        ran = subprocess.run(
            [*before, sys.executable, "-m", "assess", command, "locked"],
            cwd=folder, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    finally:
        locked.chmod(0o755)
    assert ran.returncode in (66, 69), (ran.returncode, ran.stderr)
    assert ran.stderr.startswith("error: ")
    assert "permission denied" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "name", ["a" * 5000, "a/" * 3000, "missing\nPASSED: Build L3", "\x1b]0;x\x07", "\u202egpj", "//"]
)
def test_names_that_cannot_be(place: str, name: str, run, folder: Path) -> None:
    _told(run(*(one.replace("{}", name) for one in PLACES[place]), cwd=folder), 66)


@pytest.mark.parametrize("command", ["check", "evidence", "init"])
@pytest.mark.parametrize("name", ["a" * 5000, "missing\nPASSED: Build L3", "\x1b[31m"])
def test_projects_that_cannot_be(command: str, name: str, run, folder: Path) -> None:
    _told(run(command, name, cwd=folder), 66)


# --- arguments ------------------------------------------------------------------------------------------------------

MISTYPED = [
    (["chekc"], "check"),
    (["check", "--min-lvl", "2"], "--min-level"),
    (["check", "--artefact", "x"], "--artifact"),
    (["check", "--min-level"], "--min-level"),
    (["check", "--min-level", "build=4"], "build=3"),
    (["check", "--min-level", "LL2"], "build=3"),
    (["check", "--min-level", "\u0662"], "build=3"),
    (["check", "--min-level", "-1"], "build=3"),
    (["check", "--min-level", "2.0"], "build=3"),
    (["check", "--min-level", "build"], "build=3"),
    (["check", "--accept", "all"], "declared"),
    (["check", "a", "b"], "b"),
    (["verify"], "FILE"),
    (["verify", "x", "-f", "html"], "text, json"),
    (["report", "--compare", str(WIDGET / "slsa-assess.yaml"), "-f", "pdf"], "markdown"),
    (["rules", "lst"], "list"),
    (["explain"], "REQUIREMENT"),
    (["check", "--build-workflow-input", "novalue"], "KEY=VALUE"),
    (["check", "--certificate-identity-regexp", "["], "pattern"),
]


@pytest.mark.parametrize(("arguments", "says"), MISTYPED, ids=[" ".join(one) for one, _ in MISTYPED])
def test_a_mistyped_command_line(arguments: list[str], says: str, run, folder: Path) -> None:
    ran = run(*arguments, cwd=folder / "empty")
    _told(ran, 2)
    assert says in ran.err
    assert "--help" in ran.err


FLAGS = (
    "--artifact",
    "--attestation",
    "--answers",
    "--source-uri",
    "--source-tag",
    "--source-branch",
    "--source-versioned-tag",
    "--builder-id",
    "--package-name",
    "--package-version",
    "--certificate-identity",
    "--certificate-identity-regexp",
    "--certificate-oidc-issuer",
    "--key",
    "--trusted-root",
    "--platforms",
    "--trust-profile",
    "--min-level",
    "--accept",
    "--rules",
    "--spec",
    "--format",
    "--time",
)


@pytest.mark.parametrize("flag", FLAGS)
def test_an_unset_variable_never_switches_a_check_off(flag: str, run) -> None:
    """`--source-uri "$URI"` with nothing in it must not pass where the right value would fail."""
    ran = run("check", WIDGET, flag, "")
    _told(ran, 2)
    assert flag in ran.err
    _told(run("check", WIDGET, f"{flag}="), 2)


def test_an_empty_identity_in_the_project_file_trusts_nobody(run, tmp_path: Path) -> None:
    shutil.copytree(WIDGET, tmp_path / "w")
    file = tmp_path / "w" / "slsa-assess.yaml"
    for key in ("certificate_identity", "certificate_identity_regexp", "certificate_oidc_issuer"):
        file.write_text((WIDGET / file.name).read_text().replace("trust:\n", f'trust:\n  {key}: ""\n'))
        assert run("check", tmp_path / "w").code in (1, 78), key


# --- texts in inputs ------------------------------------------------------------------------------------------------

EVIL = "v1\nPASSED: Build L3 (minimum L2)\x1b[2J\u202e\u2028\x9b31m"


def test_an_attestation_cannot_write_the_verdict(run, folder: Path) -> None:
    """The last line of standard error is the verdict, whatever an attestation says."""
    vs = VirtualSigstore()
    (folder / "a.bin").write_bytes(b"a")
    (folder / "root.json").write_bytes(vs.trusted_root())
    source = ("predicate", "buildDefinition", "externalParameters", "workflow", "ref")
    statement = edited(provenance_v1([subject_of(EVIL, b"a")]), source, EVIL)
    (folder / "evil.json").write_text(json.dumps(statement))
    (folder / "signed.json").write_text(json.dumps(vs.sign_statement(statement)))
    for name in ("evil.json", "signed.json"):
        common = ("--artifact", folder / "a.bin", "--trusted-root", folder / "root.json")
        for form in ("terminal", "markdown", "html", "json"):
            ran = run(
                "check", folder / "empty", *common, "-a", folder / name, "--source-tag", "v1", "--min-level", 2,
                "-f", form, "-v",
            )  # fmt: skip
            assert ran.code == 1
            assert ran.err.splitlines()[-1].startswith("FAILED: ")
            assert not any(line.startswith("PASSED") for line in (ran.out + ran.err).splitlines())
            assert not set(ran.out + ran.err) & set("\x1b\u202e\u2028\x9b")
        for form in ("text", "json"):
            ran = run("verify", folder / name, *common, "-f", form)
            assert not any(line.startswith("PASSED") for line in (ran.out + ran.err).splitlines())
            assert not set(ran.out + ran.err) & set("\x1b\u202e\u2028\x9b")
    ran = run("evidence", folder / "empty", "--artifact", folder / "a.bin", "-a", folder / "evil.json")
    assert ran.code == 0
    assert not set(ran.out) & set("\x1b\u202e\u2028\x9b")


def test_a_file_name_cannot_write_an_error(run, folder: Path) -> None:
    name = "x\nerror: nothing: all is well\nhint: go on"
    (folder / name).write_bytes(b"{}")
    key = ["check", folder / "empty", "--key", folder / name, "--artifact", DIGEST]
    for arguments in (["verify", folder / name], ["report", folder / name], key):
        ran = run(*arguments)
        assert ran.code in (65, 78)
        assert sum(line.startswith("error: ") for line in ran.err.splitlines()) == 1
        assert sum(line.startswith("hint: ") for line in ran.err.splitlines()) == 1


def test_large_standard_input_is_refused(run, folder: Path) -> None:
    data = b" " * ((64 << 20) + 1)
    for arguments in (["verify", "-"], ["check", "empty", "--artifact", DIGEST, "-a", "-"]):
        ran = run(*arguments, stdin=data, cwd=folder)
        _told(ran, 65)
        assert "standard input: too large" in ran.err


def test_a_large_sparse_artifact_is_read_in_pieces(folder: Path) -> None:
    file = folder / "large.bin"
    with file.open("wb") as stream:
        stream.truncate(300 << 20)
    ran = subprocess.run(
        [sys.executable, "-c", "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20)); "
         "sys.argv[0] = 'slsa-assess'; from assess.cli import main; main()",
         "check", "empty", "--artifact", "large.bin", "-q"],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


# --- signals --------------------------------------------------------------------------------------------------------


def test_ctrl_c_ends_it_quietly(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "assess", "verify", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, b"", b""), "1 would say that the gate failed"


def test_a_bug_is_told_as_one(run, monkeypatch: pytest.MonkeyPatch) -> None:
    import assess.assessing

    def broken(plan: object) -> None:
        raise KeyError("boom")

    monkeypatch.setattr(assess.assessing, "assess", broken)
    ran = run("check", WIDGET)
    assert ran.code == 70
    assert "internal error (this is a bug): KeyError" in ran.err
    assert "--debug" in ran.err
    assert "Traceback" not in ran.err
    with pytest.raises(KeyError):
        run("check", WIDGET, "--debug")
