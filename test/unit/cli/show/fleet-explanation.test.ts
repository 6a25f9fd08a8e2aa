import { readFileSync } from 'node:fs';
import test from 'ava';
import { fleetExplanation } from '../../../../cli/show/fleet-explanation.ts';
import type { Explanation } from '../../../../protocol/explain.ts';
import type { GetItem, GetReply } from '../../../../protocol/listings.ts';

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../../protocol/fixtures/${name}.json`, import.meta.url), 'utf8'));
}

test('explain: a redirect that is not confirmed yet is in force there, and for how long', (t) => {
  const [listed] = (fixture('get-reply') as GetReply).items;
  const { code: _, errno: __, problems: ___, ...well } = fixture('explain-reply') as Explanation;
  const item: GetItem = {
    ...(listed as GetItem),
    ...{ hosts: ['edge-1'], hostsTotal: 1, shadowed: [], shadowedTotal: 0, notSent: [], notSentTotal: 0 },
    live: { hosts: 1, total: 1, states: [{ state: 'unconfirmed', leftMs: 41_300, total: 1, hosts: ['edge-1'] }] },
  };
  const answers: Explanation[] = [{ ...well, host: 'edge-1', state: 'installed', bypass: false }];
  const text = fleetExplanation({ item, answers, failed: [] }, { width: 80, colour: false });
  t.regex(text, /live +installed on 1 of 1\n/);
  t.regex(text, /unconfirmed on edge-1\n +taken back in 41s unless it is confirmed/);
});

test('explain: a redirect of which some packets are passed is in force there, as get counts it', (t) => {
  const [listed] = (fixture('get-reply') as GetReply).items;
  const told = fixture('explain-reply') as Explanation;
  const hosts = ['edge-1', 'edge-2'];
  const item: GetItem = {
    ...(listed as GetItem),
    ...{ hosts, hostsTotal: 2, shadowed: [], shadowedTotal: 0, notSent: [], notSentTotal: 0 },
    live: {
      ...{ hosts: 2, total: 2 },
      states: [
        { state: 'passed', code: 'HITS_PASSED', total: 1, hosts: ['edge-1'] },
        { state: 'installed', total: 1, hosts: ['edge-2'] },
      ],
    },
  };
  const { code: _, errno: __, problems: ___, ...well } = told;
  const answers = hosts.map((host): Explanation => ({ ...well, host, state: 'installed', bypass: false }));
  const text = fleetExplanation({ item, answers, failed: [] }, { width: 80, colour: false });
  t.regex(text, /live +installed on 2 of 2\n/);
  t.regex(text, /HITS_PASSED on edge-1\n/);
});
