import type { PlannedWave, RolloutStartReply } from '../../protocol/rollout-start.ts';
import { shortChange } from '../show/change-state.ts';
import { ageText, countText, someText } from '../show/format.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { fill, noteText, type Terminal } from '../show/terminal.ts';
import { nameText } from './ask.ts';

const COLUMNS: readonly Column[] = [
  { title: 'WAVE', align: 'right' },
  { title: 'UP TO', align: 'right' },
  { title: 'HOSTS', align: 'right' },
  { title: 'WHICH' },
];

/** The waves that a rollout would have, what is judged in each, and who would come late. */
export function wavesText(reply: RolloutStartReply, paper: Pick<Terminal, 'width' | 'colour'>): string {
  const { waves, gates, soakMs, late = [], lateTotal = 0, maxUnreachable } = reply;
  const soak = soakMs === 0 ? 'no soak' : `a soak of ${ageText(soakMs)} each`;
  const judged = `${soak}; gates: ${gates.join(', ')}; at most ${maxUnreachable} silent`;
  const notes =
    lateTotal === 0 ? [] : [noteText(paper, `late, for they cannot take it now: ${someText(late, lateTotal)}`)];
  return [
    table(COLUMNS, waves.map(waveRow), paper),
    ...fill(judged, paper.width ?? Number.POSITIVE_INFINITY),
    ...notes,
  ].join('\n');
}

function waveRow({ share, hosts, hostsTotal }: PlannedWave, at: number): readonly Cell[] {
  return [String(at + 1), share, String(hostsTotal), someText(hosts, hostsTotal)];
}

/** What came of it. */
export function startText({ rollout, already, hostsTotal }: RolloutStartReply, dryRun: boolean): string {
  if (rollout === undefined) {
    if (dryRun && hostsTotal > 0) return 'nothing was begun, for this is a dry run';
    return 'nothing was begun: every host has it as it is to be';
  }
  const short = shortChange(rollout.id);
  const begun = already ? 'was begun before' : 'begun';
  return `${nameText(rollout)} ${begun}: ${countText(rollout.hosts, 'host')}, ${countText(rollout.waves, 'wave')}; shunt rollout watch ${short} shows it`;
}
