import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Failure } from '../../../../cli/line/failure.ts';
import { findRedirects } from '../../../../cli/specs/find-redirects.ts';
import { idleTexts, shortfallTexts } from '../../../../cli/specs/shortfalls.ts';
import { MAX_AT_HAND } from '../../../../controller/serve/api-service.ts';
import { encodeGetReply, type GetItem, parseGetRequest } from '../../../../protocol/listings.ts';
import type { LiveGroup } from '../../../../protocol/live.ts';

function item(name: string, ...states: readonly LiveGroup[]): GetItem {
  const total = states.reduce((sum, group) => sum + group.total, 0);
  return {
    ...{ spec: { name, hosts: 'all' }, hosts: [], hostsTotal: total, shadowed: [], shadowedTotal: 0, rev: 1 },
    live: { hosts: 0, total, states },
  };
}

function held(code: string, ...hosts: readonly string[]): LiveGroup {
  return { state: 'held', code, total: hosts.length, hosts };
}

/** Says what a controller that answers with these would have said; `asked`: the names that it is asked for. */
function texts(
  items: readonly GetItem[],
  say = shortfallTexts,
  asked: (string | undefined)[] = [],
): Promise<readonly string[]> {
  const specs = items.map(({ spec }) => ({ name: String(spec.name), json: spec, locate: () => ({}) as never }));
  const api = async (_verb: string, request: Uint8Array, parse: (reply: Uint8Array) => unknown) => {
    const { name } = parseGetRequest(request);
    asked.push(name);
    return parse(encodeGetReply({ v: 1, items: items.filter(({ spec }) => spec.name === name), next: null }));
  };
  return say(specs, { api: api as never });
}

test('shortfalls: hosts that are held are named, those for one reason together, for what is new waits there', async (t) => {
  const pending = { state: 'pending', total: 1, hosts: ['edge-9'] };
  t.deepEqual(
    await texts([
      item('web', held('FOREIGN_EPOCH', 'edge-1', 'edge-2'), pending),
      item('dns', held('FOREIGN_EPOCH', 'edge-2', 'edge-3', 'edge-4'), held('ADOPTING', 'edge-5')),
      item('mail', pending),
    ]),
    [
      'held FOREIGN_EPOCH on edge-1,edge-2,edge-3 +1: what is new waits there until that ends; see shunt hosts',
      'held ADOPTING on edge-5: what is new waits there until that ends; see shunt hosts',
    ],
  );
  t.deepEqual(await texts([item('web', { ...held('HISTORY_LOST', 'edge-1'), total: 1_000 })]), [
    'held HISTORY_LOST on edge-1 +999: what is new waits there until that ends; see shunt hosts',
  ]);
});

test('shortfalls: of a hundred redirects no more are asked for at once than a controller has room for', async (t) => {
  const names = Array.from({ length: 100 }, (_, n) => `r${n}`);
  let [atHand, most] = [0, 0];
  const api = async (_verb: string, request: Uint8Array, parse: (reply: Uint8Array) => unknown) => {
    const { name = '' } = parseGetRequest(request);
    atHand += 1;
    most = Math.max(most, atHand);
    await setImmediate();
    atHand -= 1;
    return parse(encodeGetReply({ v: 1, items: [item(name)], next: null }));
  };
  const found = await findRedirects(names, { api: api as never });
  t.deepEqual(
    found.map(({ spec }) => spec.name),
    names,
  );
  t.true(most < MAX_AT_HAND / 2, `${most}`);
});

test('shortfalls: nothing is said where no host is held, of a controller that does not say, or to whom may not ask', async (t) => {
  const { live: _, ...older } = item('web');
  t.deepEqual(await texts([item('web', { state: 'installed', total: 1, hosts: ['edge-1'] })]), []);
  t.deepEqual(await texts([older]), []);
  const api = async () => Promise.reject(new Failure(1, 'FAILED', 'not allowed'));
  const spec = { name: 'web', json: {}, locate: () => ({}) as never };
  t.deepEqual(await shortfallTexts([spec], { api: api as never }), []);
});

test('shortfalls: what is idle does not stand, and it is said by what it does again; of no other it is asked', async (t) => {
  const idle = { state: 'idle', total: 2, hosts: ['edge-1', 'edge-2'] };
  const giving = (name: string, rearm: string, ...states: readonly LiveGroup[]): GetItem => {
    const one = item(name, ...states);
    return { ...one, spec: { ...one.spec, idle: { after: 600_000, rearm } } };
  };
  const items = [
    giving('web', 'never', idle),
    giving('dns', 'revision', { ...idle, total: 9 }),
    giving('mail', 'never', { state: 'installed', total: 1, hosts: ['edge-1'] }),
    item('ntp', { state: 'installed', total: 1, hosts: ['edge-1'] }),
  ];
  const said = [
    'web is idle on edge-1,edge-2, and does not stand there: shunt rearm web has it stand again',
    'dns is idle on edge-1,edge-2 +7, and does not stand there: a newer revision, or shunt rearm dns, has it stand again',
  ];
  const asked: (string | undefined)[] = [];
  t.deepEqual(await texts(items, idleTexts, asked), said);
  t.deepEqual(asked, ['web', 'dns', 'mail']);
  t.deepEqual(await texts(items), said, 'what is known at once');
});
