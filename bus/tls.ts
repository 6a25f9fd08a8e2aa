import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { TlsOptions } from 'nats';
import type { BusAccess } from './access.ts';
import { readNamed, readSecret, unusable } from './secret.ts';

const CA = 'file of authorities';
const CERT = 'certificate file';
const KEY = 'key file';

/**
 * How to speak TLS; the client reads these fields at every connection, and with them the files anew. Errors, now and of each
 * field: BusError NO_CREDS.
 */
export function tlsOf({ tlsCa, tlsCert, tlsKey }: BusAccess): TlsOptions {
  const tls: TlsOptions & ConnectionOptions = { checkServerIdentity: checkName };
  const read = (name: 'ca' | 'cert' | 'key', get: () => string): void => {
    get();
    Object.defineProperty(tls, name, { get, enumerable: true });
  };
  if (tlsCa !== undefined) read('ca', () => readCertificates(tlsCa, CA).text);
  if (tlsCert === undefined || tlsKey === undefined) return tls;
  read('cert', () => readCertificates(tlsCert, CERT).text);
  read('key', () => readKeyOf(tlsCert, tlsKey));
  return tls;
}

function readCertificates(path: string, what: string): { readonly text: string; readonly first: X509Certificate } {
  const text = readNamed(path, what).toString('latin1');
  try {
    return { text, first: new X509Certificate(text) };
  } catch {
    throw unusable(path, what, 'it holds no certificate in PEM');
  }
}

/** Two files that were written one after the other may not belong together for a moment. */
function readKeyOf(certPath: string, path: string): string {
  const text = readSecret(path, KEY).toString('latin1');
  const key = parseKey(path, text);
  if (readCertificates(certPath, CERT).first.checkPrivateKey(key)) return text;
  throw unusable(path, KEY, `it is not the key of ${certPath}`);
}

function parseKey(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const locked = (error as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
    throw unusable(path, KEY, locked ? 'it is locked by a passphrase; give one that is not' : 'it holds no key in PEM');
  }
}

/**
 * Whether the certificate is that of whom we asked for. The client names nobody where the address is an IP, and Node.js then
 * takes a certificate of `localhost` for anybody: there, it is the address that has to stand in the certificate.
 * Node.js calls this as a method of the options of tls.connect(), with the socket below in them; test/bus/tls.test.ts.
 */
function checkName(
  this: { readonly servername?: string; readonly socket?: Socket },
  host: string,
  certificate: PeerCertificate,
): Error | undefined {
  const asked = this.servername ? host : (this.socket?.remoteAddress ?? '');
  return checkServerIdentity(asked, certificate);
}
