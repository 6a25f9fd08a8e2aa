import { join } from 'node:path';
import type { Native } from '../../native/index.ts';
import { endsFirst, keeperElsewhere } from '../attach/elsewhere.ts';
import type { About } from '../kernel/about.ts';
import { findKeeper } from '../kernel/claim.ts';
import { findOlderAgent, isBound } from '../kernel/claim-socket.ts';
import { type PinPaths, pinPaths } from '../kernel/pins.ts';
import { likelyHolder, lockHolder, type Process } from '../kernel/processes.ts';
import { readBusFile } from '../store/bus-file.ts';
import { type Finding, findings } from './finding.ts';
import { statOf } from './stat.ts';

const agent = findings('agent');

/**
 * Looks for a running agent by what it holds, and takes nothing of it: the claim on the maps, and the lock of the state
 * directory (/proc/locks).
 */
export function examineAgent(
  native: Native,
  pinRoot: string,
  directory: string,
  about: About | undefined,
): readonly Finding[] {
  const keeper = keeperOf(native, pinPaths(pinRoot), about);
  const lock = stateHolder(join(directory, 'lock'));
  if (keeper?.stopped === true)
    return [agent.warn(`process ${keeper.pid} keeps these maps, and is stopped`, `kill -CONT ${keeper.pid}`)];
  if (keeper !== undefined && (lock === 'free' || isAnother(keeper, lock)))
    return [agent.warn(`one keeps these maps, with another state directory than ${directory}`, 'name it with --state')];
  if (keeper !== undefined)
    return [agent.ok(`runs${nameOf(keeper.pid ?? lock)} and keeps these maps`), ...examineBusFile(directory)];
  if (lock === 'unseen') return [agent.warn('none keeps these maps', 'start shunt agent')];
  if (lock === 'free')
    return [agent.warn('none runs; what it installed goes on, and nothing changes', 'start shunt agent')];
  const elsewhere = about === undefined ? keeperElsewhere(pinRoot) : undefined;
  if (elsewhere !== undefined)
    return [
      agent.warn(`one holds ${directory}, and keeps maps that are not pinned here any more`, endsFirst(elsewhere)),
    ];
  return [agent.warn(`one holds ${directory}, and keeps other maps`, 'give both the same --pin-root')];
}

/** The agent that keeps the maps, as far as it is known; undefined if none does. */
function keeperOf(native: Native, paths: PinPaths, about: About | undefined): Partial<Process> | undefined {
  const keeper = findKeeper(native, paths) ?? olderAgent(about);
  if (keeper !== undefined) return keeper;
  const claim = statOf(paths.claim);
  if (typeof claim !== 'string') return lockHolder(paths.claim) === undefined ? undefined : {};
  // Made by an older loader: there is no claim but the socket.
  return about !== undefined && isBound(about.instance) ? {} : undefined;
}

function olderAgent(about: About | undefined): Process | undefined {
  return about === undefined ? undefined : findOlderAgent(about.instance, about.maps.control);
}

function isAnother({ pid }: Partial<Process>, lock: number | 'unseen'): boolean {
  return pid !== undefined && typeof lock === 'number' && lock !== 0 && lock !== pid;
}

function nameOf(pid: number | 'free' | 'unseen'): string {
  return typeof pid === 'number' && pid > 0 ? ` as process ${pid}` : '';
}

/** A running agent leaves word of what keeps it off the bus; of one that is gone it says nothing. */
function examineBusFile(directory: string): readonly Finding[] {
  const trouble = readBusFile(directory);
  if (trouble === undefined) return [];
  const { code, reason, since } = trouble;
  const found = `is not on the bus since ${new Date(since).toISOString()}: ${reason}`;
  return [agent.bad(found, MENDS[code] ?? 'it tries again by itself; is there a server, and a way to it?')];
}

/** What keeps an agent off the bus, and people have to mend; it tries again by itself every half minute. */
const MENDS: Readonly<Record<string, string>> = {
  REFUSED: 'write the file of its --creds anew, or let this user in on the server; it tries again by itself',
  NO_CREDS: 'write that file anew; it tries again by itself',
  TLS: 'mend that; it tries again by itself, and reads the files of its --tls options anew',
};

/** The process that holds the state directory; `unseen` where this user may not look into it. */
function stateHolder(path: string): number | 'free' | 'unseen' {
  const stat = statOf(path);
  if (stat === 'ENOENT') return 'free';
  if (typeof stat === 'string') return 'unseen';
  return likelyHolder(path) ?? 'free';
}
