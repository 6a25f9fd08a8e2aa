import { readFileSync } from 'node:fs';
import test from 'ava';
import { fleetExplanation, groupAnswers } from '../../../../cli/show/fleet-explanation.ts';
import { CODES } from '../../../../protocol/codes.ts';
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

test('explain: where the next hop says why a redirect does not stand, that is said once', (t) => {
  const [listed] = (fixture('get-reply') as GetReply).items;
  const { errno: _, problems: __, ...told } = fixture('explain-reply') as Explanation;
  const item: GetItem = { ...(listed as GetItem), shadowed: [], notSent: [] };
  const because = (code: string, nexthop: Explanation['nexthop']): string | undefined => {
    const answer: Explanation = { ...told, host: 'edge-1', state: 'blocked', code, nexthop, bypass: false };
    return groupAnswers({ item, answers: [answer], failed: [] })[0]?.because;
  };
  const hop = { interface: 'eth1', gateway: '10.0.0.7' };
  t.is(because('NO_NEIGHBOUR', { state: 'failed', ...hop }), '10.0.0.7 does not answer address resolution on eth1');
  t.is(because('NO_ROUTE', { state: 'no-route' }), 'no route leads out of this host to it');
  t.is(because('NO_INTERFACE', { state: 'no-interface', interface: 'eth1' }), 'there is no interface eth1');
  t.is(
    because('NO_NEIGHBOUR', { state: 'asking', ...hop }),
    'the next hop does not answer address resolution; 10.0.0.7 is being asked for its MAC address on eth1',
  );
  t.is(because('MAP_FULL', null), CODES.MAP_FULL);
  t.is(because('NO_INTERFACE', null), CODES.NO_INTERFACE);
});
