"""Programs that a function of their own tells from their flags, and that run no other command: one arrow for all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assess.evidence import Source
from assess.pipelines._command_table import GITHUB_RELEASE
from assess.pipelines._facts import Act
from assess.pipelines._flags import flag, positional
from assess.pipelines._images import apko, buildah, buildctl, copied, kaniko, ko, melange
from assess.pipelines._packages import bazel, gem, jreleaser, python_publish
from assess.pipelines._signers import gpg, in_toto, notation, tejolote, witness

CHECKSUMS = frozenset({"sha256sum", "sha512sum", "shasum", "sha1sum", "gsha256sum", "b2sum", "md5sum"})


def single(program: str, words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...] | None:
    """Tools that a function of their own tells from their flags."""
    match program:
        case "buildctl" | "buildctl-daemonless.sh":
            return buildctl(words, place, variables)
        case "buildah":
            return buildah(words, place)
        case "executor" if "kaniko" in words[0]:
            return kaniko(words, place)
        case "kaniko":
            return kaniko(words, place)
        case "ko":
            return ko(words, place, variables)
        case "crane" | "skopeo" | "oras" | "regctl" | "regsync" | "gcrane":
            return copied(words, place)
        case "melange":
            return melange(words, place)
        case "apko":
            return apko(words, place)
        case "notation":
            return notation(words, place)
        case "gpg" | "gpg2":
            return gpg(words, place)
        case "witness":
            return witness(words, place)
        case "in-toto-run" | "in-toto-record" | "in-toto-mock":
            return in_toto(program, words, place)
        case "tejolote":
            return tejolote(words, place)
        case "bazel" | "bazelisk":
            return bazel(words, place)
        case "gem":
            return gem(words, place)
        case "jreleaser":
            return jreleaser(words, place)
        case "twine":
            return python_publish(words, place)
        case "uv" | "poetry" | "hatch" | "flit" | "pdm" if {"publish", "upload"} & set(positional(words)[:1]):
            return python_publish(words, place)
        case "git" if "fetch" in words and any("pull/" in word for word in words):
            return (Act("untrusted", "git fetch", place),)
        case _ if program in CHECKSUMS:
            checks = {"-c", "--check"} & set(words) or any(re.match(r"-\w*c", word) for word in words[1:])
            return (Act("verify", f"{program} --check", place),) if checks else ()
        case "curl":
            return _uploads(words, place)
        case "gh" if positional(words)[:1] == ("api",):
            return _github_api(words, place)
        case _:
            return None


def _uploads(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """`curl` that uploads to a release or a package registry."""
    text = " ".join(words)
    sends = {"--upload-file", "-T", "--data-binary", "-F", "--form"} & {word.partition("=")[0] for word in words}
    if not sends:
        return ()
    if "uploads.github.com" in text:
        return (Act("publish", "curl", place, GITHUB_RELEASE),)
    if "/packages/generic/" in text:
        return (Act("publish", "curl", place, "GitLab package registry"),)
    return ()


def _github_api(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    posts = (flag(words, "-X", "--method") or "").upper() in {"POST", "PATCH"} or {
        "-f",
        "-F",
        "--field",
        "--input",
    } & set(words)
    to_releases = any(re.search(r"repos/.+/releases(?:/\d+/assets)?(?:\?|\Z)", word) for word in words)
    return (Act("publish", "gh api", place, GITHUB_RELEASE),) if posts and to_releases else ()
