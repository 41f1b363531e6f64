"""What `check` writes, where, and that it is the same each time: formats, files, streams, colours."""

from __future__ import annotations

import json
import os
import pty
import shutil
import stat
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
WIDGET = EXAMPLES / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
GOOD = WHEEL.with_name(f"{WHEEL.name}.sigstore.json")
WHEN = ("--time", "2026-01-31T12:00:00Z")
FORMATS = ("json", "html", "markdown", "terminal")
ESCAPE = "\x1b"


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    return kept | {"TERM": "xterm-256color", **more}


def _process(*arguments: str | Path, **options) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "assess", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)


# --- the same bytes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_inputs_give_the_same_bytes(name: str, run, tmp_path: Path) -> None:
    # Hash seeds differ between the processes, so that the order of sets would show.
    first = _process("check", WIDGET, *WHEN, "-f", name, env=_environment(PYTHONHASHSEED="1", TZ="UTC"))
    second = _process("check", WIDGET, *WHEN, "-f", name, env=_environment(PYTHONHASHSEED="2", TZ="Asia/Tokyo"))
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(first.stdout) > 500
    assert first.stdout == second.stdout
    file = tmp_path / "report"
    assert run("check", WIDGET, *WHEN, "-f", f"{name}={file}").code == 0
    assert file.read_bytes() == first.stdout


def test_only_the_time_differs_between_two_times(run) -> None:
    one = run("check", WIDGET, *WHEN, "-f", "json").out
    other = run("check", WIDGET, "--time", "2026-02-01T00:00:00Z", "-f", "json").out
    assert one != other
    assert one.replace("2026-01-31T12:00:00Z", "2026-02-01T00:00:00Z") == other


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00z", "2026-01-31T12:00:00Z"),
        ("2026-01-31t12:00:00.75+02:00", "2026-01-31T10:00:00Z"),
        ("2026-01-31 12:00:00", "2026-01-31T12:00:00Z"),
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("0999-01-01", "0999-01-01T00:00:00Z"),
    ],
)
def test_times_are_shown_in_utc(text: str, shown: str, run) -> None:
    assert json.loads(run("check", WIDGET, "--time", text, "-f", "json").out)["time"] == shown


@pytest.mark.parametrize(
    "text",
    ["now", "2026", "20260131", "2026-W05-6", "2026-02-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"],
)
def test_what_is_no_time_is_a_usage_error(text: str, run) -> None:
    ran = run("check", WIDGET, "--time", text)
    assert ran.code == 2
    assert text in ran.err


# --- formats and files ----------------------------------------------------------------------------------------------


def test_all_formats_at_once(run, tmp_path: Path) -> None:
    files = {name: tmp_path / "reports" / "deep" / f"r.{name}" for name in ("json", "html", "markdown")}
    ran = run("check", WIDGET, "-f", "terminal", *(part for name in files for part in ("-f", f"{name}={files[name]}")))
    assert ran.code == 0
    assert ran.out.startswith("widget: Build L2")
    assert json.loads(files["json"].read_text())["verdict"]["passed"] is True
    HTMLParser().feed(files["html"].read_text())
    assert files["html"].read_text().startswith("<!DOCTYPE html>")
    assert files["markdown"].read_text().startswith("# ")
    assert sorted(one.name for one in (tmp_path / "reports" / "deep").iterdir()) == ["r.html", "r.json", "r.markdown"]


@pytest.mark.parametrize(
    ("formats", "says"),
    [
        (["html=x", "markdown=x"], "same file"),
        (["html=x", "json=./a/../x"], "same file"),
        (["json", "html"], "standard output"),
        (["terminal", "terminal"], "standard output"),
        (["html="], "no file"),
        (["JSON"], "JSON"),
        (["pdf=x"], "pdf"),
    ],
    ids=" ".join,
)
def test_outputs_in_conflict(formats: list[str], says: str, run, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    ran = run("check", WIDGET, *(part for one in formats for part in ("-f", one)), cwd=tmp_path)
    assert ran.code == 2
    assert says in ran.err
    assert ran.out == ""
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_a_report_never_replaces_what_is_read(run, tmp_path: Path) -> None:
    folder = tmp_path / "widget"
    shutil.copytree(WIDGET, folder)
    inside = [one.relative_to(folder) for one in folder.rglob("*") if one.is_file() and ".github" not in one.parts]
    before = {one: (folder / one).read_bytes() for one in inside}
    (tmp_path / "link").symlink_to(folder / "slsa-assess.yaml")
    inputs = [one for one in inside if one.name != "README.md"]
    assert len(inputs) == 4
    for target in (*(folder / one for one in inputs), tmp_path / "link"):
        ran = run("check", folder, "-f", f"json={target}")
        assert (ran.code, ran.out) == (2, ""), target
    assert {one: (folder / one).read_bytes() for one in inside} == before


def test_what_lies_beside_the_artifact_is_not_replaced(run, tmp_path: Path) -> None:
    for one in (WHEEL, GOOD):
        shutil.copy(one, tmp_path)
    ran = run("check", tmp_path, "--artifact", tmp_path / WHEEL.name, "-f", f"json={tmp_path / GOOD.name}")
    assert ran.code == 2
    assert (tmp_path / GOOD.name).read_bytes() == GOOD.read_bytes()


def test_a_report_keeps_the_mode_of_the_file_and_follows_links(run, tmp_path: Path) -> None:
    real, link, new = tmp_path / "real.json", tmp_path / "link.json", tmp_path / "new.json"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    umask = os.umask(0o027)
    try:
        assert run("check", WIDGET, "-f", f"json={link}", "-f", f"html={new}").code == 0
    finally:
        os.umask(umask)
    assert link.is_symlink()
    assert json.loads(real.read_text())["project"] == "widget"
    assert (stat.S_IMODE(real.stat().st_mode), stat.S_IMODE(new.stat().st_mode)) == (0o640, 0o640)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make devices")
def test_a_device_is_written_to_and_never_replaced(run, tmp_path: Path) -> None:
    null, full = tmp_path / "null", tmp_path / "full"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.mknod(full, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        null.write_bytes(b"")
    except OSError as problem:
        pytest.skip(f"no devices can be made here: {problem}")
    assert run("check", WIDGET, "-f", f"json={null}").code == 0
    ran = run("check", WIDGET, "-f", f"json={full}")
    assert ran.code == 69
    assert "space" in ran.err
    assert stat.S_ISCHR(null.stat().st_mode)
    assert stat.S_ISCHR(full.stat().st_mode)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["full", "null"]


def test_a_pipe_is_written_to_where_somebody_reads(run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert run("check", WIDGET, "-f", f"json={pipe}").code == 69, "nobody reads"
    # Into a file: a report is longer than what two pipes hold while nobody reads the second.
    with (tmp_path / "read").open("w+b") as read, subprocess.Popen(["cat", pipe], stdout=read) as reader:
        ran = _process("check", WIDGET, "-f", f"json={pipe}", "-q", env=_environment())
        if ran.returncode == 0:
            reader.wait(timeout=20)
        reader.kill()
        text = (tmp_path / "read").read_bytes()
    # The reader may not have opened its end yet, which is the case above.
    assert ran.returncode in (0, 69)
    assert ran.returncode or json.loads(text)["project"] == "widget"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


# --- streams --------------------------------------------------------------------------------------------------------


def test_quiet_says_nothing_but_what_was_asked_for(run, tmp_path: Path) -> None:
    silent = run("check", WIDGET, "-q", "--min-level", 2)
    assert (silent.code, silent.out, silent.err) == (0, "", "")
    failed = run("check", WIDGET, "-q", "--min-level", 3)
    assert (failed.code, failed.out, failed.err) == (1, "", "")
    asked = run("check", WIDGET, "-q", "-f", "json")
    assert json.loads(asked.out)["project"] == "widget"
    assert asked.err == ""
    assert run("check", tmp_path, "-q").err.startswith("error: ")


def test_results_and_verdict_go_apart(run) -> None:
    ran = run("check", WIDGET, "-f", "json")
    json.loads(ran.out)
    assert ran.err == "PASSED: Build L2 (minimum L2)\n"


def test_no_escape_codes_in_pipes_and_files(run, tmp_path: Path) -> None:
    piped = _process("check", WIDGET, "-v", env=_environment(FORCE_COLOR="1"))
    assert piped.returncode == 0
    assert ESCAPE.encode() not in piped.stdout + piped.stderr
    file = tmp_path / "r.txt"
    assert run("check", WIDGET, "-f", f"terminal={file}").code == 0
    assert ESCAPE not in file.read_text()


@pytest.mark.parametrize(
    ("environment", "flags", "coloured"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": ""}, [], True),
        ({"TERM": "dumb"}, [], False),
        ({}, ["--no-color"], False),
        ({}, ["-f", "json"], False),
    ],
    ids=str,
)
def test_colour_on_a_terminal_only(environment: dict[str, str], flags: list[str], coloured: bool) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "assess", "check", str(WIDGET), *flags]
    with subprocess.Popen(
        command, stdout=theirs, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=_environment(**environment)
    ) as process:
        os.close(theirs)
        shown = b""
        while block := _block(ours):
            shown += block
    os.close(ours)
    assert process.returncode == 0
    assert b"widget" in shown
    assert (ESCAPE.encode() in shown) == coloured


def _block(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def _shell(script: str) -> subprocess.CompletedProcess[bytes]:
    command = f"{sys.executable} -m assess"
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; slsa() {{ {command} \"$@\"; }}; {script}"],
        capture_output=True, timeout=60, check=False, env=_environment(), cwd=WIDGET,
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("slsa check -f html | head -c 20", 0),
        ("slsa check -f html | true", 0),
        ("slsa check -f html --min-level 3 | true", 1),
        ("slsa check -f html --min-level 3 | head -c 20", 1),
        ("slsa verify - </dev/null | true", 65),
        ("slsa rules list | head -1", 0),
        ("slsa check >&-", 0),
        ("slsa check --min-level 3 >&-", 1),
        ("slsa check 2>&-", 0),
        ("slsa check --min-level 3 >&- 2>&-", 1),
        ("slsa check missing >&- 2>&-", 66),
        ("slsa verify - <&-", 66),
        ("slsa check -a - <&-", 66),
    ],
)
def test_closed_streams_keep_the_exit_code(script: str, code: int) -> None:
    ran = _shell(script)
    assert ran.returncode == code, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert b"Exception ignored" not in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("script", "code"),
    [("slsa check >/dev/full", 69), ("slsa check --help >/dev/full", 69), ("slsa check --min-level 3 2>/dev/full", 1)],
)
def test_a_full_disk_is_out_of_reach(script: str, code: int) -> None:
    ran = _shell(script)
    assert ran.returncode == code
    assert b"Traceback" not in ran.stderr
    assert code != 69 or ran.stderr.startswith(b"error: ")


@pytest.mark.skipif(shutil.which("bash") is None or not Path("/dev/fd").exists(), reason="needs bash and /dev/fd")
def test_process_substitution_works(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = _shell(
        f"slsa check {tmp_path}/empty --artifact <(cat {WHEEL}) -a <(cat {GOOD}) "
        f"--trusted-root <(cat {WIDGET}/trusted_root.json) -q --min-level 2 -f json=>(cat >{tmp_path}/out); wait"
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads((tmp_path / "out").read_text())["verdict"]["passed"] is True
