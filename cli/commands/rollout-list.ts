import { MAX_LIMIT } from '../../protocol/ask.ts';
import type { RolloutHead } from '../../protocol/rollout.ts';
import { encodeRolloutListRequest, parseRolloutListReply } from '../../protocol/rollout-list.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { collect } from '../paging.ts';
import { refusalOf } from '../rollout/ask.ts';
import { causeText, STATE_TONES } from '../rollout/words.ts';
import { shortChange } from '../show/change-state.ts';
import { ageText } from '../show/format.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import type { Terminal } from '../show/terminal.ts';

const COLUMNS: readonly Column[] = [
  { title: 'ID', whole: true },
  { title: 'STATE', whole: true },
  { title: 'STEP', whole: true },
  { title: 'WAVE', align: 'right' },
  { title: 'HOSTS', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'WHO' },
  { title: 'BECAUSE', below: true, prose: true },
];

export const rolloutList = command({
  synopsis: '[--active] [--last N]',
  about: `Lists rollouts: those that have not ended, then the newest. HOSTS is how many were told of it, of how many it is for; BECAUSE is why
it stands still, or goes or went back, else the reason it was begun for.`,
  examples: ['shunt rollout list --active'],
  options: ['active', 'last', ...BUS_OPTIONS],
  helps: { last: 'how many at most (default: 100)' },
  async run({ options, terminal }) {
    await using bus = await Bus.open(options);
    const { active, last } = options;
    let left = last;
    let now = Date.now();
    const read = async (after: string | undefined) => {
      const limit = Math.min(Math.max(left, 1), MAX_LIMIT);
      const place = { ...(active && { active }), ...(after !== undefined && { after }), limit };
      const request = encodeRolloutListRequest({ v: 1, ...place });
      const page = await bus.api('rollout-list', request, parseRolloutListReply, { refuse: refusalOf('rollout-list') });
      left -= page.items.length;
      now = page.at;
      return { items: page.items, next: left > 0 ? page.next : null };
    };
    const items = (await collect(read, terminal)).slice(0, last);
    terminal.print(options.output === 'json' ? JSON.stringify({ items }) : layOut(items, now, terminal));
    return EXIT.done;
  },
});

function layOut(items: readonly RolloutHead[], at: number, paper: Pick<Terminal, 'width' | 'colour'>): string {
  if (items.length === 0) return 'no rollouts';
  const rows = items.map((item) => row(item, at));
  return table(COLUMNS, rows, paper);
}

function row(head: RolloutHead, at: number): readonly Cell[] {
  const { id, state, step = '-', wave, waves, published, hosts, made, actor = '-', cause, reason = '' } = head;
  return [
    shortChange(id),
    { text: state, tone: STATE_TONES[state] },
    step,
    `${wave}/${waves}`,
    `${published}/${hosts}`,
    ageText(at - made),
    actor,
    cause === undefined || state === 'RUNNING' ? reason : causeText(cause),
  ];
}
