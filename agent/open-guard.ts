import type { Clock } from '../daemon/clock.ts';
import type { Log } from '../daemon/log.ts';
import type { AgentConfig } from './config.ts';
import { GuardFileError } from './guard/file.ts';
import { HostGuard } from './guard/host-guard.ts';
import { addressesOf, resolvers, serversOf } from './guard/surroundings.ts';
import { ownAddresses } from './kernel/addresses.ts';
import { StartError } from './start-error.ts';

/** The guard of this host, as its file and its surroundings have it. Errors: StartError. */
export async function openGuard(
  { guard: path, nats }: Pick<AgentConfig, 'guard' | 'nats'>,
  clock: Clock,
  log: Log,
): Promise<HostGuard> {
  try {
    return await HostGuard.open({
      path,
      servers: serversOf(nats),
      addressesOf,
      resolvers,
      own: ownAddresses,
      clock,
      log,
    });
  } catch (error) {
    if (error instanceof GuardFileError) throw new StartError(`the guard of this host: ${error.message}`);
    throw error;
  }
}
