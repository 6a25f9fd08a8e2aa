/** What becomes of packets with a VLAN tag, interface by interface: the table in docs/operations.md, row by row. */
import { readFileSync } from 'node:fs';
import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';
import type { Became, Row } from './vlan-tags.scenario.ts';

const kernel = kernelTests();
const PACKETS = 20;
const PAGE = new URL('../../docs/operations.md', import.meta.url);
const observed = new URL('vlan-tags.scenario.ts', import.meta.url);

const SENDERS: Readonly<Record<string, string>> = {
  'veth on': 'tx-vlan-offload on, the default',
  'veth off': 'tx-vlan-offload off',
  'tap a program': 'whoever writes frames into it',
  'bridge on': 'any',
  'bridge off': 'any',
};

/** What the page says of packets that became this, all of them alike; undefined when they did not fare alike. */
function wordsFor({ passed, arrived }: Became, tag: 'C' | 'S'): string | undefined {
  if (passed[tag] === PACKETS) return 'seen: it passes, with its tag';
  if (arrived[tag] === PACKETS) return '**hidden**: redirected, with its tag';
  if (arrived.untagged === PACKETS) return '**hidden**: redirected, without its tag';
  return undefined;
}

kernel(
  'vlan tags: what is sent untagged or with VLAN id 0 is redirected, and what becomes of a tag is what the page says',
  async (t) => {
    t.timeout(60_000);
    const rows = (await runInNamespace(observed)) as readonly Row[];
    const page = readFileSync(PAGE, 'utf8');
    t.is(rows.length, 8);
    for (const { interface: name, mode, sender, became, report } of rows) {
      const row = `${name}, ${mode}, ${sender}`;
      t.is(became.untagged.arrived.untagged, PACKETS, row);
      const [C, S] = [wordsFor(became.C, 'C'), wordsFor(became.S, 'S')];
      t.is(C, S, `${row}: C- and S-tags fare alike`);
      t.true(page.includes(`| ${name}, ${mode} | ${SENDERS[`${name} ${sender}`]} | ${C} |\n`), `${row}: ${C}`);
      // What nobody shows the program, it cannot leave out.
      const left =
        C === '**hidden**: redirected, with its tag' ? became.priority.arrived.C : became.priority.arrived.untagged;
      t.is(left, PACKETS, `${row}: VLAN id 0 is redirected, and left out where it is seen`);
      t.is(report.state, C?.startsWith('seen') ? 'seen' : 'hidden', `${row}: attach says so`);
    }
  },
);
