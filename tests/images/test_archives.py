"""Tars read in place: every trick that an archive can play is refused, and nothing is ever unpacked."""

from __future__ import annotations

import io
import tarfile
import zlib
from pathlib import Path

import pytest
from image_parts import gzipped, tar_of

from assess.errors import InputError, NoInputError
from assess.images._tar import TarFile

FILES = {"a": b"first", "folder/b": b"second" * 500, "empty": b""}
LONG = "folder/" + "x" * 200 + "/" + "y" * 120


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, *, data: bytes = b"", link: str = "", **fields: object) -> bytes:
    """One header with its content, without an end mark."""
    one = tarfile.TarInfo(name)
    one.type, one.linkname, one.size = kind, link, len(data)
    for key, value in fields.items():
        setattr(one, key, value)
    padding = -len(data) % 512
    return one.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * padding


END = b"\0" * 1024


def signed_header(header: bytes) -> bytes:
    """A header with its checksum made right again."""
    blank = header[:148] + b" " * 8 + header[156:]
    return blank[:148] + f"{sum(blank):06o}\0 ".encode() + blank[156:]


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_plain_files_of_every_style(tmp_path: Path, style: int, packed: bool, prefix: str) -> None:
    data = tar_of(FILES, prefix=prefix, style=style)
    tar = TarFile(written(tmp_path, gzipped(data) if packed else data))
    assert tar.names == tuple(FILES)
    assert {name: tar.read(name, 10_000) for name in FILES} == FILES
    assert tar.read("none", 10) is None


@pytest.mark.parametrize("style", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names(tmp_path: Path, style: int) -> None:
    tar = TarFile(written(tmp_path, tar_of({LONG: b"here"}, style=style)))
    assert tar.read(LONG, 10) == b"here"


def test_folders_are_passed_over(tmp_path: Path) -> None:
    data = member("./", tarfile.DIRTYPE) + member("folder/", tarfile.DIRTYPE) + member("folder/a", data=b"x") + END
    assert TarFile(written(tmp_path, data)).names == ("folder/a",)


def test_sizes_in_base_256(tmp_path: Path) -> None:
    header = bytearray(member("a", data=b"abc"))
    header[124:136] = b"\x80" + (3).to_bytes(11, "big")
    tar = TarFile(written(tmp_path, signed_header(bytes(header[:512])) + bytes(header[512:]) + END))
    assert tar.read("a", 10) == b"abc"


def test_what_is_larger_than_its_limit_is_not_read(tmp_path: Path) -> None:
    tar = TarFile(written(tmp_path, tar_of(FILES)))
    with pytest.raises(InputError, match="too large"):
        tar.read("folder/b", 2999)


def test_large_members_of_compressed_tars_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assess.images._tar.SMALL", 100)
    tar = TarFile(written(tmp_path, gzipped(tar_of(FILES))))
    assert tar.read("folder/b", 10_000) == FILES["folder/b"]
    assert tar.read("a", 10) == b"first"


def test_gzip_in_several_members(tmp_path: Path) -> None:
    data = tar_of(FILES)
    tar = TarFile(written(tmp_path, gzipped(data[:700]) + gzipped(data[700:])))
    assert tar.read("folder/b", 10_000) == FILES["folder/b"]


HEX = "ab" * 32
REFUSED: dict[str, tuple[bytes, str]] = {
    "a name that leaves the folder": (member("../../etc/passwd", data=b"x") + END, "refused"),
    "a name with a way up inside": (member("a/../../b", data=b"x") + END, "refused"),
    "an absolute name": (member("/etc/passwd", data=b"x") + END, "refused"),
    "a name with a backslash": (member("a\\b", data=b"x") + END, "refused"),
    "a name with a line break": (member("a\nb", data=b"x") + END, "refused"),
    "an empty name": (member("", data=b"x") + END, "refused"),
    "a name with an empty part": (member("a//b", data=b"x") + END, "refused"),
    "a folder that leads out": (member("../", tarfile.DIRTYPE) + END, "refused"),
    "a symbolic link": (member("index.json", tarfile.SYMTYPE, link="/etc/passwd") + END, "symbolic link"),
    "a symbolic link inside": (member("a", tarfile.SYMTYPE, link="b") + END, "symbolic link"),
    "a hard link": (member("index.json", tarfile.LNKTYPE, link="other") + END, "hard link"),
    "a device": (member("a", tarfile.CHRTYPE) + END, "device"),
    "a disk": (member("a", tarfile.BLKTYPE) + END, "device"),
    "a pipe": (member("a", tarfile.FIFOTYPE) + END, "named pipe"),
    "a sparse file": (member("a", tarfile.GNUTYPE_SPARSE) + END, "sparse"),
    "an unknown kind": (member("a", b"Z") + END, "unknown kind"),
    "one name twice": (member("a", data=b"x") + member("./a", data=b"y") + END, "two members of one name"),
    "a legacy link and a file of its name": (
        member(f"{HEX}/layer.tar", tarfile.SYMTYPE, link=f"../{HEX}.tar") + member(f"{HEX}/layer.tar", data=b"x") + END,
        "two members of one name",
    ),
    "a legacy link that leads elsewhere": (
        member(f"{HEX}/layer.tar", tarfile.SYMTYPE, link="../../etc/passwd") + END,
        "symbolic link",
    ),
    "a legacy link of an attested name": (
        member("manifest.json", tarfile.SYMTYPE, link=f"{HEX}.tar") + END,
        "symbolic",
    ),
    "no end mark": (member("a", data=b"x"), "breaks off"),
    "an end within a header": (member("a", data=b"x") + b"x" * 100, "breaks off"),
    "a damaged header": (member("a", data=b"x") + b"x" * 512 + END, "damaged header"),
    "what is no tar": (b"<html>" * 200, "not a tar"),
    "nothing": (b"", "breaks off"),
    "zeros in a compression": (gzipped(b"x" * 100), "breaks off"),
    "gzip that is damaged": (gzipped(tar_of(FILES))[:40] + b"\xff" * 400, "damaged"),
    "gzip that breaks off": (gzipped(tar_of(FILES))[:60], "breaks off"),
    "zstd": (b"\x28\xb5\x2f\xfd" + b"x" * 600, "compressed with zstd"),
    "xz": (b"\xfd7zXZ\0" + b"x" * 600, "compressed with xz"),
    "bzip2": (b"BZh9" + b"x" * 600, "compressed with bzip2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    data, told = REFUSED[name]
    with pytest.raises(InputError, match=told) as caught:
        TarFile(written(tmp_path, data))
    assert "a.tar" in (caught.value.place or "")


def _pax(records: bytes, kind: bytes = b"x") -> bytes:
    return member("pax", kind, data=records)


def _record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode()
    length = len(body) + 1
    while len(f"{length}".encode() + body) != length:
        length += 1
    return f"{length}".encode() + body


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (_pax(_record("path", "../out")) + member("a", data=b"x") + END, "refused"),
        (_pax(_record("path", "/abs")) + member("a", data=b"x") + END, "refused"),
        (_pax(_record("size", "-5")) + member("a", data=b"x") + END, "proper size"),
        (_pax(_record("size", "9" * 30)) + member("a", data=b"x") + END, "proper size"),
        (_pax(_record("GNU.sparse.map", "0,1")) + member("a", data=b"x") + END, "sparse"),
        (_pax(_record("path", "b"), b"g") + member("a", data=b"x") + END, "global header"),
        (_pax(b"99 path=b\n") + member("a", data=b"x") + END, "damaged extended header"),
        (_pax(b"path=b\n") + member("a", data=b"x") + END, "damaged extended header"),
        (_pax(b"8 path=b") + member("a", data=b"x") + END, "damaged extended header"),
        (_pax(_record("comment", "x" * 70_000)) + member("a", data=b"x") + END, "extended header is too large"),
        (member("L", b"L", data=b"../out\0") + member("a", data=b"x") + END, "refused"),
    ],
)
def test_extended_headers_play_no_tricks(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told):
        TarFile(written(tmp_path, data))


def test_harmless_global_headers_are_passed_over(tmp_path: Path) -> None:
    data = _pax(_record("comment", "made by git"), b"g") + member("a", data=b"x") + END
    assert TarFile(written(tmp_path, data)).read("a", 1) == b"x"


@pytest.mark.parametrize("size", [b"\xff" * 12, b"-0000000005\0", b"99999999999\0", b"\x80" + b"\xff" * 11])
def test_sizes_that_lead_nowhere(tmp_path: Path, size: bytes) -> None:
    # CVE-2025-8194: a negative size sends a reader back, for ever
    header = bytearray(member("a"))
    header[124:136] = size
    with pytest.raises(InputError, match="proper size"):
        TarFile(written(tmp_path, signed_header(bytes(header)) + END))


def test_a_size_beyond_the_end(tmp_path: Path) -> None:
    header = bytearray(member("a"))
    header[124:136] = b"00000010000\0"
    with pytest.raises(InputError, match="breaks off"):
        TarFile(written(tmp_path, signed_header(bytes(header)) + END))


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assess.images._tar.MAX_MEMBERS", 3)
    assert len(TarFile(written(tmp_path, tar_of({str(one): b"" for one in range(3)}))).names) == 3
    with pytest.raises(InputError, match="too many members"):
        TarFile(written(tmp_path, tar_of({str(one): b"" for one in range(5)})))


def test_bombs_are_refused(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    header = bytearray(member("zeros"))
    header[124:136] = b"00400000000\0"  # 64 MiB
    pieces = [packer.compress(signed_header(bytes(header)))]
    pieces += [packer.compress(b"\0" * (1 << 20)) for _ in range(64)]
    bomb = b"".join((*pieces, packer.compress(END), packer.flush()))
    assert len(bomb) < 100_000
    with pytest.raises(InputError, match="far too much"):
        TarFile(written(tmp_path, bomb))


def test_a_tar_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, tar_of(FILES))
    tar = TarFile(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(InputError, match="breaks off"):
        tar.read("folder/b", 10_000)


def test_a_tar_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        TarFile(tmp_path / "none.tar")


def test_links_of_old_docker_archives_are_never_followed(tmp_path: Path) -> None:
    data = member(f"{HEX}.tar", data=b"layer") + member(f"{HEX}/layer.tar", tarfile.SYMTYPE, link=f"../{HEX}.tar") + END
    tar = TarFile(written(tmp_path, data))
    assert tar.names == (f"{HEX}.tar",)
    assert tar.read(f"{HEX}/layer.tar", 10) is None


def test_our_reading_is_that_of_tarfile(tmp_path: Path) -> None:
    data = tar_of({**FILES, LONG: b"x" * 700}, style=tarfile.PAX_FORMAT)
    ours = TarFile(written(tmp_path, data))
    with tarfile.open(fileobj=io.BytesIO(data)) as theirs:
        members = [one for one in theirs.getmembers() if one.isreg()]
        assert ours.names == tuple(one.name for one in members)
        for one in members:
            stream = theirs.extractfile(one)
            assert stream is not None and ours.read(one.name, 10_000) == stream.read()
