/**
 * The certificate of a stand-in that speaks TLS: its own, for loopback names only, made once and kept in its data. It
 * is no authority: whoever trusts it trusts this one server, and nothing that could be signed with its key.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ms from 'ms';
import { certificateFileName, keyFileName, partEnding } from './dataNames.ts';

export interface Certificate {
  /** PEM, both. */
  readonly key: string;
  readonly certificate: string;
  /** Where the certificate is, for clients that are to trust it. */
  readonly file: string;
}

const lifetimeMs = ms('365d');
/** One that ends sooner is renewed at the start; a stand-in hardly runs for longer. */
const renewedBeforeMs = ms('30d');
/** A clock may be set back by a day while this runs, and that of a virtual machine is not quite its host's. */
const clockSkewMs = ms('2d');

export async function ownCertificate(dataDir: string, nowMs: number): Promise<Certificate> {
  const keyFile = join(dataDir, keyFileName);
  const file = join(dataDir, certificateFileName);
  const kept = readPair(keyFile, file);
  if (kept !== null && isGood(kept.key, kept.certificate, nowMs)) return { ...kept, file };
  const { private: key, cert: certificate } = await freshPair(nowMs);
  // A start that is cut off between the two leaves a pair that does not match, and so is made anew.
  writeWhole(keyFile, key, 0o600);
  writeWhole(file, certificate, 0o644);
  return { key, certificate, file };
}

function readPair(keyFile: string, file: string): { key: string; certificate: string } | null {
  try {
    return { key: readFileSync(keyFile, 'utf8'), certificate: readFileSync(file, 'utf8') };
  } catch {
    return null;
  }
}

function isGood(key: string, pem: string, nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(pem);
    return (
      certificate.checkPrivateKey(createPrivateKey(key)) &&
      Date.parse(certificate.validFrom) <= nowMs &&
      Date.parse(certificate.validTo) - nowMs >= renewedBeforeMs
    );
  } catch {
    return false;
  }
}

async function freshPair(nowMs: number) {
  // Loaded where it is needed: it is larger than all of the stand-in, and few speak TLS to one.
  const { generate } = await import('selfsigned');
  return await generate([{ name: 'commonName', value: 'stand-in of runtrackd' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - clockSkewMs),
    notAfterDate: new Date(nowMs + lifetimeMs),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
}

function writeWhole(path: string, text: string, mode: number): void {
  const part = path + partEnding;
  writeFileSync(part, text, { mode });
  renameSync(part, path);
}
