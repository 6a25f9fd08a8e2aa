import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from 'nats';
import type { BusAccess } from './access.ts';
import { readLine, readSecret, unusable } from './secret.ts';

/**
 * Says who we are whenever a server asks; undefined where nobody said. Files are read then: they may have been written anew
 * since. Errors of each call: BusError NO_CREDS.
 */
export function authenticatorOf(access: BusAccess): Authenticator | undefined {
  const { creds, nkey, user, password, passwordFile, token, tokenFile } = access;
  if (creds !== undefined) return (nonce) => byCreds(creds, nonce);
  if (nkey !== undefined) return (nonce) => bySeed(nkey, nonce);
  if (user !== undefined)
    return usernamePasswordAuthenticator(user, () => password ?? readLine(passwordFile ?? '', 'password file'));
  if (token !== undefined) return tokenAuthenticator(token);
  if (tokenFile !== undefined) return tokenAuthenticator(() => readLine(tokenFile, 'token file'));
  return undefined;
}

function byCreds(path: string, nonce: string | undefined): ReturnType<Authenticator> {
  const what = 'credentials file';
  const text = readSecret(path, what);
  try {
    return credsAuthenticator(text)(nonce);
  } catch {
    throw unusable(path, what, 'it holds no credentials');
  }
}

/** The file of a seed may say more, as those that `nsc` and `nk` write do. */
function bySeed(path: string, nonce: string | undefined): ReturnType<Authenticator> {
  const what = 'nkey file';
  const [seed = ''] = /\bSU[A-Z2-7]{56}\b/.exec(readSecret(path, what).toString('latin1')) ?? [];
  try {
    return nkeyAuthenticator(Buffer.from(seed))(nonce);
  } catch {
    throw unusable(path, what, 'it holds no seed of a user (SU…)');
  }
}
