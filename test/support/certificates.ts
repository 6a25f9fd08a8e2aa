import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

const DAY_MS = 24 * 60 * 60 * 1000;
/** DER (X.690) of the object identifiers: RFC 5480, RFC 5280. */
const OID = {
  ecdsaWithSha256: '06082a8648ce3d040302',
  commonName: '0603550403',
  subjectAltName: '0603551d11',
  basicConstraints: '0603551d13',
};

/** Files in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of one's own: X.509 (RFC 5280) with P-256 keys, written into a folder. */
export class Authority {
  /** Its certificate, and where that is. */
  readonly text: string;
  readonly file: string;
  readonly #folder: string;
  readonly #name: string;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    const ca = der(0x30, OID.basicConstraints, der(0x01, 'ff'), der(0x04, der(0x30, der(0x01, 'ff'))));
    this.text = this.#sign(name, this.#keys.publicKey, ca, DAY_MS);
    this.file = this.#write(`${name}.pem`, this.text);
  }

  /** Issues one for these DNS names and addresses; it ends so long from now. */
  issue(name: string, names: readonly string[], endsInMs = DAY_MS): Certificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const list = names.map((one) => (isIP(one) ? der(0x87, addressOf(one)) : der(0x82, Buffer.from(one))));
    const alternatives = der(0x30, OID.subjectAltName, der(0x04, der(0x30, ...list)));
    const cert = this.#write(`${name}.pem`, this.#sign(name, publicKey, alternatives, endsInMs));
    return { cert, key: this.#write(`${name}.key`, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()) };
  }

  #sign(subject: string, key: KeyObject, extension: Buffer, endsInMs: number): string {
    const algorithm = der(0x30, OID.ecdsaWithSha256);
    const signed = der(
      0x30,
      der(0xa0, der(0x02, '02')),
      der(0x02, `01${randomBytes(8).toString('hex')}`),
      algorithm,
      nameOf(this.#name),
      der(0x30, timeOf(Date.now() - 2 * DAY_MS), timeOf(Date.now() + endsInMs)),
      nameOf(subject),
      key.export({ type: 'spki', format: 'der' }),
      der(0xa3, der(0x30, extension)),
    );
    const signature = sign('sha256', signed, this.#keys.privateKey);
    const whole = der(0x30, signed, algorithm, der(0x03, '00', signature));
    const lines = whole
      .toString('base64')
      .replace(/(.{64})/g, '$1\n')
      .trim();
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  }

  #write(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }
}

/** A value of DER: its tag, its length, and what is in it. */
function der(tag: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

function nameOf(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, OID.commonName, der(0x0c, Buffer.from(name)))));
}

function timeOf(atMs: number): Buffer {
  return der(0x17, Buffer.from(new Date(atMs).toISOString().replace(/^..|[-:T]|\.\d+/g, '')));
}

function addressOf(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}
