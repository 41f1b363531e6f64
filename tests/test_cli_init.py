"""`init`: a project file from whatever a folder holds, that loads again and never replaces one."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

WIDGET = Path(__file__).resolve().parent.parent / "examples" / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
GOOD = WHEEL.with_name(f"{WHEEL.name}.sigstore.json")


def _git(folder: Path, url: str) -> None:
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text(f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {url}\n\tfetch = x\n')


def test_what_it_finds_is_assessed_without_more(run, tmp_path: Path) -> None:
    shutil.copytree(WIDGET, tmp_path / "widget")
    folder = tmp_path / "widget"
    (folder / "slsa-assess.yaml").unlink()
    _git(folder, "https://user:secret@github.com/example-org/widget.git")
    ran = run("init", folder)
    assert ran.code == 0, ran.err
    assert str(folder / "slsa-assess.yaml") in ran.err
    text = (folder / "slsa-assess.yaml").read_text()
    assert "secret" not in text
    data = yaml.safe_load(text)
    assert data["artifacts"] == [{"path": f"dist/{WHEEL.name}", "attestations": [f"dist/{GOOD.name}"]}]
    assert data["expectations"] == {"source_uri": "github.com/example-org/widget"}
    checked = run("check", folder, "--trusted-root", folder / "trusted_root.json", "--min-level", 2)
    assert (checked.code, checked.err) == (0, "PASSED: Build L2 (minimum L2)\n")


def test_what_is_commented_out_loads_too(run, tmp_path: Path) -> None:
    ran = run("init", "--print", tmp_path)
    text = "\n".join(
        line.removeprefix("# ") if line.startswith(("# gate", "#   ", "# answers", "# expect")) else line
        for line in ran.out.splitlines()
        if not line.startswith(("# artifacts", "#   - path", "#     att"))
    )
    (tmp_path / "slsa-assess.yaml").write_text(text.replace("#  ", "  "))
    data = yaml.safe_load(text.replace("#  ", "  "))
    assert {"gate", "answers", "expectations"} <= set(data)
    checked = run("check", tmp_path, "--artifact", "sha256:" + "0" * 64)
    assert checked.code == 1, checked.err
    assert checked.err.splitlines()[-1].startswith("FAILED: Build L0, could be L3 (minimum L2)")


def test_it_never_replaces_a_file(run, tmp_path: Path) -> None:
    file = tmp_path / "slsa-assess.yaml"
    file.write_text("precious")
    ran = run("init", tmp_path)
    assert (ran.code, file.read_text()) == (78, "precious")
    assert "--force" in ran.err
    assert run("init", tmp_path, "--print").out.startswith("# ")
    assert file.read_text() == "precious"
    assert run("init", tmp_path, "--force").code == 0
    assert yaml.safe_load(file.read_text())["version"] == 1


def test_it_never_writes_through_a_dangling_link(run, tmp_path: Path) -> None:
    (tmp_path / "slsa-assess.yaml").symlink_to(tmp_path / "elsewhere")
    assert run("init", tmp_path).code == 78
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_in_the_files_place(run, tmp_path: Path) -> None:
    (tmp_path / "slsa-assess.yaml").mkdir()
    ran = run("init", tmp_path, "--force")
    assert ran.code == 69
    assert "project file" in ran.err
    assert (tmp_path / "slsa-assess.yaml").is_dir()


@pytest.mark.parametrize("place", ["missing", "file", "a" * 5000])
def test_a_place_that_is_no_folder(place: str, run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = run("init", place, cwd=tmp_path)
    assert ran.code == 66
    assert "hint: " in ran.err
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


NAMES = [
    "sp ace.whl",
    "a\nversion: 2.whl",
    "e\x1b[31m.whl",
    "bidi\u202e.whl",
    "sep\u2028.whl",
    "\U0001f600.whl",
    "nul\x7f\x85.whl",
    "-q.whl",
    "sha256:abc.whl",
    "#a: b.whl",
    "'q\"\\.whl",
    "{a}.whl",
    "&a *b !c.whl",
    "%x.whl",
    "@y.whl",
    "`z`.whl",
    "<img src=x onerror=alert(1)>.whl",
    "true.whl",
]


def test_weird_names_survive_the_round_trip(run, tmp_path: Path) -> None:
    folder = tmp_path / "true"
    (folder / "dist").mkdir(parents=True)
    for name in NAMES:
        (folder / "dist" / name).write_bytes(name.encode())
    assert run("init", folder).code == 0
    data = yaml.safe_load((folder / "slsa-assess.yaml").read_text(encoding="utf-8"))
    assert data["name"] == "true"
    assert sorted(one["path"] for one in data["artifacts"]) == sorted(f"dist/{name}" for name in NAMES)
    for name in ("terminal", "html", "markdown"):
        ran = run("check", folder, "-f", name)
        assert ran.code == 0, ran.err
        assert not set(ran.out) & set("\x1b\u202e\u2028\x7f\x85")
        assert name != "html" or "<img" not in ran.out
    ran = run("check", folder, "-f", "json")
    assert ran.out.isascii()
    assert sorted(one["subject"]["name"] for one in json.loads(ran.out)["subjects"]) == sorted(NAMES)


@pytest.mark.skipif(os.name == "nt", reason="file names are Unicode there")
def test_names_that_are_not_utf8_are_left_out_aloud(run, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    try:
        (tmp_path / "dist" / os.fsdecode(b"\xff.whl")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (tmp_path / "dist" / "a.whl").write_bytes(b"")
    assert run("init", tmp_path).code == 0
    text = (tmp_path / "slsa-assess.yaml").read_text(encoding="utf-8")
    assert "left out: 1 more" in text
    assert run("check", tmp_path).code == 0


def test_more_artifacts_than_it_lists_are_counted(run, tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    for number in range(23):
        (tmp_path / "dist" / f"a{number:02}.whl").write_bytes(b"")
    out = run("init", tmp_path, "--print").out
    assert len(yaml.safe_load(out)["artifacts"]) == 20
    assert "left out: 3 more" in out


def test_only_attestations_are_listed_as_such(run, tmp_path: Path) -> None:
    shutil.copy(WHEEL, tmp_path)
    shutil.copy(GOOD, tmp_path / f"{WHEEL.name}.anything")
    for ending in ("sha256", "asc", "json", "txt"):
        (tmp_path / f"{WHEEL.name}.{ending}").write_text("{}")
    data = yaml.safe_load(run("init", tmp_path, "--print").out)
    assert data["artifacts"] == [{"path": WHEEL.name, "attestations": [f"{WHEEL.name}.anything"]}]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://github.com/o/n.git", "github.com/o/n"),
        ("git@github.com:o/n.git", "github.com/o/n"),
        ("ssh://git@gitlab.com/g/s/n", "gitlab.com/g/s/n"),
        ("https://token@github.com/o/n/", "github.com/o/n"),
        ("/srv/git/n", None),
        ("", None),
        ("https://github.com/o/n\x1b[31m", None),
    ],
)
def test_the_source_comes_from_the_git_remote(url: str, source: str | None, run, tmp_path: Path) -> None:
    _git(tmp_path, url)
    data = yaml.safe_load(run("init", tmp_path, "--print").out)
    assert data.get("expectations", {}).get("source_uri") == source


def test_odd_things_in_the_folder_do_not_stop_it(run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.whl")
    (tmp_path / "loop.whl").symlink_to("loop.whl")
    (tmp_path / "dist").symlink_to("dist")
    (tmp_path / "build").write_text("a file")
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "config")
    (tmp_path / ".github").write_text("a file")
    ran = run("init", tmp_path)
    assert ran.code == 0, ran.err
    assert "artifacts" not in yaml.safe_load((tmp_path / "slsa-assess.yaml").read_text())
