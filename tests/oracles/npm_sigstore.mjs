// npm's own verifier, offline: one JSON case per line in, one JSON answer per line out.
// A case is {bundle: text, root: trusted_root.json, keys: [{hint, key, start, end}], blob: base64 or null}.
// argv[2] is the folder that the package was installed into.
import { createPublicKey } from 'node:crypto';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(`${process.argv[2]}/node_modules/sigstore/package.json`);
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { toSignedEntity, toTrustMaterial, Verifier } = require('@sigstore/verify');

function keyFinder(keys) {
  return (hint) => {
    const found = keys.find((key) => key.hint === hint);
    if (!found) throw new Error(`no key ${hint}`);
    const start = new Date(found.start);
    const end = found.end ? new Date(found.end) : new Date(8640000000000000);
    const publicKey = createPublicKey({ key: Buffer.from(found.key, 'base64'), format: 'der', type: 'spki' });
    return { publicKey, validFor: (moment) => start <= moment && moment <= end };
  };
}

function judge({ bundle, root, keys, blob }) {
  try {
    const trust = toTrustMaterial(TrustedRoot.fromJSON(root), keyFinder(keys));
    const payload = blob === null ? undefined : Buffer.from(blob, 'base64');
    new Verifier(trust).verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle)), payload));
    return { refused: null };
  } catch (error) {
    return { refused: `${error.code ?? error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(judge(JSON.parse(line))));
}
