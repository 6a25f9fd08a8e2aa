import { Refused } from '../protocol/refused.ts';

/**
 * As whom to go to the bus, and whom to believe there. All but `user` and the two secrets are paths of files, which are read
 * anew at every connection.
 */
export interface BusAccess {
  /** A NATS credentials file. */
  readonly creds?: string | undefined;
  /** The seed of an nkey. */
  readonly nkey?: string | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly password?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly token?: string | undefined;
  /** The authorities to believe instead of those that everybody does, in PEM. */
  readonly tlsCa?: string | undefined;
  /** Who we are, in PEM, and the key of that. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

/** Where each is told, as messages say it. */
const NAMES: Readonly<Record<keyof BusAccess, string>> = {
  creds: '--creds',
  nkey: '--nkey',
  user: '--user',
  passwordFile: '--password-file',
  password: 'SHUNT_PASSWORD',
  tokenFile: '--token-file',
  token: 'SHUNT_TOKEN',
  tlsCa: '--tls-ca',
  tlsCert: '--tls-cert',
  tlsKey: '--tls-key',
};

/** One of these says who we are. */
const IDENTITIES = ['creds', 'nkey', 'user', 'tokenFile', 'token'] as const satisfies readonly (keyof BusAccess)[];

/** The part of some settings that is about access. Errors: Refused, where some of it goes without what it needs, or twice. */
export function parseAccess(given: BusAccess): BusAccess {
  const access: BusAccess = Object.fromEntries(
    Object.keys(NAMES).flatMap((name) => {
      const value = given[name as keyof BusAccess];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  requireOne(access, IDENTITIES, 'says who this is');
  requireOne(access, ['passwordFile', 'password'], 'is a password');
  requireBoth(access, access.password === undefined ? 'passwordFile' : 'password', 'user', '');
  requireBoth(access, 'user', access.password === undefined ? 'passwordFile' : 'password', ', or SHUNT_PASSWORD');
  requireBoth(access, 'tlsCert', 'tlsKey', '');
  requireBoth(access, 'tlsKey', 'tlsCert', '');
  return Object.freeze(access);
}

/** How to say who this is, where nobody did. */
export const NONE_GIVEN =
  'no credentials were given: name some with --creds, --nkey, --user or --token-file, or in the settings file';

/** Whether it was said who this is. */
export function isNamed(access: BusAccess): boolean {
  return [...IDENTITIES, 'tlsCert' as const].some((name) => access[name] !== undefined);
}

/** What else to try where the bus does not let this user in. */
export function otherAccess(access: BusAccess): string {
  if (!isNamed(access)) return NONE_GIVEN;
  if (access.nkey !== undefined) return 'use another --nkey';
  if (access.user !== undefined) return 'use another --user, or another password';
  if (access.token !== undefined || access.tokenFile !== undefined) return 'use another token';
  if (access.creds !== undefined) return 'use other --creds';
  return 'use another --tls-cert, or say who this is with --creds';
}

function requireOne(access: BusAccess, of: readonly (keyof BusAccess)[], does: string): void {
  const [one, other] = of.filter((name) => access[name] !== undefined);
  if (one === undefined || other === undefined) return;
  throw new Refused('BAD_FIELD', '', `${NAMES[one]} and ${NAMES[other]}: each ${does}; give one of them`);
}

function requireBoth(access: BusAccess, one: keyof BusAccess, other: keyof BusAccess, or: string): void {
  if (access[one] === undefined || access[other] !== undefined) return;
  throw new Refused('BAD_FIELD', '', `${NAMES[one]} needs ${NAMES[other]} too${or}`);
}
