"""README.md: what it tells a newcomer to type works, and every option that it names is there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from assess.errors import Exit

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WIDGET = ROOT / "examples" / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
COMMANDS = ("check", "verify", "image", "evidence", "expect", "report", "explain", "fix", "rules", "init", "demo")
FIVE_MINUTES = README.partition("## Five minutes")[2].partition("\n## ")[0]


def _help(*command: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "assess", *command, "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    return ran.stdout


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """Command -> its options, from its help."""
    found = {name: set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", _help(name))) for name in COMMANDS}
    found["rules"] |= set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", _help("rules", "list") + _help("rules", "test")))
    return found


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def _commands(text: str) -> list[list[str]]:
    """Every `slsa-assess ...` of shell blocks, CI scripts and prose, as words."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = re.findall(rf"slsa-assess ((?:{'|'.join(COMMANDS)})\b[^\n`|]*)", joined)
    return [shlex.split(line, comments=True) for line in lines]


def test_every_option_that_is_named_exists(options: dict[str, set[str]]) -> None:
    prose = README.partition("<!-- generated: help -->")[0]
    checked = 0
    for words in _commands(prose):
        for word in words[1:]:
            if word.startswith("-") and word != "-":
                assert word.partition("=")[0] in options[words[0]], words
                checked += 1
    assert checked >= 10
    everything = set().union(*options.values())
    for word in re.findall(r"`(--?[a-z][\w-]*)", prose):
        assert word in everything, word


def test_the_help_in_the_readme_names_the_options_of_today(options: dict[str, set[str]]) -> None:
    for name in COMMANDS:
        block = README.partition(f"<code>slsa-assess {name}</code>")[2].partition("</details>")[0]
        shown = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", block))
        assert shown - options[name] == set(), name


def test_every_exit_code_is_documented() -> None:
    section = README.partition("<!-- generated: exit-codes -->")[2].partition("<!-- end")[0]
    assert {int(one) for one in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)} == {int(code) for code in Exit}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A newcomer's checkout: the example's pipeline and release, under the names that the README uses."""
    folder = tmp_path / "your-repository"
    shutil.copytree(WIDGET / ".github", folder / ".github")
    (folder / "dist").mkdir()
    shutil.copy(WHEEL, folder / "dist" / "app.tar.gz")
    shutil.copy(f"{WHEEL}.sigstore.json", folder / "dist" / "app.tar.gz.sigstore.json")
    return folder


def test_the_commands_of_the_five_minutes_run(repository: Path, run) -> None:
    commands = [words for words in _commands("".join(_blocks(FIVE_MINUTES, "sh"))) if words]
    assert [words[0] for words in commands] == ["check", "check"]
    bare, release = commands

    first = run(*bare, cwd=repository)
    assert (first.code, first.err.splitlines()[-1]) == (0, "ASSESSED: Build L0, could be L3")
    assert first.err.splitlines()[-1] in FIVE_MINUTES

    # The example's bundle, and the virtual Sigstore that signed it, in the place of the reader's own.
    own = {"github.com/you/app": "github.com/example-org/widget", "v1.2.3": "v1.4.2"}
    words = [own.get(word, word) for word in release]
    assert words != release
    second = run(*words, "--trusted-root", WIDGET / "trusted_root.json", cwd=repository)
    assert (second.code, second.err.splitlines()[-1]) == (0, "PASSED: Build L2 (minimum L2)")
    assert (repository / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert second.out.startswith("your-repository: Build L2")

    without = [word for index, word in enumerate(words) if "-a" not in words[max(0, index - 1) : index + 1]]
    third = run(*without, "--trusted-root", WIDGET / "trusted_root.json", cwd=repository)
    assert third.code == 0, "beside the artifact, -a is not needed"

    strangers = run(*release, "--trusted-root", WIDGET / "trusted_root.json", cwd=repository)
    assert strangers.code == 1
    assert "source_uri" in strangers.err.splitlines()[-1]


def test_the_rest_of_the_five_minutes(repository: Path, run) -> None:
    assert run("init", cwd=repository).code == 0
    file = repository / "slsa-assess.yaml"
    file.write_text(file.read_text() + f"trust: {{trusted_root: '{WIDGET / 'trusted_root.json'}'}}\n")
    assert run("check", cwd=repository).err.splitlines()[-1] == "ASSESSED: Build L2"
    assert run("check", "--min-level", "3", cwd=repository).code == 1
    for words in _commands(FIVE_MINUTES):
        if words[0] == "explain":
            assert run(*words).code == 0
    assert ["explain", "provenance-authentic"] in _commands(FIVE_MINUTES)


@pytest.mark.parametrize("verdict", re.findall(r"`((?:PASSED|FAILED|ASSESSED): [^`]*)`", README))
def test_verdicts_are_quoted_as_they_are_said(verdict: str) -> None:
    level, could = "Build L[0-3]", "(, could be L[1-3])?"
    assert re.fullmatch(rf"(PASSED|FAILED): {level}{could} \(minimum L[0-3]\)|ASSESSED: {level}{could}", verdict)


def test_the_gates_for_ci_are_yaml_and_gate(repository: Path, run) -> None:
    gates = [yaml.safe_load(block) for block in _blocks(README, "yaml")]
    assert len(gates) == 2
    text = README.partition("## Gate a pipeline")[2].partition("\n## ")[0]
    for block in _blocks(text, "yaml"):
        script = " ".join(line.strip().removeprefix("- ") for line in block.splitlines())
        (words,) = _commands(script.partition(" artifacts: {when")[0].replace("\\ ", " "))
        own = [
            re.sub(
                r"\$\w+", lambda match: {"$GITHUB_REF_NAME": "v1.4.2"}.get(match.group(), "example-org/widget"), word
            )
            for word in words
        ]
        own = [word.replace("gitlab.com", "github.com") for word in own]
        ran = run(*own, "--trusted-root", WIDGET / "trusted_root.json", cwd=repository)
        assert ran.code == 0, (own, ran.err)
        unset = [re.sub(r"^\$\w+$", "", word) for word in words]
        if unset != words:
            assert run(*unset, cwd=repository).code == 2, "an unset variable must not switch an expectation off"
        for name in re.findall(r"=(\w+\.(?:html|json))", script):
            assert (repository / name).stat().st_size > 1_000
            assert name in block
    json.loads((repository / "slsa.json").read_text())
