import type { Log } from '../../daemon/log.ts';
import type { ChosenReport } from './attach-chosen.ts';

/** Tells what stands before interfaces are followed: what `attach` prints, a line of the log each. */
export function tellBegun(log: Pick<Log, 'info' | 'warn'>, report: ChosenReport): void {
  const { interfaces, program, maxRedirects, pinRoot, owner, unwatched, advice, shortfall, skipped, waiting } = report;
  const { version, tag, before, switched } = program;
  log.info({ version, tag, ...(before !== undefined && { before, switched }) }, 'the program in force');
  log.info({ pinRoot, maxRedirects, owner: `${owner.uid}:${owner.gid}` }, 'the maps');
  for (const one of report.replaced) log.info(one, 'maps took the place of others');
  if (shortfall !== undefined) log.warn(shortfall, 'this kernel is older than the floor');
  for (const { tracepoint, why } of unwatched) log.warn({ tracepoint, why }, 'losses there are not counted');
  for (const { name, mode, changed, why, tags } of interfaces) {
    log.info({ interface: name, mode, why }, changed ? 'attached' : 'attached already');
    for (const offload of tags.switchedOff) log.info({ interface: name, offload }, 'switched off, to see VLAN tags');
    if (tags.state === 'hidden') log.warn({ interface: name, why: tags.why, mend: tags.mend }, 'VLAN tags are hidden');
    if (tags.state === 'unseen')
      log.info({ interface: name, why: tags.why, mend: tags.mend }, 'cannot see of VLAN tags');
  }
  for (const one of advice) log.info(one, 'what senders may spoil');
  for (const { name, why } of skipped) log.info({ interface: name, why }, 'left alone');
  for (const name of waiting) log.info({ interface: name }, 'nothing there is meant by it yet; it is waited for');
}
