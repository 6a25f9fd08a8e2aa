import type { Intent } from '../../protocol/intent.ts';
import type { Status } from '../../protocol/status.ts';
import type { Host } from './host.ts';

/** A program that is gone is looked for all the time. */
const PASSED_MS = 10_000;

/** What a status says that is not so, at the moment at which it is sent (I5). */
export function checkStatus(
  { host: name, stored, applied, verified, counts, problems = [] }: Status,
  host: Host | undefined,
  nowMs: number,
): readonly string[] {
  const isPassed = nowMs - (host?.passedSinceMs ?? nowMs) > PASSED_MS;
  const isElse = problems.some(({ code }) => code !== 'NOT_ATTACHED');
  if (isPassed && !isElse && counts.installed > 0)
    return [`${name}: says ${counts.installed} installed, and no packet meets the program`];
  const says = `${name}: says ${verified} verified, ${applied} applied, ${stored} stored`;
  if (verified > applied || applied > stored || stored > (host?.store.stored.cursor.rev ?? 0)) return [says];
  const due = [...(host?.known.values() ?? [])].filter(({ rev }) => rev <= applied);
  return due.flatMap((intent) => {
    const { key, rev } = intent;
    if (host?.store.rows.get(key)?.rev !== rev && host?.isBehind !== true)
      return [`${says}, and ${key} of ${rev} was not looked at`];
    return rev > verified || isSeen(host, intent) ? [] : [`${says}, and ${key} of ${rev} does not stand`];
  });
}

/** Whether an intent stands, where nothing but its own revision decides that. */
function isSeen(host: Host, { key, rev, to, expires }: Intent): boolean {
  const isDisturbed = host.tampered || host.isBehind || !host.kernel.ready;
  const isPlain = (to === 'pass' || to === 'drop') && expires === undefined;
  if (isDisturbed || !isPlain || host.store.rows.get(key)?.state !== 'installed') return true;
  return host.entries().get(key)?.value.rev === rev;
}
