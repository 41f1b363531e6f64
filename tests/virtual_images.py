"""Virtual images: manifests with what hangs on them in every form that tools use, signed by the virtual Sigstore.

    images = VirtualImages(VirtualSigstore())
    digest = images.image("v1")
    images.sign(digest, form="tag")                 # cosign's .sig tag, keyless
    images.attest(digest, statement, form="bundle", keyed="release")
    images.write_layout(folder)                     # an OCI layout; `images.push(...)` puts them into a registry

Nothing is cached: what a method stores it stores as somebody else's tool would.
"""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from cryptography.hazmat.primitives.serialization import Encoding
from virtual_entries import Content, compact
from virtual_keys import Json, b64
from virtual_sigstore import VirtualSigstore

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
COSIGN_SIG = "application/vnd.dev.cosign.artifact.sig.v1+json"
COSIGN_ATT = "application/vnd.dev.cosign.artifact.att.v1+json"
SIGN_V1 = "https://sigstore.dev/cosign/sign/v1"
NOTATION = "application/vnd.cncf.notary.signature"
FORMS = ("tag", "oci11", "bundle", "config-bundle", "save")
"""Where a signature or attestation is put: cosign's tag, its experimental referrer, a bundle (as cosign 3 and GitHub
write it, or with its type at the config alone), and as `cosign save` keeps it in a layout."""


def digest_of(data: bytes) -> str:
    """`sha256:<hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class VirtualImages:
    """One repository: blobs, manifests, tags, and who refers to whom."""

    def __init__(self, sigstore: VirtualSigstore, name: str = "registry.example/team/app") -> None:
        self.sigstore, self.name = sigstore, name
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.tags: dict[str, str] = {}
        self.kept: list[tuple[str, str]] = []
        """(kind, digest) of what `cosign save` would keep beside the image."""

    def blob(self, data: bytes, media_type: str, **more: Any) -> Json:
        """Store a blob; its descriptor."""
        self.blobs[digest_of(data)] = data
        return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)} | more

    def put(self, manifest: Json, tag: str | None = None) -> str:
        """Store a manifest; its digest."""
        data = json.dumps(manifest).encode()
        digest = digest_of(data)
        self.manifests[digest] = (manifest["mediaType"], data)
        if tag is not None:
            self.tags[tag] = digest
        return digest

    def descriptor(self, digest: str, **more: Any) -> Json:
        """Of a stored manifest."""
        media_type, data = self.manifests[digest]
        return {"mediaType": media_type, "digest": digest, "size": len(data)} | more

    def image(self, content: str = "app", tag: str | None = "v1") -> str:
        """An image of one layer; its digest."""
        config = self.blob(compact({"architecture": "amd64", "os": "linux", "name": content}), CONFIG)
        layer = self.blob(f"layer of {content}".encode(), LAYER)
        return self.put({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}, tag)

    def index(self, platforms: dict[str, str], tag: str | None = "v1", more: tuple[Json, ...] = ()) -> str:
        """An index of platform -> digest, and further descriptors; its digest."""
        rows = []
        for platform, digest in platforms.items():
            system, _, machine = platform.partition("/")
            rows.append(self.descriptor(digest, platform={"os": system, "architecture": machine}))
        return self.put({"schemaVersion": 2, "mediaType": INDEX, "manifests": [*rows, *more]}, tag)

    def buildkit(self, target: str, statement: Json) -> Json:
        """BuildKit's attestation manifest for a platform: the descriptor for its index."""
        layer = self.blob(
            compact(statement),
            "application/vnd.in-toto+json",
            annotations={"in-toto.io/predicate-type": statement["predicateType"]},
        )
        config = self.blob(b"{}", CONFIG)
        digest = self.put({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})
        noted = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": target}
        return self.descriptor(digest, platform={"os": "unknown", "architecture": "unknown"}, annotations=noted)

    def payload(self, digest: str, **changes: Any) -> bytes:
        """A simple-signing payload as cosign writes it; `reference`, `type`, `optional` may be others."""
        critical = {
            "identity": {"docker-reference": changes.get("reference", self.name)},
            "image": {"docker-manifest-digest": digest},
            "type": changes.get("type", "cosign container image signature"),
        }
        return compact({"critical": critical, "optional": changes.get("optional")})

    def sign(
        self, digest: str, form: str = "tag", *, on: str | None = None, payload: bytes | None = None, **options: Any
    ) -> str:
        """Sign an image; `on` puts the signature beside another one. Options are `sign_content`'s; the digest of the
        manifest that holds it."""
        annotations = options.pop("annotations", None)
        if "bundle" in form:
            subject: Json = {"digest": {"sha256": digest.removeprefix("sha256:")}, "annotations": annotations or {}}
            statement = {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [subject],
                "predicateType": SIGN_V1,
                "predicate": {},
            }
            return self.attest(on or digest, statement, form, **options)
        data = payload if payload is not None else self.payload(digest, optional=annotations)
        bundle = self.sigstore.sign_content(Content(data, None), **({"kind": "hashedrekord", "proof": False} | options))
        signature = base64.b64decode(bundle["messageSignature"]["signature"])
        noted = {"dev.cosignproject.cosign/signature": b64(signature)} | self.cosign_annotations(bundle)
        # A payload that was changed after signing is what the layer holds.
        layer = self.blob(data + b" " if _payload_changed(options) else data, SIMPLE_SIGNING, annotations=noted)
        return self._hang(on or digest, layer, form, "sig", COSIGN_SIG)

    def attest(self, digest: str, statement: Json, form: str = "tag", **options: Any) -> str:
        """Hang a statement on an image; the digest of the manifest that holds it."""
        if "bundle" in form:
            layer = self.blob(compact(self.sigstore.sign_statement(statement, **options)), BUNDLE)
            return self._hang(digest, layer, form, "att", BUNDLE)
        stamped = bool(options.pop("tsa", False))
        bundle = self.sigstore.sign_statement(statement, **({"proof": False} | options))
        data = compact(bundle["dsseEnvelope"])
        noted = {"dev.cosignproject.cosign/signature": "", "predicateType": statement["predicateType"]}
        noted |= self.cosign_annotations(bundle)
        if stamped:
            # cosign stamps an attestation's whole envelope.
            token = self.sigstore.tsa.stamp(data, self.sigstore.stamp_time)
            noted["dev.sigstore.cosign/rfc3161timestamp"] = json.dumps({"SignedRFC3161Timestamp": b64(token)})
        return self._hang(digest, self.blob(data, ENVELOPE, annotations=noted), form, "att", COSIGN_ATT)

    def cosign_annotations(self, bundle: Json) -> dict[str, str]:
        """The material of a bundle as cosign's annotations."""
        material = bundle["verificationMaterial"]
        noted: dict[str, str] = {}
        if "certificate" in material:
            noted["dev.sigstore.cosign/certificate"] = _pem(material["certificate"]["rawBytes"])
            chain = (self.sigstore.ca.intermediate, self.sigstore.ca.root)
            noted["dev.sigstore.cosign/chain"] = "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)
        for entry in material["tlogEntries"]:
            payload = {
                "body": entry["canonicalizedBody"],
                "integratedTime": int(entry["integratedTime"]),
                "logIndex": int(entry["logIndex"]),
                "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
            }
            promise = entry["inclusionPromise"]["signedEntryTimestamp"]
            noted["dev.sigstore.cosign/bundle"] = json.dumps({"SignedEntryTimestamp": promise, "Payload": payload})
        for stamp in material.get("timestampVerificationData", {}).get("rfc3161Timestamps", ()):
            token = {"SignedRFC3161Timestamp": stamp["signedTimestamp"]}
            noted["dev.sigstore.cosign/rfc3161timestamp"] = json.dumps(token)
        return noted

    def refer(self, digest: str, artifact_type: str, layers: list[Json]) -> str:
        """A referrer of any type."""
        config = self.blob(b"{}", EMPTY)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type, "config": config}
        return self.put(manifest | {"layers": layers, "subject": self.descriptor(digest)})

    def _hang(self, digest: str, layer: Json, form: str, suffix: str, artifact_type: str) -> str:
        manifest: Json = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": [layer]}
        match form:
            case "tag" | "save":
                tag = f"{digest.replace(':', '-')}.{suffix}"
                if form == "tag" and tag in self.tags:
                    # cosign adds to the layers that are there.
                    manifest["layers"] = json.loads(self.manifests[self.tags[tag]][1])["layers"] + [layer]
                found = self.put(manifest | {"config": self.blob(b"{}", CONFIG)}, tag if form == "tag" else None)
                if form == "save":
                    self.kept.append((f"dev.cosignproject.cosign/{suffix}s", found))
                return found
            case "oci11" | "config-bundle":
                config = self.blob(b"{}", artifact_type)
                return self.put(manifest | {"config": config, "subject": self.descriptor(digest)})
            case _:
                return self.refer(digest, artifact_type, [layer])

    def referrers(self, digest: str) -> list[Json]:
        """Descriptors of what names `digest` as its subject, as a registry lists them."""
        found = []
        for own, (_, data) in self.manifests.items():
            manifest = json.loads(data)
            if manifest.get("subject", {}).get("digest") == digest:
                kind = manifest.get("artifactType") or manifest["config"]["mediaType"]
                found.append(self.descriptor(own, artifactType=kind))
        return found

    def push(self, host: str, repository: str) -> str:
        """Put everything into a registry without TLS, as any client does; `host/repository`."""
        base = f"http://{host}/v2/{repository}"
        for digest, data in self.blobs.items():
            with _ask("POST", f"{base}/blobs/uploads/") as answer:
                place = urljoin(f"http://{host}/", answer.headers["Location"])
            _ask(
                "PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", data, "application/octet-stream"
            ).close()
        for digest, (media_type, data) in self.manifests.items():
            _ask("PUT", f"{base}/manifests/{digest}", data, media_type).close()
        for tag, digest in (*self.tags.items(), *self._fallback_tags(base)):
            media_type, data = self.manifests[digest]
            _ask("PUT", f"{base}/manifests/{tag}", data, media_type).close()
        return f"{host}/{repository}"

    def _fallback_tags(self, base: str) -> list[tuple[str, str]]:
        """Where a registry has no referrers API, its clients keep an index of them by tag."""
        found = []
        for digest in list(self.manifests):
            referrers = self.referrers(digest)
            if not referrers:
                continue
            try:
                _ask("GET", f"{base}/referrers/{digest}").close()
            except OSError:
                index = self.put({"schemaVersion": 2, "mediaType": INDEX, "manifests": referrers})
                found.append((digest.replace(":", "-"), index))
        return found

    def write_layout(self, folder: Path, root: str | None = None) -> Path:
        """An OCI layout of everything; `root` (else what tag v1 names) is its image."""
        blobs = folder / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        for digest, data in self.blobs.items():
            (blobs / digest.removeprefix("sha256:")).write_bytes(data)
        for digest, (_, data) in self.manifests.items():
            (blobs / digest.removeprefix("sha256:")).write_bytes(data)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (folder / "index.json").write_text(json.dumps(self._layout_index(root)))
        return folder

    def _layout_index(self, root: str | None) -> Json:
        main = root or self.tags["v1"]
        kind = "dev.cosignproject.cosign/image" + ("Index" if self.manifests[main][0] == INDEX else "")
        if self.kept:
            rows = [self.descriptor(main, annotations={"kind": kind})]
            rows += [self.descriptor(digest, annotations={"kind": kind}) for kind, digest in self.kept]
        else:
            named = "org.opencontainers.image.ref.name"
            rows = [self.descriptor(main, annotations={named: "v1"})]
            rows += [
                self.descriptor(digest, annotations={named: tag})
                for tag, digest in self.tags.items()
                if tag.startswith("sha256-")
            ]
            rows += [one for own in list(self.manifests) for one in self.referrers(own)]
        return {"schemaVersion": 2, "mediaType": INDEX, "manifests": rows}


def _ask(method: str, url: str, data: bytes | None = None, media_type: str = "") -> Any:
    request = urllib.request.Request(url, b"" if method == "POST" else data, method=method)
    if media_type:
        request.add_header("Content-Type", media_type)
    return urllib.request.urlopen(request, timeout=30)


def _payload_changed(options: dict[str, Any]) -> bool:
    tamper = options.get("tamper")
    return tamper is not None and tamper.name == "PAYLOAD"


def _pem(der: str) -> str:
    lines = "\n".join(der[start : start + 64] for start in range(0, len(der), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
