import { type BusAccess, parseAccess } from '../../bus/access.ts';
import { usage } from './failure.ts';
import type { ACCESS_OPTIONS, Options } from './options.ts';
import { orElse } from './refusal.ts';

/** As whom to go to the bus, as the options say it. Errors: Failure USAGE, where they contradict each other. */
export function accessOf(options: Options<(typeof ACCESS_OPTIONS)[number]>): BusAccess {
  const { creds, nkey, user, password, token } = options;
  const files = { passwordFile: options['password-file'], tokenFile: options['token-file'] };
  const tls = { tlsCa: options['tls-ca'], tlsCert: options['tls-cert'], tlsKey: options['tls-key'] };
  return orElse(
    () => parseAccess({ creds, nkey, user, password, token, ...files, ...tls }),
    ({ message }) => usage(message),
  );
}
