"""Layouts with their links: what holds, what fails and by which check alone, and that nothing is ever executed."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_toto.models.layout import Inspection, Layout, Step
from in_toto.models.link import Link
from in_toto.models.metadata import Metadata
from in_toto.verifylib import in_toto_verify
from virtual_layouts import AT, FOO, Supply, as_dict, dumped, file_name, public, signer

from assess.trust.keys import load_public_key
from assess.trust.layouts import LayoutVerification, verify_layout

ALGORITHMS = ("ed25519", "p256", "rsa")


def verify(supply: Supply, links: dict[str, bytes] | None = None, **changes: Any) -> LayoutVerification:
    given = {"layout": supply.layout_bytes(), "keys": (supply.owner(),), "at": AT, **changes}
    return verify_layout(links=tuple((supply.links() if links is None else links).items()), **given)


def not_held(result: LayoutVerification) -> set[str]:
    """The names of the checks that are anything but verified."""
    return {check.name for check in result.checks if check.result != "verified"}


def oracle(supply: Supply, folder: Path) -> bool:
    """What in-toto's own verification says."""
    layout = supply.write(folder)
    owner = as_dict(supply.signer("owner"))
    try:
        in_toto_verify(Metadata.load(str(layout)), {owner["keyid"]: owner}, link_dir_path=str(folder))
    except Exception:
        return False
    return True


@pytest.mark.parametrize("dsse", [False, True], ids=["metablock", "dsse"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_holds(algorithm: str, dsse: bool, tmp_path: Path) -> None:
    supply = Supply(algorithm=algorithm, dsse=dsse)
    result = verify(supply)
    assert (result.state, result.note, not_held(result)) == ("verified", None, set())
    assert [step.name for step in result.steps] == ["write", "package"]
    assert result.steps[0].performed_by[0].identity == f"sha256:{public('alice', algorithm).sha256}"
    assert result.steps[1].performed_by[0].identity == f"sha256:{public('bob', algorithm).sha256}"
    assert (result.steps[0].command_as_expected, result.steps[1].command_as_expected) == (False, True)
    assert result.owners[0].identity == f"sha256:{supply.owner().sha256}"
    assert oracle(supply, tmp_path)


def _signed_part(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with its signed part changed and its signatures as they were."""
    outer = json.loads(data)
    if "signed" in outer:
        change(outer["signed"])
    else:
        inner = json.loads(base64.b64decode(outer["payload"]))
        change(inner)
        outer["payload"] = base64.b64encode(json.dumps(inner).encode()).decode()
    return json.dumps(outer).encode()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "threshold not met": ({"threshold": 2}, "threshold"),
    "wrong functionary": ({"write_by": ("bob",)}, "threshold"),
    "functionary of no layout": ({"write_by": ("mallory",)}, "threshold"),
    "no link": ({"write_by": ()}, "links"),
    "expired": ({"expires": "2026-11-24T00:00:00Z"}, "expiry"),
    "artifact that nobody made": ({"package_materials": {**FOO, "evil.py": {"sha256": "cc" * 32}}}, "rules"),
    "artifact changed between steps": ({"package_materials": {"foo.py": {"sha256": "cc" * 32}}}, "rules"),
    "two who disagree": (
        {
            "threshold": 2,
            "write_by": ("alice", "carol"),
            "write_products": {"carol": {"foo.py": {"sha256": "dd" * 32}}},
        },
        "agreement",
    ),
}


@pytest.mark.parametrize("dsse", [False, True], ids=["metablock", "dsse"])
@pytest.mark.parametrize("case", WRONG)
def test_fails_with_exactly_that_check(case: str, dsse: bool, tmp_path: Path) -> None:
    changes, check = WRONG[case]
    supply = Supply(dsse=dsse, **changes)
    result = verify(supply)
    assert (result.state, not_held(result)) == ("failed", {check}), result.note
    assert result.note is not None and result.note.startswith(f"{check}: ")
    if case != "expired":
        # The library knows no other time than now, which is not that of the test.
        assert not oracle(supply, tmp_path)


@pytest.mark.parametrize("dsse", [False, True], ids=["metablock", "dsse"])
def test_tampered(dsse: bool) -> None:
    supply = Supply(dsse=dsse)
    links = supply.links()
    name = next(iter(links))
    assert verify(supply).state == "verified"
    tampered = {**links, name: _signed_part(links[name], lambda link: link.update(command=["sed"]))}
    result = verify(supply, tampered)
    assert (result.state, not_held(result)) == ("failed", {"threshold"})
    assert name in (result.note or "")
    layout = _signed_part(supply.layout_bytes(), lambda layout: layout["steps"][0].update(threshold=1, pubkeys=[]))
    result = verify(supply, layout=layout)
    assert (result.state, not_held(result), result.steps) == ("failed", {"signature"}, ())


def test_every_bit_of_a_link_counts() -> None:
    supply = Supply()
    links = supply.links()
    name = next(iter(links))
    good = links[name]
    accepted = []
    for at in range(0, len(good), 3):
        changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        if verify(supply, {**links, name: changed}).state == "verified":
            accepted.append(at)
    # What still holds changes no signed byte: the key id, a hint, and its name in the signature.
    unsigned = good.index(b'"signatures"')
    signed = good.index(b'"signed"')
    assert all(unsigned < at < signed for at in accepted), accepted


def test_two_functionaries_meet_a_threshold_of_two(tmp_path: Path) -> None:
    supply = Supply(threshold=2, write_by=("alice", "carol"))
    result = verify(supply)
    assert result.state == "verified"
    assert len(result.steps[0].performed_by) == 2
    assert oracle(supply, tmp_path)


def test_one_key_under_two_names_is_one_functionary() -> None:
    alice = signer("alice")
    other = {**as_dict(alice), "keyid": "ab" * 32}
    supply = Supply(threshold=2, keys={other["keyid"]: other})
    layout = supply.layout()
    layout.steps[0].pubkeys.append(other["keyid"])
    links = supply.links()
    again = json.loads(links[file_name("write", alice)])
    again["signatures"][0]["keyid"] = other["keyid"]
    links[f"write.{'ab' * 4}.link"] = json.dumps(again).encode()
    result = verify(supply, links, layout=dumped(layout, signer("owner")))
    assert (result.state, not_held(result)) == ("failed", {"threshold"})


def test_a_link_of_another_step_under_the_name_of_this_one() -> None:
    supply = Supply()
    links = supply.links()
    alice = signer("alice")
    name = file_name("write", alice)
    links[name] = dumped(Link(name="lunch", products=FOO), alice)
    result = verify(supply, links)
    assert (result.state, not_held(result)) == ("failed", {"links"})


@pytest.mark.parametrize(
    ("key_names", "state", "check"),
    [((), None, "signature"), (("mallory",), "failed", "signature"), (("owner", "mallory"), "failed", "signature")],
)
def test_owner_keys(key_names: tuple[str, ...], state: str | None, check: str) -> None:
    result = verify(Supply(), keys=tuple(public(name) for name in key_names))
    assert (result.state, not_held(result), result.owners, result.steps) == (state, {check}, (), ())


def test_two_owners_must_both_have_signed() -> None:
    supply = Supply()
    layout = dumped(supply.layout(), signer("owner"), signer("second"))
    assert verify(supply, layout=layout, keys=(public("owner"), public("second"))).state == "verified"


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_expiry_is_told_by_the_given_time(seconds: int) -> None:
    expires = datetime(2030, 1, 1, tzinfo=UTC)
    supply = Supply(expires="2030-01-01T00:00:00Z")
    result = verify(supply, at=expires + timedelta(seconds=seconds))
    assert (result.state == "verified") == (seconds < 0)


def test_missing_expiry_is_no_expiry_at_all() -> None:
    supply = Supply()
    layout = json.loads(supply.layout_bytes())
    del layout["signed"]["expires"]
    signed = _resigned(layout["signed"])
    result = verify(supply, layout=signed)
    assert (result.state, not_held(result)) == ("failed", {"expiry"})


def _resigned(signed: dict[str, Any]) -> bytes:
    """A DSSE envelope over any JSON, signed by the owner: for what in-toto's own models would not make."""
    from assess.trust.keys import pae

    payload = json.dumps(signed).encode()
    signature = signer("owner").sign(pae("application/vnd.in-toto+json", payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": base64.b64encode(bytes.fromhex(signature.signature)).decode()}],
    }
    return json.dumps(envelope).encode()


def _inspection(target: Path) -> Inspection:
    return Inspection(name="look", run=["touch", str(target)])


@pytest.mark.parametrize("dsse", [False, True], ids=["metablock", "dsse"])
def test_inspections_are_refused_and_never_run(dsse: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where the library, asked as the oracle below, leaves its link
    target = tmp_path / "executed"
    supply = Supply(dsse=dsse, inspect=(_inspection(target),))
    result = verify(supply)
    assert (result.state, not_held(result)) == (None, {"inspections"})
    assert result.note is not None and "refused" in result.note and '"look"' in result.note
    assert not target.exists()
    # The library itself would have run it: the test's command is a real one.
    assert oracle(supply, tmp_path / "oracle") and target.exists()


AUDIT = """
import sys
from pathlib import Path
FORBIDDEN = ("subprocess.", "os.exec", "os.posix_spawn", "os.system", "os.fork", "os.spawn", "pty.", "socket.connect")
seen = []
def hook(event, arguments):
    if event.startswith(FORBIDDEN):
        seen.append(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append(f"write {arguments[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(hook)
from datetime import UTC, datetime
from assess.layouts import LayoutPlan, read_layout
folder = Path(sys.argv[1])
plan = LayoutPlan(("layout", folder / "root.layout"), (("links", folder),), (("key", folder / "owner.pub"),))
print(read_layout(plan, datetime(2026, 11, 24, tzinfo=UTC)).layout.verified, seen)
"""


@pytest.mark.parametrize(("inspect", "expected"), [(False, "True []"), (True, "None []")])
def test_no_process_no_network_no_file_is_written(inspect: bool, expected: str, tmp_path: Path) -> None:
    """As the interpreter's own audit events tell, import of the library included."""
    supply = Supply(inspect=(_inspection(tmp_path / "executed"),) if inspect else ())
    supply.write(tmp_path / "in")
    ran = subprocess.run(
        [sys.executable, "-c", AUDIT, str(tmp_path / "in")], capture_output=True, text=True, check=False
    )
    assert (ran.stdout.strip(), ran.returncode) == (expected, 0), ran.stderr


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_raises_or_is_accepted(data: st.DataObject) -> None:
    """Bytes of the layout changed at random: it fails or is not read, and no exception leaves."""
    supply = Supply(dsse=data.draw(st.booleans()))
    layout = bytearray(supply.layout_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(layout) - 1))
        layout[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    result = verify(supply, layout=bytes(layout))
    if result.state == "verified":
        # Only what nobody signs may differ: white space outside, and key ids, which are hints.
        assert result.layout == verify(supply).layout


class Delegated:
    """A layout whose step `write` is answered by alice with a layout of her own, whose one step is dave's."""

    def __init__(self, inspect: tuple[Inspection, ...] = (), products: dict[str, Any] = FOO, by: str = "dave") -> None:
        self.supply = Supply(write_by=())
        alice, dave = signer("alice"), signer("dave")
        step = Step(name="inner", pubkeys=[dave.public_key.keyid], expected_products=[["ALLOW", "*"]])
        inner = Layout(
            steps=[step],
            inspect=list(inspect),
            keys={dave.public_key.keyid: as_dict(dave)},
            expires="2199-01-01T00:00:00Z",
        )
        self.name = file_name("write", alice)
        self.folder = self.name.removesuffix(".link")
        link = dumped(Link(name="inner", products=products), signer(by))
        self.links = {
            **self.supply.links(),
            self.name: dumped(inner, alice),
            f"{self.folder}/{file_name('inner', dave)}": link,
        }

    def verify(self) -> LayoutVerification:
        return verify(self.supply, self.links)


def test_sublayout(tmp_path: Path) -> None:
    case = Delegated()
    result = case.verify()
    assert (result.state, not_held(result)) == ("verified", set())
    assert [step.name for step in result.steps] == ["write/inner", "write", "package"]
    assert [step.delegated for step in result.steps] == [False, True, False]
    case.supply.write(tmp_path)
    for name, data in case.links.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    owner = as_dict(signer("owner"))
    in_toto_verify(Metadata.load(str(tmp_path / "root.layout")), {owner["keyid"]: owner}, link_dir_path=str(tmp_path))


def test_sublayout_fails() -> None:
    result = Delegated(by="mallory").verify()
    assert (result.state, {check.name for check in result.checks if check.result == "failed"}) == (
        "failed",
        {"threshold"},
    )
    assert result.note is not None and 'in the sub-layout of "write"' in result.note
    # What comes out of the sub-layout is what the next step must have taken in.
    assert not_held(Delegated(products={"foo.py": {"sha256": "ee" * 32}}).verify()) == {"rules"}
    # Its links are those of its folder alone.
    case = Delegated()
    case.links = {name.rpartition("/")[2]: data for name, data in case.links.items()}
    assert "links" in not_held(case.verify())


def test_inspection_of_a_sublayout_is_refused_and_never_run(tmp_path: Path) -> None:
    target = tmp_path / "executed"
    result = Delegated(inspect=(_inspection(target),)).verify()
    assert (result.state, not_held(result)) == (None, {"inspections"})
    assert not target.exists()


def test_layouts_within_layouts_are_limited() -> None:
    """alice delegates to herself, again and again, with links that are all there."""
    supply = Supply(write_by=())
    alice = signer("alice")
    step = Step(name="write", pubkeys=[alice.public_key.keyid])
    inner = Layout(steps=[step], keys={alice.public_key.keyid: as_dict(alice)}, expires="2199-01-01T00:00:00Z")
    name = file_name("write", alice)
    links = supply.links()
    for depth in range(12):
        links["/".join([*[name.removesuffix(".link")] * depth, name])] = dumped(inner, alice)
    result = verify(supply, links)
    assert result.state == "failed"
    assert "sublayout" in not_held(result)


@pytest.mark.parametrize(
    "name", ["../write.00000000.link", "/etc/x.link", "a/../../x.link", "..\\x.link", "x\x00.link", "", "a\n.link"]
)
def test_names_that_leave_their_folder(name: str) -> None:
    supply = Supply()
    result = verify(supply, {**supply.links(), name: b"{}"})
    assert (result.state, not_held(result)) == ("failed", {"open"})


def test_gpg_is_not_provable_here() -> None:
    fingerprint = "8288ef560ed3795f9df2c0db56193089b285da58"
    gpg = {
        "hashes": ["pgp+SHA2"],
        "keyid": fingerprint,
        "keyval": {"private": "", "public": {"e": "010001", "n": "da"}},
        "method": "pgp+rsa-pkcsv1.5",
        "type": "rsa",
    }
    supply = Supply(authorised=("alice",), write_by=())
    layout = json.loads(supply.layout_bytes())["signed"]
    layout["keys"][fingerprint] = gpg
    layout["steps"][0]["pubkeys"] = [fingerprint]
    links = supply.links()
    signed = json.loads(dumped(Link(name="write", products=FOO)))["signed"]
    signature = {"keyid": fingerprint, "other_headers": "04", "signature": "00"}
    links[f"write.{fingerprint[:8]}.link"] = json.dumps({"signed": signed, "signatures": [signature]}).encode()
    result = verify(supply, links, layout=_resigned(layout))
    assert (result.state, not_held(result)) == (None, {"threshold"})
    assert "GPG" in (result.note or "")
    # Signed by GPG only, so that no given owner key can tell.
    outer = {"signed": layout, "signatures": [signature]}
    result = verify(supply, links, layout=json.dumps(outer).encode())
    assert (result.state, not_held(result)) == (None, {"signature"})


@pytest.mark.parametrize("keytype", ["sigstore-oidc", "gpg", "rsa", "", "sphincs"])
def test_keys_of_other_kinds_are_never_used(keytype: str) -> None:
    """A key of a kind that is not verified here, or of another kind than it says, authorises nobody."""
    supply = Supply()
    layout = json.loads(supply.layout_bytes())["signed"]
    for key in layout["keys"].values():
        key["keytype"] = keytype
    result = verify(supply, layout=_resigned(layout))
    assert (result.state, not_held(result)) == (None, {"threshold"})


HOSTILE: dict[str, Callable[[dict[str, Any]], None]] = {
    "threshold of zero": lambda layout: layout["steps"][0].update(threshold=0),
    "negative threshold": lambda layout: layout["steps"][0].update(threshold=-1),
    "two steps of one name": lambda layout: layout["steps"].append(layout["steps"][0]),
    "a key under another name": lambda layout: next(iter(layout["keys"].values())).update(keyid="00"),
    "steps that are no list": lambda layout: layout.update(steps={"write": {}}),
    "a step that is no object": lambda layout: layout.update(steps=["write"]),
    "a rule that is no list": lambda layout: layout["steps"][0].update(expected_products=["ALLOW *"]),
    "an endless name": lambda layout: layout["steps"][0].update(name="x" * 10_000),
    "too many rules": lambda layout: layout["steps"][0].update(expected_products=[["ALLOW", "*"]] * 1000),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_malformed_layouts(case: str) -> None:
    supply = Supply()
    layout = json.loads(supply.layout_bytes())["signed"]
    HOSTILE[case](layout)
    result = verify(supply, layout=_resigned(layout))
    assert (result.state, not_held(result)) == ("failed", {"open"})


@pytest.mark.parametrize(
    "rule", [[], ["EAT", "*"], ["MATCH", "*"], ["ALLOW"], ["MATCH", "*", "WITH", "NOTHING", "FROM", "write"]]
)
def test_malformed_rules(rule: list[str]) -> None:
    supply = Supply()
    layout = json.loads(supply.layout_bytes())["signed"]
    layout["steps"][0]["expected_products"].insert(0, rule)
    result = verify(supply, layout=_resigned(layout))
    assert (result.state, not_held(result)) == ("failed", {"rules"})


def test_artifacts_without_digest_match_nothing() -> None:
    supply = Supply(write_products={"alice": {"foo.py": {}}}, package_materials={"foo.py": {}})
    result = verify(supply)
    assert (result.state, not_held(result)) == ("failed", {"rules"})


def test_layout_without_steps_shows_nothing() -> None:
    supply = Supply()
    layout = json.loads(supply.layout_bytes())["signed"]
    layout["steps"] = []
    result = verify(supply, layout=_resigned(layout))
    assert (result.state, not_held(result), result.steps) == (None, {"links"}, ())


def test_pathological_rules_take_no_time() -> None:
    paths = {"a" * 60 + str(number): {"sha256": "aa" * 32} for number in range(20_000)}
    supply = Supply(write_products={"alice": paths})
    layout = json.loads(supply.layout_bytes())["signed"]
    layout["steps"][0]["expected_products"] = [["ALLOW", "*a" * 40 + "b"]] * 200
    started = time.perf_counter()
    result = verify(supply, layout=_resigned(layout))
    assert (result.state, not_held(result)) == ("failed", {"rules"})
    assert time.perf_counter() - started < 60


def test_signatures_to_try_are_limited() -> None:
    supply = Supply()
    links = supply.links()
    name, data = next(iter(links.items()))
    outer = json.loads(data)
    outer["signatures"] = [{"keyid": "00" * 32, "sig": "11" * 64}] * 64
    for number in range(200):
        links[f"{number}.{name}"] = json.dumps(outer).encode()
    result = verify(supply, links)
    assert (result.state, not_held(result)) == ("failed", {"threshold"})
    assert "too many signatures" in (result.note or "")


def test_a_link_that_cannot_be_read_is_told_and_not_counted() -> None:
    supply = Supply()
    result = verify(supply, {**supply.links(), "write.00000000.link": b"{"})
    assert result.state == "verified"
    assert [str(one.source) for one in result.unreadable] == ["write.00000000.link"]


def test_too_many_links() -> None:
    supply = Supply()
    result = verify(supply, {**supply.links(), **{f"{number}.link": b"{}" for number in range(1001)}})
    assert (result.state, not_held(result)) == ("failed", {"open"})


def test_the_library_says_nothing_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    verify(Supply())
    verify(Supply(package_materials={"foo.py": {"sha256": "cc" * 32}}))
    assert capfd.readouterr() == ("", "")


# --- the corpus ------------------------------------------------------------------------------------------------------

GOLANG = "provenance/in-toto-golang/in-toto+in-toto-golang/test/data"


def _golang(corpus: Path, prefix: str = "") -> tuple[tuple[str, bytes], ...]:
    return tuple((prefix + file.name, file.read_bytes()) for file in sorted((corpus / GOLANG).glob("*.link")))


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "state", "because", "steps"),
    [
        ("demo.layout", None, {"inspections"}, 2),
        ("demo.dsse.layout", None, {"inspections"}, 2),
        ("dsse-only.root.layout", "verified", set(), 3),
        # It was never signed, and expired in 2021: its suite tests the delegation alone, as the next test does.
        ("super.layout", "failed", {"signature"}, 0),
    ],
)
def test_layouts_of_in_toto_golang(corpus: Path, name: str, state: str | None, because: set[str], steps: int) -> None:
    """The rows of `expected/misc.tsv`, all `valid` there: each holds here, or is refused for what it says."""
    key = load_public_key((corpus / GOLANG / "alice.pub").read_bytes(), "alice.pub")
    result = verify_layout((corpus / GOLANG / name).read_bytes(), _golang(corpus), (key,), AT)
    assert (result.state, not_held(result), len(result.steps)) == (state, because, steps), result.note


@pytest.mark.corpus
def test_delegation_of_in_toto_golang(corpus: Path) -> None:
    """`super.layout`, dated anew and signed: all holds but for the inspection of its genuine sub-layout."""
    layout = json.loads((corpus / GOLANG / "super.layout").read_bytes())["signed"]
    layout["expires"] = "2199-01-01T00:00:00Z"
    links = (*_golang(corpus), *_golang(corpus, "sub_layout.70ca5750/"))
    result = verify_layout(_resigned(layout), links, (public("owner"),), AT)
    assert (result.state, not_held(result)) == (None, {"inspections"}), result.note
    assert [step.name for step in result.steps] == ["sub_layout/write-code", "sub_layout/package", "sub_layout"]


@pytest.mark.corpus
def test_rows_of_the_corpus_are_the_ones_above(corpus: Path) -> None:
    rows = [line.split("\t") for line in (corpus / "expected" / "misc.tsv").read_text().splitlines()]
    named = {Path(row[1]).name: row[3] for row in rows if row[0] == "in-toto"}
    assert named == dict.fromkeys(("demo.layout", "demo.dsse.layout", "dsse-only.root.layout", "super.layout"), "valid")
