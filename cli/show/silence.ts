import type { Explanation, Silence } from '../../protocol/explain.ts';
import { shellWord } from '../../protocol/plain.ts';
import { ageText } from './format.ts';
import { type Cell, type Column, table } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Says how much more silence gives a redirect up, and where its packets would be seen. */
export function leftText(silence: Silence | undefined): string {
  if (silence?.leftMs !== undefined) return `in ${ageText(silence.leftMs)} if none comes on ${silence.by.join(', ')}`;
  return silence?.by.length === 0
    ? 'not judged now: no packets are seen there, bypass is on, or the host is held'
    : 'not judged now';
}

interface Again extends Pick<Explanation, 'name'> {
  readonly idle?: Pick<NonNullable<Explanation['idle']>, 'rearm'>;
}

/** Says by what a redirect that was given up is armed again. */
export function againText({ name, idle }: Again): string {
  const by =
    idle?.rearm === 'never' ? `shunt rearm ${shellWord(name)}` : `a newer revision, or shunt rearm ${shellWord(name)},`;
  return `${by} has it stand again`;
}

const COLUMNS: readonly Column[] = [
  { title: 'HOST', whole: true },
  { title: 'STATE' },
  { title: 'SINCE' },
  { title: 'PACKETS', align: 'right' },
  { title: 'THE LAST' },
  { title: 'GIVEN UP', below: true, prose: true },
];

/** What of a redirect with `idle` each host says: how it stands and since when, its last count, and what silence it is in. */
export function silenceTable(
  told: readonly Explanation[],
  nowMs: number,
  screen: Pick<Terminal, 'width' | 'colour'>,
): string {
  const rows = told.map((one): Cell[] => {
    const { host, state, since, packets, seenMsAgo, slot } = one;
    return [
      host,
      { text: state, tone: state === 'installed' ? 'good' : 'warn' },
      since === undefined ? '-' : `${ageText(nowMs - since)} ago`,
      slot === null && packets === '0' ? '-' : packets,
      seenMsAgo === null ? 'never' : `${ageText(seenMsAgo)} ago`,
      state === 'idle' ? againText(one) : leftText(one.silence),
    ];
  });
  const after = told.flatMap(({ idle }) =>
    idle === undefined ? [] : `given up after ${ageText(idle.afterMs)} without a packet, by each host for itself`,
  );
  return [...after.slice(0, 1), table(COLUMNS, rows, screen)].join('\n');
}
