import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { type ApplyReply, encodeApiError, encodeApplyReply, parseApplyRequest } from '../../protocol/api.ts';
import { encodeAskError, encodeDump, parseAskRequest } from '../../protocol/ask.ts';
import { encodeChangeReply } from '../../protocol/change-state.ts';
import { encodeDeleteReply, parseDeleteRequest } from '../../protocol/delete.ts';
import { type Event, encodeEvent, encodeEvents } from '../../protocol/event.ts';
import { encodeExplanation, parseExplainRequest } from '../../protocol/explain.ts';
import { encodeForgetReply, parseForgetRequest } from '../../protocol/forget.ts';
import { encodeGetReply, encodeHostsReply, parseGetRequest, parseHostsRequest } from '../../protocol/listings.ts';
import { encodePlanReply, parsePlanRequest } from '../../protocol/plan.ts';
import { encodePlanPage, parsePlanPageRequest } from '../../protocol/plan-page.ts';
import { encodeRearmReply, parseRearmRequest } from '../../protocol/rearm.ts';
import { encodeRecoverReply, parseRecoverRequest } from '../../protocol/recover.ts';
import { encodeReleaseReply, type ReleaseReply } from '../../protocol/release.ts';
import { encodeResyncReply } from '../../protocol/resync.ts';
import { encodeStats } from '../../protocol/stats.ts';
import { encodeStatus, parseStatus } from '../../protocol/status.ts';
import { encodeWorking, WORKING_HEADER } from '../../protocol/working.ts';
import { startNats } from '../support/nats.ts';
import { onlyUsers } from '../support/nats-users.ts';
import { matchesGolden } from '../unit/cli/golden.ts';
import { KeptTerminal, type Session, shunt } from '../unit/cli/session.ts';
import { Bench, fixture, narrow } from './bench.ts';

const NONE_GIVEN =
  'no credentials were given: name some with --creds, --nkey, --user or --token-file, or in the settings file';
const MAIN = join(import.meta.dirname, '../../cli/shunt.js');
const APPLY = `redirects:
  - name: web
    hosts: { role: edge }
    match: { src: 198.51.100.0/24, dst: 203.0.113.10, proto: udp, dport: 443 }
    to: { nexthop: 10.0.0.7 }
`;

test('apply: what was written goes to the controller in normal form, and its answer is one line', async (t) => {
  await using bench = await Bench.open();
  const specs: unknown[] = [];
  let nobody: Partial<ApplyReply> = {};
  await bench.answers('shunt.v1.api.apply', (data) => {
    const request = parseApplyRequest(data);
    specs.push(...request.specs);
    const { upload } = request;
    return encodeApplyReply({ v: 1, upload, created: 1, changed: 0, unchanged: 0, hosts: 2, rev: 12, ...nobody });
  });
  const words = ['apply', '-f', '-'];
  await matchesGolden(t, 'done-apply', words, await bench.shunt(words, { stdin: APPLY }));
  const json = await bench.shunt([...words, '-o', 'json'], { stdin: APPLY });
  t.deepEqual(JSON.parse(json.stdout), { created: 1, changed: 0, unchanged: 0, hosts: 2, rev: 12 });
  t.like(specs[0], { name: 'web', enabled: true, match: { dst: '203.0.113.10/32', dport: 443 }, priority: 0 });
  nobody = { unmatched: ['web'], unmatchedTotal: 1, unheard: ['edge-9'], unheardTotal: 1 };
  await matchesGolden(t, 'done-apply-nobody', words, await bench.shunt(words, { stdin: APPLY }));
  nobody = {};
  const past = `${APPLY}    expires: 2020-01-01T00:00:00Z\n`;
  await matchesGolden(t, 'done-apply-expired', words, await bench.shunt(words, { stdin: past }));
  t.is((await bench.shunt(words, { stdin: past.replace('2020', '9020') })).stderr, '');
  const idle = `${APPLY}    idle: { after: 10m }\n`;
  await matchesGolden(t, 'done-apply-idle', words, await bench.shunt(words, { stdin: idle }));
  const one = idle.replace(/hosts: .*/, 'hosts: [edge-1]');
  t.is((await bench.shunt(words, { stdin: one })).stderr, '', 'nothing goes to another host');
});

test('apply: 5,000 redirects as JSON lines go up in parts that fit a small bus', async (t) => {
  await using bench = await Bench.open();
  let parts = 0;
  let received = 0;
  await bench.answers('shunt.v1.api.apply', (data) => {
    const { upload, part, parts: all, specs } = parseApplyRequest(data);
    parts = all;
    received += specs.length;
    if (part < all - 1) return encodeApplyReply({ v: 1, upload, part });
    return encodeApplyReply({ v: 1, upload, created: received, changed: 0, unchanged: 0, hosts: 1, rev: received });
  });
  const lines = Array.from({ length: 5000 }, (_, index) =>
    JSON.stringify({ name: `r-${index}`, hosts: 'all', match: { dst: '203.0.113.10' }, to: 'drop' }),
  );
  const { exit, stdout } = await bench.shunt(['apply', '-f', '-'], { stdin: lines.join('\n') });
  t.is(exit, 0);
  t.is(stdout, 'created 5000, changed 0, unchanged 0; hosts 1; newest revision 5000\n');
  t.true(parts > 1);
});

test('apply, plan, delete: what the controller says of its work is shown until it answers', async (t) => {
  await using bench = await Bench.open();
  const asked: string[] = [];
  const work = (verb: string, reply: (data: Uint8Array) => Uint8Array) =>
    bench.answers(`shunt.v1.api.${verb}`, (data, message) => {
      asked.push(verb);
      const to = message.headers?.get(WORKING_HEADER) ?? '';
      bench.say(to, encodeWorking({ v: 1, done: 12_000 }));
      bench.say(to, new TextEncoder().encode('{"v":2}'));
      return reply(data);
    });
  await work('apply', (data) => {
    const { upload } = parseApplyRequest(data);
    return encodeApplyReply({ v: 1, upload, created: 1, changed: 0, unchanged: 0, hosts: 2, rev: 12 });
  });
  await work('plan', (data) => encodePlanReply({ ...fixture('plan-reply'), upload: parsePlanRequest(data).upload }));
  await work('delete', () => encodeDeleteReply({ v: 1, deleted: ['web'], absent: [], hosts: 1, rev: 13 }));
  const shown: Record<string, string> = {
    'apply -f -': 'the controller works on it: 12,000 redirects on hosts',
    'plan -f -': 'the controller works on it: 12,000 hosts',
    'delete web': 'the controller works on it: 12,000 redirects on hosts',
  };
  for (const [words, text] of Object.entries(shown)) {
    const terminal = new KeptTerminal(80);
    const { exit } = await bench.shunt(words.split(' '), { stdin: APPLY, terminal });
    t.is(exit, 0);
    t.is(terminal.shown[0], text);
    t.is(terminal.shown.at(-1), '');
  }
  t.deepEqual(asked, ['plan', 'apply', 'plan', 'delete'], 'an apply looks first');
});

test('apply, delete: a controller that knows no terms is of an older release, and it is said what to leave out', async (t) => {
  await using bench = await Bench.open();
  const refusal = encodeApiError({ v: 1, error: { code: 'UNKNOWN_FIELD', message: 'reason: unknown field' } });
  for (const verb of ['apply', 'delete']) await bench.answers(`shunt.v1.api.${verb}`, () => refusal);
  for (const words of [
    ['apply', '-f', '-'],
    ['delete', 'web'],
  ]) {
    const { exit, stderr } = await bench.shunt([...words, '--reason', 'why'], { stdin: APPLY });
    t.is(exit, 1);
    t.regex(
      stderr,
      /is of an older release, and has no size gate: leave it out, and --allow-shrink and --allow-growth/,
    );
    t.notRegex((await bench.shunt(words, { stdin: APPLY })).stderr, /size gate/);
  }
});

test('apply: a redirect that loses on every host is named, with the one that wins', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.api.apply', (data) => {
    const { upload } = parseApplyRequest(data);
    return encodeApplyReply({ v: 1, upload, created: 1, changed: 0, unchanged: 0, hosts: 0, rev: 12 });
  });
  const [item] = fixture('get-reply').items;
  let standing: object = {};
  await bench.answers('shunt.v1.api.get', () => {
    return encodeGetReply({ v: 1, items: [{ ...item, spec: { ...item.spec, name: 'web' }, ...standing }], next: null });
  });
  const notes = async (of: object): Promise<string> => {
    standing = of;
    const { exit, stderr } = await bench.shunt(['apply', '-f', '-'], { stdin: APPLY });
    t.is(exit, 0);
    return stderr;
  };
  const by = (...names: readonly string[]) => names.map((name, at) => ({ host: `edge-${at}`, by: name }));
  const nowhere = { hosts: [], hostsTotal: 0, notSent: undefined, notSentTotal: undefined };
  const lost = 'note: web stands nowhere: old has the same match and wins';
  const mend = 'give one of them another priority\n';
  t.is(await notes({ ...nowhere, shadowed: by('old', 'old'), shadowedTotal: 2 }), `${lost} on all 2 hosts; ${mend}`);
  t.is(await notes({ ...nowhere, shadowed: by('old'), shadowedTotal: 1 }), `${lost} on edge-0; ${mend}`);
  const { hosts: _, hostsTotal: __, ...sent } = nowhere;
  t.is(await notes({ hosts: ['edge-9'], hostsTotal: 1, shadowed: by('old'), shadowedTotal: 1, ...sent }), '');
  t.is(await notes({ ...nowhere, shadowed: [], shadowedTotal: 0, ...sent }), '');
  const notSent = [{ host: 'edge-3', code: 'AGENT_TOO_OLD', lacks: ['idle'] }];
  t.is(
    await notes({ hosts: ['edge-9'], hostsTotal: 1, shadowed: [], shadowedTotal: 0, notSent, notSentTotal: 7 }),
    'note: web is not sent to edge-3 +6: AGENT_TOO_OLD (idle)\n',
  );
});

test('apply --wait: what is verified and idle does not stand, and it is said by what it does again', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.api.apply', (data) => {
    const { upload } = parseApplyRequest(data);
    const counted = { created: 0, changed: 1, unchanged: 0, hosts: 2, rev: 12 };
    return encodeApplyReply({ v: 1, upload, ...counted, change: '5c1d0000' });
  });
  let state = 'pending';
  await bench.answers('shunt.v1.api.change', () => {
    state = 'idle';
    const done = { failed: 0, stale: 0, unreachable: 0, total: 2, done: 2, items: [], next: null };
    return encodeChangeReply({ v: 1, change: '5c1d0000', verb: 'apply', made: 1, level: 'verified', ...done });
  });
  const [item] = fixture('get-reply').items;
  const spec = { ...item.spec, name: 'web', idle: { after: 600_000, rearm: 'never' } };
  await bench.answers('shunt.v1.api.get', () => {
    const live = { hosts: 0, total: 2, states: [{ state, total: 2, hosts: ['edge-1', 'edge-2'] }] };
    const where = { hosts: ['edge-1', 'edge-2'], hostsTotal: 2, shadowed: [], shadowedTotal: 0 };
    return encodeGetReply({ v: 1, items: [{ spec, rev: 12, live, ...where }], next: null });
  });
  const stdin = APPLY.concat('    idle: { after: 10m, rearm: never }\n');
  const notes = async (...words: readonly string[]): Promise<readonly string[]> => {
    const { exit, stderr } = await bench.shunt(['apply', '-f', '-', ...words], { stdin });
    t.is(exit, 0);
    return stderr.split('\n').filter((line) => line.includes('web is idle'));
  };
  const said = 'note: web is idle on edge-1,edge-2, and does not stand there: shunt rearm web has it stand again';
  t.deepEqual(await notes(), [], 'nobody knows yet');
  t.deepEqual(await notes('--wait'), [said]);
  t.deepEqual(await notes('--wait'), [said], 'once, also where it is known at once');
  t.deepEqual(await notes(), [said]);
});

test('apply: a problem that only the controller sees is named by line', async (t) => {
  await using bench = await Bench.open();
  const problems = [
    { index: 0, name: 'web', code: 'BAD_TARGET', path: 'to.nexthop', message: 'to.nexthop: this is the host itself' },
  ];
  await bench.answers('shunt.v1.api.apply', () =>
    encodeApiError({ v: 1, error: { code: 'BAD_TARGET', message: '1 redirect is refused', problems } }),
  );
  const words = ['apply', '-f', '-'];
  await matchesGolden(t, 'refused-by-controller', words, await bench.shunt(words, { stdin: APPLY }));
});

test('plan: what would become of each host, and what deserves a second look', async (t) => {
  await using bench = await Bench.open();
  const asked: unknown[] = [];
  await bench.answers('shunt.v1.api.plan', (data) => {
    const request = parsePlanRequest(data);
    asked.push({ specs: request.specs.length, delete: request.delete });
    return encodePlanReply({ ...fixture('plan-reply'), upload: request.upload });
  });
  const words = ['plan', '-f', '-', '--delete', 'drain-web-1', '--delete', 'drain-web-0'];
  const wide = await bench.shunt(words, { stdin: APPLY });
  await matchesGolden(t, 'done-plan', words, wide);
  await matchesGolden(t, 'done-plan-80', words, await bench.shunt(words, { stdin: APPLY, ...narrow() }));
  const json = await bench.shunt(['plan', '--delete', 'a', '-o', 'json']);
  const { v: _, upload: __, ...reply } = fixture('plan-reply');
  t.deepEqual(JSON.parse(json.stdout), reply);
  const both = { specs: 1, delete: ['drain-web-1', 'drain-web-0'] };
  t.deepEqual(asked, [both, both, { specs: 0, delete: ['a'] }]);
  const idle = await bench.shunt(['plan', '-f', '-', '-o', 'json'], { stdin: `${APPLY}    idle: { after: 10m }\n` });
  t.regex(idle.stderr, /^note: each host gives up by itself what is idle: web; packets that ECMP moves/);
});

test('plan: FROM says of what hosts gave up that it is idle there; for programs nobody is asked', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.api.plan', (data) => {
    return encodePlanReply({ ...fixture('plan-reply'), upload: parsePlanRequest(data).upload });
  });
  const asked: unknown[] = [];
  await bench.answers('shunt.v1.api.get', (data) => {
    const { name } = parseGetRequest(data);
    asked.push(name);
    const live = { hosts: 0, total: 1, states: [{ state: 'idle', total: 1, hosts: ['edge-7'] }] };
    const where = { hosts: ['edge-7'], hostsTotal: 1, shadowed: [], shadowedTotal: 0 };
    return encodeGetReply({ v: 1, items: [{ spec: { name }, rev: 12, live, ...where }], next: null });
  });
  await bench.shunt(['plan', '-f', '-', '-o', 'json'], { stdin: APPLY });
  t.deepEqual(asked, []);
  const { stdout } = await bench.shunt(['plan', '-f', '-'], { stdin: APPLY });
  t.deepEqual(asked.toSorted(), ['block-scan', 'drain-web-1']);
  t.regex(stdout, /^delete +drain-web-1 +10\.0\.0\.7, idle +! B +edge-7 /m);
});

test('plan: what one answer has no room for is read page by page, and all of it is shown in a pipe', async (t) => {
  await using bench = await Bench.open();
  const [change] = fixture('plan-reply').changes;
  const changes = Array.from({ length: 90 }, (_, at) => ({ ...change, name: `web-${at}` }));
  const cut = {
    ...fixture('plan-reply'),
    changes: changes.slice(0, 30),
    changesTotal: 90 * change.hostsTotal,
    pages: 2,
  };
  await bench.answers('shunt.v1.api.plan', (data) => {
    return encodePlanReply({ ...cut, upload: parsePlanRequest(data).upload });
  });
  await bench.answers('shunt.v1.api.plan-page', (data) => {
    const { v, upload, page, pages } = parsePlanPageRequest(data);
    t.is(pages, 2);
    return encodePlanPage({ v, upload, page, changes: changes.slice(30 * (page + 1), 30 * (page + 2)) });
  });
  const words = ['plan', '-f', '-'];
  const { v: _, upload: __, pages: ___, ...whole } = { ...cut, changes };
  t.deepEqual(JSON.parse((await bench.shunt([...words, '-o', 'json'], { stdin: APPLY })).stdout), whole);
  const named = async (given: Parameters<typeof shunt>[1]) =>
    [...(await bench.shunt(words, { stdin: APPLY, ...given })).stdout.matchAll(/ web-\d+ /g)].length;
  t.deepEqual([await named({}), await named(narrow(200))], [90, 40]);
});

test('delete: each name, deleted or already absent, is success', async (t) => {
  await using bench = await Bench.open();
  const asked: string[][] = [];
  await bench.answers('shunt.v1.api.delete', (data) => {
    const { names } = parseDeleteRequest(data);
    asked.push([...names]);
    return encodeDeleteReply({
      v: 1,
      deleted: names.filter((name) => name === 'web'),
      absent: names.filter((name) => name !== 'web'),
      hosts: 1,
      rev: 13,
    });
  });
  const words = ['delete', 'web', 'gone', 'web'];
  await matchesGolden(t, 'done-delete', words, await bench.shunt(words));
  t.deepEqual(asked, [['web', 'gone']]);
  const json = await bench.shunt([...words, '-o', 'json']);
  t.deepEqual(JSON.parse(json.stdout), { deleted: ['web'], absent: ['gone'], hosts: 1, rev: 13 });
});

test('delete and get: a name that is not there, and one that is near', async (t) => {
  await using bench = await Bench.open();
  const near = [{ name: 'drain-wbe-2', near: 'drain-web-2' }];
  await bench.answers('shunt.v1.api.delete', (data) => {
    return encodeDeleteReply({ v: 1, deleted: [], absent: parseDeleteRequest(data).names, hosts: 0, rev: 13, near });
  });
  await bench.answers('shunt.v1.api.get', () => encodeGetReply({ v: 1, items: [], next: null, near }));
  const words = ['delete', 'drain-wbe-2', 'gone'];
  const { exit, stdout } = await bench.shunt(words);
  t.is(exit, 0);
  t.is(stdout, 'drain-wbe-2: already absent; did you mean drain-web-2?\ngone: already absent\n');
  const json = await bench.shunt([...words, '-o', 'json']);
  t.deepEqual(JSON.parse(json.stdout), { deleted: [], absent: ['drain-wbe-2', 'gone'], hosts: 0, rev: 13, near });
  const got = await bench.shunt(['get', 'drain-wbe-2']);
  t.is(got.exit, 1);
  t.is(got.stderr, 'shunt get: there is no redirect drain-wbe-2; did you mean drain-web-2?\n');
});

test('delete and get: words that other tools have before names are said to be taken for names', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.api.get', () => encodeGetReply({ v: 1, items: [], next: null }));
  await bench.answers('shunt.v1.api.delete', (data) => {
    const { names } = parseDeleteRequest(data);
    const deleted = names.filter((name) => name === 'b-to-c' || name === 'rule');
    return encodeDeleteReply({
      v: 1,
      deleted,
      absent: names.filter((it) => !['b-to-c', 'rule'].includes(it)),
      hosts: 1,
      rev: 9,
    });
  });
  const note = (word: string) => `note: ${word}: taken for a name; shunt delete takes names alone, see shunt get\n`;
  const deleted = await bench.shunt(['delete', 'redirect', 'b-to-c']);
  t.deepEqual(deleted, { exit: 0, stdout: 'redirect: already absent\nb-to-c: deleted\n', stderr: note('redirect') });
  t.is((await bench.shunt(['delete', 'all'])).stderr, note('all'));
  t.is((await bench.shunt(['delete', 'all', '-o', 'json'])).stderr, note('all'));
  t.is((await bench.shunt(['delete', 'rule', 'nosuch'])).stderr, '');
  for (const [word, meant] of Object.entries({ hosts: 'shunt hosts', redirects: 'shunt get' })) {
    t.is(
      (await bench.shunt(['get', word])).stderr,
      `shunt get: there is no redirect ${word}; did you mean ${meant}?\n`,
    );
  }
});

test('get: every page is read, as a table and as JSON', async (t) => {
  await using bench = await Bench.open();
  const {
    items: [known, old],
  } = fixture('get-reply');
  const item = { ...known, spec: { ...known.spec, expires: undefined } };
  const { notSent: _, notSentTotal: __, ...sent } = item;
  const disabled = {
    ...sent,
    spec: { ...item.spec, name: 'paused', enabled: false, expires: Date.UTC(2020), priority: -3 },
    hosts: [],
    hostsTotal: 0,
    shadowed: [],
    shadowedTotal: 0,
    ...{ live: { hosts: 0, total: 0, states: [] }, since: undefined },
  };
  const many = {
    ...sent,
    spec: { ...item.spec, name: 'wide', to: 'drop', expires: undefined, priority: 10 },
    hosts: ['a', 'b', 'c', 'd', 'e'],
    hostsTotal: 1005,
    shadowed: [],
    shadowedTotal: 0,
    live: {
      ...{ hosts: 0, total: 1005 },
      states: [{ state: 'silent', total: 1005, hosts: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] }],
    },
  };
  const { at } = fixture('get-reply');
  await bench.answers('shunt.v1.api.get', (data) => {
    const { name, after } = parseGetRequest(data);
    if (name !== undefined) return encodeGetReply({ v: 1, items: name === 'wide' ? [many] : [], next: null, at });
    return encodeGetReply(
      after === undefined
        ? { v: 1, items: [item, old, disabled], next: 'paused', at }
        : { v: 1, items: [many], next: null, at },
    );
  });
  const terminal = new KeptTerminal();
  await matchesGolden(t, 'done-get', ['get'], await bench.shunt(['get'], { terminal }));
  t.deepEqual(terminal.shown, ['3 read', '']);
  t.is(JSON.parse((await bench.shunt(['get', '-o', 'json'])).stdout).items.length, 4);
  t.is(JSON.parse((await bench.shunt(['get', 'wide', '-o', 'json'])).stdout).items[0].spec.name, 'wide');
  await matchesGolden(t, 'no-such-redirect', ['get', 'nosuch'], await bench.shunt(['get', 'nosuch']));
  await matchesGolden(t, 'done-get-80', ['get'], await bench.shunt(['get'], narrow()));
  for (const format of ['wide', 'yaml', 'name']) {
    const words = ['get', '-o', format];
    await matchesGolden(t, `done-get-${format}`, words, await bench.shunt(words, narrow()));
  }
});

test('get: of one redirect that is given up in silence each host says how it stands there', async (t) => {
  await using bench = await Bench.open();
  const {
    items: [item],
    at,
  } = fixture('get-reply');
  const hosts = ['edge-1', 'edge-2', 'edge-10'];
  const spec = { ...item.spec, name: 'web', idle: { after: 600_000, rearm: 'revision' }, expires: undefined };
  const { notSent: _, notSentTotal: __, ...plain } = item;
  const web = { ...plain, spec, hosts, hostsTotal: 3, shadowed: [], shadowedTotal: 0 };
  let asked = 0;
  const reply = { ...fixture('explain-reply'), name: 'web', code: undefined, errno: undefined, retryAt: undefined };
  await bench.answers('shunt.v1.api.get', () => encodeGetReply({ v: 1, items: [web], next: null, at }));
  await bench.answers('shunt.v1.ask.edge-1.explain', (data) => {
    asked += 1;
    t.deepEqual(parseExplainRequest(data), { v: 1, name: 'web' });
    return encodeExplanation({ ...reply, host: 'edge-1', state: 'installed', since: Date.now() - 7_200_000 });
  });
  await bench.answers('shunt.v1.ask.edge-2.explain', () => {
    const idle = { state: 'idle', since: Date.now() - 180_000, silence: undefined, slot: null, packets: '42' };
    return encodeExplanation({ ...reply, host: 'edge-2', ...idle, seenMsAgo: 780_000 });
  });
  await bench.answers('shunt.v1.ask.edge-10.explain', () => {
    return encodeAskError({ v: 1, host: 'edge-10', error: { code: 'UNKNOWN_REDIRECT', message: 'has no web' } });
  });
  await matchesGolden(t, 'done-get-idle', ['get', 'web'], await bench.shunt(['get', 'web']));
  const json = JSON.parse((await bench.shunt(['get', 'web', '-o', 'json'])).stdout);
  t.like(json.idle, [
    { host: 'edge-1', silence: { leftMs: 240_000 } },
    { host: 'edge-2', state: 'idle', packets: '42' },
  ]);
  t.like(json.failed, [{ host: 'edge-10', code: 'UNKNOWN_REDIRECT' }]);
  t.is(asked, 2);
  await bench.shunt(['get']);
  t.is(asked, 2);
});

test('get, hosts: an empty fleet says so, and a column that no redirect needs is not there', async (t) => {
  await using bench = await Bench.open();
  const [{ spec, ...rest }] = fixture('get-reply').items.slice(1);
  let items: readonly object[] = [];
  await bench.answers('shunt.v1.api.get', () => encodeGetReply({ v: 1, items: items as never, next: null }));
  await bench.answers('shunt.v1.api.hosts', () => encodeHostsReply({ v: 1, items: [], next: null }));
  t.is((await bench.shunt(['get'])).stdout, 'no redirects\n');
  t.is((await bench.shunt(['hosts'])).stdout, 'no hosts\n');
  t.deepEqual(JSON.parse((await bench.shunt(['get', '-o', 'json'])).stdout), { items: [] });
  items = [{ ...rest, spec }];
  t.regex((await bench.shunt(['get'])).stdout, /^NAME .* AGE\n/);
  items = [{ ...rest, spec: { ...spec, priority: 7 } }];
  t.regex((await bench.shunt(['get'])).stdout, /^NAME .* AGE +PRIORITY\n.* - +7\n/);
  items = [{ ...rest, spec: { ...spec, expires: Date.now() + 7_500_000 } }];
  t.regex((await bench.shunt(['get'])).stdout, /^NAME .* AGE +EXPIRES\n.* - +in 2h([0-9]m)?\n/);
});

test('get: as JSON what a message does not hold of a redirect is asked for, and no more', async (t) => {
  await using bench = await Bench.open();
  const [part] = fixture('get-rest-reply').items;
  const spec = { name: 'drain-web-2', hosts: [], enabled: true };
  const first = { ...part, spec, hosts: ['edge-0499'], selector: undefined, rest: { selector: 0, hosts: 'edge-0499' } };
  const { rest: _, ...last } = { ...part, hosts: ['edge-0501'], selector: ['edge-0501'], shadowed: [] };
  const other = { ...fixture('get-reply').items[0], spec: { ...spec, name: 'other', hosts: 'all' } };
  const asked: unknown[] = [];
  await bench.answers('shunt.v1.api.get', (data) => {
    const { v: _v, limit: _limit, ...request } = parseGetRequest(data);
    asked.push(request);
    if (request.rest === undefined) return encodeGetReply({ v: 1, items: [first, other], next: null });
    return encodeGetReply({ v: 1, items: [request.rest.hosts === 'edge-0499' ? part : last], next: null });
  });
  const { stdout } = await bench.shunt(['get', '-o', 'json']);
  const [whole, second] = JSON.parse(stdout).items;
  const { selector, rest, notSent, ...rows } = part;
  t.deepEqual(whole, {
    ...rows,
    spec: { ...spec, hosts: ['edge-0500', 'edge-0501'] },
    hosts: ['edge-0499', 'edge-0500', 'edge-0501'],
    shadowed: [...part.shadowed, ...part.shadowed],
    notSent: [...notSent, ...notSent, ...notSent],
  });
  t.deepEqual(second, other);
  const name = 'drain-web-2';
  t.deepEqual(asked, [{}, { name, rest: first.rest }, { name, rest }]);
  asked.length = 0;
  await bench.shunt(['get']);
  t.deepEqual(asked, [{ brief: true }]);
});

test('get: a controller of an older release is asked as it understands, and what it does not say is not known', async (t) => {
  await using bench = await Bench.open();
  const [{ live: _, since: __, rate: ___, ...item }] = fixture('get-reply').items;
  const asked: unknown[] = [];
  await bench.answers('shunt.v1.api.get', (data) => {
    const { brief } = parseGetRequest(data);
    asked.push(brief);
    if (brief) return encodeApiError({ v: 1, error: { code: 'UNKNOWN_FIELD', message: 'brief: unknown field' } });
    return encodeGetReply({ v: 1, items: [item], next: null });
  });
  const { exit, stdout } = await bench.shunt(['get'], narrow());
  t.is(exit, 0);
  t.regex(stdout, /\ndrain-web-2 .* \?\/2 +unknown +- +- /);
  t.regex(stdout, /\nnote: the controller is of an older release/);
  t.deepEqual(asked, [true, undefined]);
});

test('get: a controller whose rest of a redirect does not end is not asked for ever', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.api.get', () => encodeGetReply(fixture('get-rest-reply')));
  const { exit, stderr } = await bench.shunt(['get', '-o', 'json']);
  t.is(exit, 1);
  t.regex(stderr, /the list does not end: a second page starts after drain-web-2/);
});

test('get: a controller whose pages do not end is not asked for ever', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.api.get', () => encodeGetReply({ v: 1, items: [], next: 'again' }));
  const { exit, stderr } = await bench.shunt(['get']);
  t.is(exit, 1);
  t.is(stderr, 'shunt get: the list does not end: a second page starts after again\n');
});

test('hosts: how far each one is', async (t) => {
  await using bench = await Bench.open();
  const {
    items: [item, troubled],
  } = fixture('hosts-reply');
  const never = {
    ...item,
    host: 'edge-8',
    labels: {},
    seenAt: null,
    stored: 0,
    applied: 0,
    verified: 0,
    installed: 0,
    exceptions: 0,
  };
  let hosts = [{ ...item, seenAt: null }, never];
  let damage = {};
  await bench.answers('shunt.v1.api.hosts', () => encodeHostsReply({ v: 1, items: hosts, next: null, ...damage }));
  await matchesGolden(t, 'done-hosts', ['hosts'], await bench.shunt(['hosts']));
  await matchesGolden(t, 'done-hosts-80', ['hosts'], await bench.shunt(['hosts'], narrow()));
  await matchesGolden(t, 'done-hosts-60', ['hosts'], await bench.shunt(['hosts'], narrow(60)));
  hosts = [
    { ...item, seenAt: null },
    { ...troubled, seenAt: null },
  ];
  await matchesGolden(t, 'done-hosts-trouble', ['hosts'], await bench.shunt(['hosts']));
  await matchesGolden(t, 'done-hosts-trouble-80', ['hosts'], await bench.shunt(['hosts'], narrow()));
  const small = await bench.shunt(['hosts'], narrow(60));
  t.true(
    small.stdout.split('\n').every((line) => line.length <= 60),
    small.stdout,
  );
  await matchesGolden(t, 'done-hosts-trouble-60', ['hosts'], small);
  hosts = [item, { ...item, host: 'edge-8', seenAt: null, ended: true }];
  const { stdout } = await bench.shunt(['hosts']);
  t.deepEqual(stdout.match(/(?<=^edge-.* )(silent|agent ended)$/gm), ['silent', 'agent ended']);
  t.regex(stdout, /\n\n2 hosts: 0 ok, 1 silent, 1 never heard\n$/);
  t.like(JSON.parse((await bench.shunt(['hosts', '-o', 'json'])).stdout).items[1], { host: 'edge-8', ended: true });
  hosts = ['edge-10', 'edge-2', 'edge-1'].map((host) => ({ ...item, host, seenAt: null }));
  t.deepEqual((await bench.shunt(['hosts'])).stdout.match(/^edge-[0-9]+/gm), ['edge-1', 'edge-2', 'edge-10']);
  const of = (host: string, agent: string, version: string, tag: string) => ({
    ...{ ...item, host, seenAt: null, agent, program: { version, tag } },
  });
  hosts = [of('edge-1', '0.2.0', '0.2.0', '11'), of('edge-2', '0.2.0', '0.2.0', '11'), never];
  t.false((await bench.shunt(['hosts'])).stdout.includes('VERSION'), 'all are of one');
  hosts = [...hosts, of('edge-3', '0.2.0', '0.1.0', '22'), of('edge-4', '0.1.0', '0.1.0', '22')];
  await matchesGolden(t, 'done-hosts-versions', ['hosts'], await bench.shunt(['hosts']));
  await matchesGolden(t, 'done-hosts-versions-80', ['hosts'], await bench.shunt(['hosts'], narrow()));
  hosts = [of('edge-1', '0.2.0', '0.2.0', '11'), of('edge-2', '0.2.0', '0.2.0', '33')];
  t.deepEqual((await bench.shunt(['hosts'])).stdout.match(/0\.2\.0, program 0\.2\.0 \d+/g)?.length, 2);
  hosts = [{ ...item, seenAt: null }, never];
  damage = { damage: fixture('hosts-reply').damage };
  await matchesGolden(t, 'done-hosts-damaged', ['hosts'], await bench.shunt(['hosts']));
  await matchesGolden(t, 'done-hosts-damaged-80', ['hosts'], await bench.shunt(['hosts'], narrow()));
});

test('hosts: those that have labels, or are not well; a sum says of how many', async (t) => {
  await using bench = await Bench.open();
  const {
    items: [item, troubled],
    at,
  } = fixture('hosts-reply');
  const well = { ...item, exceptions: 0 };
  const items = [
    { ...well, host: 'edge-1', labels: { role: 'edge', zone: 'a' } },
    { ...well, host: 'edge-2', labels: { role: 'edge', zone: 'b' }, head: 50 },
    { ...troubled, host: 'edge-3', labels: { role: 'edge', zone: 'a' } },
    { ...well, host: 'core-1', labels: { role: 'core' }, seenAt: at - 61_000 },
    { ...well, host: 'core-2', labels: { role: 'core' }, seenAt: null },
  ];
  await bench.answers('shunt.v1.api.hosts', () => encodeHostsReply({ v: 1, items, next: null, at }));
  const hosts = async (...words: readonly string[]) => (await bench.shunt(['hosts', ...words])).stdout;
  const named = async (...words: readonly string[]) => (await hosts(...words)).match(/^(edge|core)-\d/gm) ?? [];
  const all = await hosts();
  t.regex(all, /\n\n5 hosts: 1 ok, 1 in trouble, 1 silent, 1 never heard, 1 not up to date\n$/);
  t.regex(
    all,
    /\nedge-3 .* BYPASS, HISTORY_LOST, blocked NO_NEIGHBOUR dns-v6,drain-web-2, not delivered at 1 interface/,
  );
  t.deepEqual(await named('-l', 'role=edge,zone=a'), ['edge-1', 'edge-3']);
  t.deepEqual(await named('--troubled'), ['core-1', 'core-2', 'edge-2', 'edge-3']);
  t.deepEqual(await named('-l', 'zone=a', '--troubled'), ['edge-3']);
  const nobody = await bench.shunt(['hosts', '-l', 'zone=c', '--troubled']);
  t.is(nobody.exit, 1);
  t.is(nobody.stderr, 'shunt hosts: no host has zone=c; see shunt hosts\n');
  const { items: some, sum } = JSON.parse(await hosts('-l', 'role=core', '-o', 'json'));
  t.is(some.length, 2);
  t.deepEqual(sum, { hosts: 2, ok: 0, troubled: 0, silent: 1, unheard: 1, behind: 0 });
  const told = JSON.parse(await hosts('-o', 'json')).items;
  t.deepEqual(
    told.map(({ host, state, trouble }: Record<string, string>) => [host, state, trouble?.split(',')[0]]),
    [
      ['core-1', 'silent', 'silent'],
      ['core-2', 'unheard', ''],
      ['edge-1', 'ok', ''],
      ['edge-2', 'behind', 'behind 4 revisions'],
      ['edge-3', 'troubled', 'BYPASS'],
    ],
  );
  t.deepEqual(JSON.parse(await hosts('--troubled', '-o', 'json')).items.length, 4);
  t.is((await bench.shunt(['hosts'])).exit, 0);
  t.is((await bench.shunt(['hosts', '--exit-code'])).exit, 3);
  t.is((await bench.shunt(['hosts', '--exit-code', '-o', 'json'])).exit, 3);
  t.is((await bench.shunt(['hosts', '--troubled', '--exit-code'])).exit, 3);
  for (const empty of ['', ' ', ',']) {
    const { exit, stderr } = await bench.shunt(['hosts', '-l', empty]);
    t.is(exit, 2, stderr);
  }
  await matchesGolden(t, 'done-hosts-fleet-80', ['hosts'], await bench.shunt(['hosts'], narrow()));
  items.splice(0, items.length, { ...well, host: 'edge-1', labels: {} });
  t.is((await bench.shunt(['hosts', '--exit-code'])).exit, 0);
  items.splice(0, items.length, { ...well, host: 'edge-1', labels: {}, head: 49, seenAt: at - 56_000 });
  t.regex(await hosts(), / behind 3 revisions, not heard for 56s\n/);
});

test('status: for people, and as it came', async (t) => {
  await using bench = await Bench.open();
  const at = Date.now();
  const given = fixture('status');
  const exceptions = given.exceptions.map((one: object) =>
    'retryAt' in one ? { ...one, retryAt: at + 2.5 * 86_400_000 } : one,
  );
  const undelivered = given.undelivered.map((one: object) => ({ ...one, since: at - 3_630_000 }));
  const problems = given.problems.map((one: object) => ({ ...one, since: at - 3_630_000 }));
  const passed = given.passed.map((one: object) => ({ ...one, since: at - 3_630_000 }));
  const brake = { ...given.brake, since: at - 3_630_000 };
  const status = { ...given, at, exceptions, undelivered, passed, problems, brake };
  await bench.answers('shunt.v1.ask.edge-7.status', () => encodeStatus(status));
  const words = ['status', '--host', 'edge-7'];
  const hidden = ({ stdout, ...session }: Session): Session => ({
    ...session,
    stdout: stdout.replaceAll(/said \w+ ago/g, 'said AGE ago'),
  });
  await matchesGolden(t, 'done-status', words, hidden(await bench.shunt(words)));
  await matchesGolden(t, 'done-status-80', words, hidden(await bench.shunt(words, narrow())));
  t.deepEqual(JSON.parse((await bench.shunt([...words, '-o', 'json'])).stdout), parseStatus(status));
  status.bypass = true;
  delete status.problems;
  const { stdout } = await bench.shunt(words);
  t.regex(stdout, /BYPASS +ON: every packet passes/);
  t.regex(stdout, /problem +FOREIGN_WRITER: [^;]+, whatever the agent writes there\n/);
  t.notRegex(stdout, /passed hits/);
  status.passed = null;
  t.regex((await bench.shunt(words)).stdout, /passed hits +not counted by redirect/);
});

test('dump: every page is read, as a table and as JSON', async (t) => {
  await using bench = await Bench.open();
  const page = fixture('dump');
  await bench.answers('shunt.v1.ask.edge-7.dump', (data) => {
    const { after } = parseAskRequest(data);
    const items = after === undefined ? [page.items[0]] : [page.items[1]];
    return encodeDump({ ...page, items, next: after === undefined ? 'v4 x' : null });
  });
  const words = ['dump', '--host', 'edge-7'];
  await matchesGolden(t, 'done-dump', words, await bench.shunt(words));
  await matchesGolden(t, 'done-dump-80', words, await bench.shunt(words, narrow()));
  t.deepEqual(JSON.parse((await bench.shunt([...words, '-o', 'json'])).stdout), { host: 'edge-7', items: page.items });
});

test('dump, explain: a host whose set is not proven does not have no redirects, and it is said what to do', async (t) => {
  await using bench = await Bench.open();
  let items = fixture('dump').items.slice(0, 0);
  const problems = [
    { code: 'HISTORY_LOST', since: 7 },
    { code: 'ADOPTING', since: 8 },
  ] as const;
  await bench.answers('shunt.v1.ask.edge-7.dump', () =>
    encodeDump({ v: 1, host: 'edge-7', problems, items, next: null }),
  );
  const words = ['dump', '--host', 'edge-7'];
  const none = await bench.shunt(words);
  t.is(none.exit, 3);
  await matchesGolden(t, 'unproven-dump', words, none);
  const { exit, stdout } = await bench.shunt([...words, '-o', 'json']);
  t.is(exit, 3);
  t.deepEqual(JSON.parse(stdout), { host: 'edge-7', problems, items: [] });
  items = fixture('dump').items.slice(0, 1);
  await matchesGolden(t, 'unproven-dump-some', words, await bench.shunt(words));
  const error = { code: 'ADOPTING', message: 'whether there is a redirect web on this host is not known' };
  await bench.answers('shunt.v1.ask.edge-7.explain', () => encodeAskError({ v: 1, host: 'edge-7', error }));
  const why = ['explain', '--host', 'edge-7', 'web'];
  const refused = await bench.shunt(why);
  t.is(refused.exit, 1);
  await matchesGolden(t, 'unproven-explain', why, refused);
});

test('dump, events: an agent that does not cut its answers is asked for fewer', async (t) => {
  await using bench = await Bench.open();
  const page = fixture('dump');
  const limits: (number | undefined)[] = [];
  const tooMany = (data: Uint8Array): Uint8Array | undefined => {
    const { limit = 1000 } = parseAskRequest(data);
    limits.push(limit);
    if (limit <= 250) return undefined;
    return encodeAskError({ v: 1, host: 'edge-7', error: { code: 'TOO_LARGE', message: 'ask for fewer at once' } });
  };
  await bench.answers('shunt.v1.ask.edge-7.dump', (data) => {
    const { after } = parseAskRequest(data);
    const items = [page.items[after === undefined ? 0 : 1]];
    return tooMany(data) ?? encodeDump({ ...page, items, next: after === undefined ? 'v4 x' : null });
  });
  const { stdout } = await bench.shunt(['dump', '--host', 'edge-7', '-o', 'json']);
  t.deepEqual(JSON.parse(stdout), { host: 'edge-7', items: page.items });
  t.deepEqual(limits, [1000, 500, 250, 250]);
  await bench.answers('shunt.v1.ask.edge-7.events', (data) => tooMany(data) ?? encodeEvents(fixture('events-reply')));
  const { exit } = await bench.shunt(['events', '--host', 'edge-7', '--last', '300']);
  t.is(exit, 0);
  t.deepEqual(limits.slice(4, 6), [300, 150]);
});

test('delete: names go in pieces that the bus takes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'nats.conf');
  writeFileSync(config, 'max_payload: 4096\n');
  await using bench = await Bench.open('-c', config);
  const deleted: string[] = [];
  await bench.answers('shunt.v1.api.delete', (data) => {
    const { names } = parseDeleteRequest(data);
    deleted.push(...names);
    return encodeDeleteReply({ v: 1, deleted: names, absent: [], hosts: 1, rev: 13 });
  });
  const names = Array.from({ length: 200 }, (_, at) => `r${at}-`.padEnd(63, 'x'));
  const { exit } = await bench.shunt(['delete', ...names, '--allow-shrink', '--reason', 'all of it']);
  t.is(exit, 0);
  t.deepEqual(deleted, names);
});

test('a bus that takes next to nothing is said to be too small', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'nats.conf');
  writeFileSync(config, 'max_payload: 4095\n');
  await using bench = await Bench.open('-c', config);
  await matchesGolden(t, 'bus-too-small', ['get'], await bench.shunt(['get']));
});

test('explain and plan: what a redirect says of itself is shown', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.ask.edge-7.explain', () => encodeExplanation(fixture('explain-reply')));
  await bench.answers('shunt.v1.api.get', () => encodeGetReply(fixture('get-reply')));
  await bench.answers('shunt.v1.api.plan', (data) => {
    return encodePlanReply({ ...fixture('plan-reply'), upload: parsePlanRequest(data).upload });
  });
  const words = ['explain', '--host', 'edge-7', 'drain-web-2'];
  t.regex((await bench.shunt(words)).stdout, /^description {2,}until web-2 is back$/m);
  const json = await bench.shunt([...words, '-o', 'json']);
  t.is(JSON.parse(json.stdout).description, 'until web-2 is back');
  const stdin = `${APPLY}    description: why it is there\n`;
  t.regex((await bench.shunt(['plan', '-f', '-'], { stdin })).stdout, /^web {2,}why it is there$/m);
});

test('explain: all about one redirect, by name and by key', async (t) => {
  await using bench = await Bench.open();
  const asked: unknown[] = [];
  const now = Date.now();
  const reply = { ...fixture('explain-reply'), since: now - 3_600_000, retryAt: now + 2.5 * 86_400_000 };
  await bench.answers('shunt.v1.ask.edge-7.explain', (data) => {
    asked.push(parseExplainRequest(data));
    return encodeExplanation(reply);
  });
  const words = ['explain', '--host', 'edge-7', 'drain-web-2'];
  const hidden = ({ stdout, ...session }: Session): Session => ({
    ...session,
    stdout: stdout.replace(/\S+Z, 1h ago/, 'TIME, 1h ago'),
  });
  await matchesGolden(t, 'done-explain', words, hidden(await bench.shunt(words)));
  await matchesGolden(t, 'done-explain-80', words, hidden(await bench.shunt(words, narrow())));
  const json = await bench.shunt(['explain', '--host', 'edge-7', reply.key, '-o', 'json']);
  t.deepEqual(JSON.parse(json.stdout), reply);
  t.deepEqual(asked.slice(1), [
    { v: 1, name: 'drain-web-2' },
    { v: 1, key: reply.key },
  ]);
  await bench.answers('shunt.v1.ask.b.explain', () =>
    encodeAskError({
      v: 1,
      host: 'b',
      error: { code: 'UNKNOWN_REDIRECT', message: 'there is no redirect nosuch on this host' },
    }),
  );
  const unknown = ['explain', '--host', 'b', 'nosuch'];
  await matchesGolden(t, 'explain-unknown', unknown, await bench.shunt(unknown));
});

test('stats: the sums, the verdicts that there were, and what was lost', async (t) => {
  await using bench = await Bench.open();
  const given = fixture('stats');
  await bench.answers('shunt.v1.ask.edge-7.stats', () => encodeStats(given));
  const words = ['stats', '--host', 'edge-7'];
  await matchesGolden(t, 'done-stats', words, await bench.shunt(words));
  t.deepEqual(JSON.parse((await bench.shunt([...words, '-o', 'json'])).stdout), given);
});

test('events: those of the past page by page, the newest last, as lines and as JSON lines', async (t) => {
  await using bench = await Bench.open();
  const page = fixture('events-reply');
  const older = { ...page.items[0], at: 1767225599000, name: 'older' };
  await bench.answers('shunt.v1.ask.edge-7.events', (data) => {
    const { after } = parseAskRequest(data);
    return encodeEvents(after === undefined ? page : { ...page, items: [older], next: null });
  });
  const words = ['events', '--host', 'edge-7'];
  await matchesGolden(t, 'done-events', words, await bench.shunt(words));
  await matchesGolden(t, 'done-events-80', words, await bench.shunt(words, narrow()));
  const wide = (await bench.shunt(words)).stdout.split('\n').slice(0, -1);
  for (const title of ['EVENT', 'NAME', 'CODE', 'KEY']) {
    const at = wide[0]?.indexOf(title) ?? -1;
    t.true(
      wide.every((line) => /^ {2}\S/.test(line.slice(at - 2))),
      title,
    );
  }
  const json = await bench.shunt([...words, '--last', '2', '-o', 'json']);
  t.deepEqual(
    json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    page.items,
  );
});

test('events: followed ones come once, also those that came while the past was read', async (t) => {
  await using bench = await Bench.open();
  const page = fixture('events-reply');
  const [first, second] = page.items;
  const third = { ...first, at: second.at + 1, kind: 'removed' };
  await bench.answers('shunt.v1.ask.edge-7.events', () => {
    for (const event of [second, third]) bench.say('shunt.v1.event.edge-7.applied', encodeEvent(event));
    return encodeEvents({ ...page, next: null });
  });
  const env = { ...process.env, SHUNT_CONFIG: '/dev/null', SHUNT_NATS: bench.server.url };
  const words = ['events', '--host', 'edge-7', '--follow', '-o', 'json'];
  const follower = spawn(process.execPath, [MAIN, ...words], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: Event[] = [];
  for await (const line of createInterface(follower.stdout)) {
    lines.push(JSON.parse(line));
    if (lines.length === 3) bench.say('shunt.v1.event.edge-7.drift', encodeEvent({ ...third, kind: 'drift' }));
    if (lines.length === 3) bench.say('shunt.v1.event.edge-7.drift', new TextEncoder().encode('nonsense'));
    if (lines.length === 4) follower.kill('SIGINT');
  }
  t.deepEqual(lines, [first, second, third, { ...third, kind: 'drift' }]);
  t.is(follower.exitCode ?? (await once(follower, 'exit'))[0], 0);
});

test('nobody answers: the exit status is 4, and the sentence says who is missing', async (t) => {
  await using bench = await Bench.open();
  for (const words of [['get'], ['delete', 'web'], ['hosts'], ['status', '--host', 'b'], ['dump', '--host', 'b']]) {
    const session = await bench.shunt(words);
    t.is(session.exit, 4);
    await matchesGolden(t, `nobody-${words[0]}`, words, session);
  }
});

test('nobody answers: the host or the redirect that was probably meant is named', async (t) => {
  await using bench = await Bench.open();
  const page = fixture('hosts-reply');
  const [item] = page.items;
  const pages = [
    { ...page, items: [{ ...item, host: 'edge-1' }], next: 'edge-1' },
    { ...page, items: [{ ...item, host: 'paris-7' }], next: null },
  ];
  await bench.answers('shunt.v1.api.hosts', (data) =>
    encodeHostsReply(pages[parseHostsRequest(data).after === undefined ? 0 : 1]),
  );
  const said = async (host: string) => (await bench.shunt(['status', '--host', host])).stderr.trim();
  const nobody = (host: string) => `shunt status: no agent answers for host ${host} on nats://BUS; `;
  t.is(await said('pariss-7'), `${nobody('pariss-7')}did you mean paris-7?`);
  const usual = 'see shunt hosts for the names, and run shunt agent there';
  for (const host of ['paris-7', 'london-1']) t.is(await said(host), nobody(host) + usual);

  const message = 'there is no redirect wbe on this host';
  const error = { code: 'UNKNOWN_REDIRECT', message } as const;
  await bench.answers('shunt.v1.ask.b.explain', () => encodeAskError({ v: 1, host: 'b', error }));
  await bench.answers('shunt.v1.api.get', () =>
    encodeGetReply({ v: 1, items: [], next: null, near: [{ name: 'wbe', near: 'web' }] }),
  );
  const { exit, stderr } = await bench.shunt(['explain', '--host', 'b', 'wbe']);
  t.is(exit, 1);
  t.regex(stderr, /^shunt explain: b: there is no redirect wbe on this host; .*; did you mean web\?$/m);
});

test('resync: a host says that it took the whole set, or why it keeps what it has', async (t) => {
  await using bench = await Bench.open();
  let code: string | undefined;
  await bench.answers('shunt.v1.ask.edge-7.resync', (data) => {
    t.deepEqual(parseAskRequest(data), { v: 1 });
    const vain = code === undefined ? {} : { code, message: 'sync: nobody answers' };
    return encodeResyncReply({ v: 1, host: 'edge-7', epoch: 'e.1', stored: 46, ...vain });
  });
  const words = ['resync', '--host', 'edge-7'];
  await matchesGolden(t, 'done-resync', words, await bench.shunt(words));
  code = 'NO_RESPONDERS';
  await matchesGolden(t, 'done-resync-vain', words, await bench.shunt(words));
  const { exit, stdout } = await bench.shunt([...words, '-o', 'json']);
  t.is(exit, 3);
  t.like(JSON.parse(stdout), { host: 'edge-7', stored: 46, code });
});

test('release: a host says what it let go, that it withheld nothing, or why it still withholds it', async (t) => {
  await using bench = await Bench.open();
  let said: Omit<ReleaseReply, 'v' | 'host'> = { released: 37 };
  await bench.answers('shunt.v1.ask.edge-7.release', (data) => {
    t.deepEqual(parseAskRequest(data), { v: 1 });
    return encodeReleaseReply({ v: 1, host: 'edge-7', ...said });
  });
  const words = ['release', '--host', 'edge-7'];
  await matchesGolden(t, 'done-release', words, await bench.shunt(words));
  said = { released: 0 };
  await matchesGolden(t, 'done-release-nothing', words, await bench.shunt(words));
  said = { released: 0, code: 'STORE_UNWRITABLE', message: 'the disk is full' };
  await matchesGolden(t, 'done-release-vain', words, await bench.shunt(words));
  const { exit, stdout } = await bench.shunt([...words, '-o', 'json']);
  t.is(exit, 3);
  t.like(JSON.parse(stdout), { host: 'edge-7', ...said });
});

test('controller recover: what the controller did is said', async (t) => {
  await using bench = await Bench.open();
  const reply = { v: 1, epoch: 'e.2', superseded: 3, foreign: 1, unheard: 2 } as const;
  await bench.answers('shunt.v1.api.recover', (data) => {
    t.deepEqual(parseRecoverRequest(data), { v: 1 });
    return encodeRecoverReply(reply);
  });
  const words = ['controller', 'recover'];
  await matchesGolden(t, 'done-controller-recover', words, await bench.shunt(words));
  t.deepEqual(JSON.parse((await bench.shunt([...words, '-o', 'json'])).stdout), reply);
});

test('rearm: every host that holds one is asked, and what became of it there is one line a redirect', async (t) => {
  await using bench = await Bench.open();
  const asked: unknown[] = [];
  const whole = fixture('get-reply').items[0];
  await bench.answers('shunt.v1.api.get', (data) => {
    const { name = '' } = parseGetRequest(data);
    const hosts = name === 'web' ? ['edge-1', 'edge-2', 'edge-3'] : ['edge-2'];
    const item = { ...whole, spec: { ...whole.spec, name }, hosts, hostsTotal: hosts.length };
    return encodeGetReply({ v: 1, items: name === 'nosuch' ? [] : [item], next: null });
  });
  for (const [host, was, state] of [
    ['edge-1', 'idle', 'installed'],
    ['edge-2', 'installed', 'installed'],
  ] as const) {
    await bench.answers(`shunt.v1.ask.${host}.rearm`, (data) => {
      const { names } = parseRearmRequest(data);
      asked.push([host, names]);
      return encodeRearmReply({ v: 1, host, items: names.map((name) => ({ name, was, state })), absent: [] });
    });
  }
  const words = ['rearm', 'web', 'dns'];
  await matchesGolden(t, 'done-rearm', words, await bench.shunt(words));
  t.deepEqual(asked.toSorted(), [
    ['edge-1', ['web']],
    ['edge-2', ['web', 'dns']],
  ]);
  const { exit, stdout } = await bench.shunt(['rearm', 'dns', '-o', 'json']);
  t.is(exit, 0);
  const items = [{ host: 'edge-2', name: 'dns', was: 'installed', state: 'installed' }];
  t.deepEqual(JSON.parse(stdout), { items, failed: [] });
  const none = await bench.shunt(['rearm', 'web', 'nosuch']);
  t.is(none.exit, 1);
  t.regex(none.stderr, /there is no redirect nosuch; see shunt get; nothing was changed/);
  t.is(asked.length, 3, 'nobody was asked for any of them');
});

test('hosts forget: what was done is a line each, and a refusal is one', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.api.forget', (data) => {
    const { host, force } = parseForgetRequest(data);
    if (host === 'edge-1' && force !== true)
      return encodeApiError({ v: 1, error: { code: 'HOST_SPEAKS', message: 'edge-1 was heard 3 s ago' } });
    const near = host === 'egde-2' ? { near: 'edge-2' } : {};
    return encodeForgetReply({ v: 1, host, known: host.startsWith('edge'), ...near });
  });
  const words = ['hosts', 'forget', 'edge-9', 'egde-2', 'paris'];
  await matchesGolden(t, 'done-forget', words, await bench.shunt(words));
  const refused = await bench.shunt(['hosts', 'forget', 'edge-1']);
  t.deepEqual([refused.exit, refused.stdout], [1, '']);
  t.regex(refused.stderr, /edge-1 was heard 3 s ago/);
  const forced = await bench.shunt(['hosts', 'forget', '--force', 'edge-1', '-o', 'json']);
  t.deepEqual(JSON.parse(forced.stdout), { items: [{ host: 'edge-1', known: true }] });
});

test('no answer in time: the exit status is 3', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.ask.b.status', () => undefined);
  await bench.answers('shunt.v1.api.delete', () => undefined);
  const words = ['status', '--host', 'b', '--timeout', '5s'];
  const change = ['delete', 'web', '--timeout', '5s'];
  const [asked, changed] = await Promise.all([bench.shunt(words), bench.shunt(change)]);
  t.is(asked.exit, 3);
  await matchesGolden(t, 'timed-out', words, asked);
  await matchesGolden(t, 'timed-out-change', change, changed);
});

test('answers that are refusals, or not understood, are one clear sentence', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('shunt.v1.api.hosts', () =>
    encodeApiError({ v: 1, error: { code: 'BUSY', message: 'too much at once; try again' } }),
  );
  await matchesGolden(t, 'refused-hosts', ['hosts'], await bench.shunt(['hosts']));
  await bench.answers('shunt.v1.api.get', () => new TextEncoder().encode('{"v":2}'));
  await matchesGolden(t, 'wrong-version', ['get'], await bench.shunt(['get']));
  await bench.answers('shunt.v1.ask.b.dump', () =>
    encodeAskError({ v: 1, host: 'b', error: { code: 'NOT_READY', message: 'starting' } }),
  );
  const words = ['dump', '--host', 'b'];
  await matchesGolden(t, 'refused-dump', words, await bench.shunt(words));
  await bench.answers('shunt.v1.ask.c.status', () => encodeStatus(fixture('status')));
  t.regex((await bench.shunt(['status', '--host', 'c'])).stderr, /the agent of c answered .*edge-7/);
});

test('a bus that asks for a password lets nobody in, and says so', async (t) => {
  await using server = await startNats(...onlyUsers(t, '{ user: me, password: secret }'));
  const { exit, stderr } = await shunt(['get', '--nats', server.url]);
  t.is(exit, 1);
  t.is(stderr, `shunt get: ${server.url} does not let this user in; ${NONE_GIVEN}\n`);
  const wrong = await shunt(['get', '--nats', server.url, '--user', 'me'], { env: { SHUNT_PASSWORD: 'other' } });
  t.is(wrong.stderr, `shunt get: ${server.url} does not let this user in; use another --user, or another password\n`);
});

test('doctor: a bus that lets anybody in is looked at, with credentials and without; one with users is not', async (t) => {
  const open = async (words: readonly string[]): Promise<boolean> => {
    const env = words.includes('--user') ? { SHUNT_PASSWORD: 'secret' } : {};
    const { stdout } = await shunt(['doctor', '-o', 'json', ...words], { env });
    const { findings } = JSON.parse(stdout) as { findings: readonly { level: string; check: string; found: string }[] };
    return findings.some((it) => it.check === 'bus' && it.level === 'warn' && /lets anybody in who/.test(it.found));
  };
  await using door = await startNats();
  t.true(await open(['--nats', door.url]));
  t.true(await open(['--nats', door.url, '--user', 'me']));
  await using server = await startNats(...onlyUsers(t, '{ user: me, password: secret }'));
  t.false(await open(['--nats', server.url, '--user', 'me']));
  await using half = await startNats(...onlyUsers(t, '{ user: me, password: secret }', 'no_auth_user: me\n'));
  t.true(await open(['--nats', half.url, '--user', 'me']));
});

test('a bus that does not let this user ask says so at once', async (t) => {
  const users = '{ user: me, password: x, permissions: { publish: [other] } }';
  await using bench = await Bench.open(...onlyUsers(t, users, 'no_auth_user: me\n'));
  const { exit, stderr } = await bench.shunt(['hosts']);
  t.is(exit, 1);
  t.is(stderr, `shunt hosts: nats://BUS does not let this user ask on shunt.v1.api.hosts; ${NONE_GIVEN}\n`);
});

test('events: who may not listen is told so at once, and who may no more, when that is so', async (t) => {
  const config = join(mkdtempSync(join(tmpdir(), 'shunt-events-')), 'nats.conf');
  t.teardown(() => rmSync(dirname(config), { recursive: true }));
  const allow = (subject: string): void => {
    const user = `{ user: me, password: x, permissions: { subscribe: "${subject}" } }`;
    writeFileSync(config, `authorization: { timeout: 60, users: [${user}] }\nno_auth_user: me\n`);
  };
  allow('>');
  await using bench = await Bench.open('--config', config);
  const stderr = `shunt events: nats://BUS does not let this user listen to shunt.v1.event.*.*; ${NONE_GIVEN}\n`;
  const terminal = new KeptTerminal();
  const listening = bench.shunt(['events', '--all'], { terminal });
  while (terminal.stdout === '') {
    bench.say('shunt.v1.event.edge-7.applied', encodeEvent({ v: 1, host: 'edge-7', at: 1, kind: 'applied' }));
    await setTimeout(20);
  }
  allow('_INBOX.>');
  bench.server.reload();
  t.like(await listening, { exit: 1, stderr });
  t.deepEqual(await bench.shunt(['events', '--all']), { exit: 1, stdout: '', stderr });
});

test('another root subject is another fleet', async (t) => {
  await using bench = await Bench.open();
  await bench.answers('lab.api.hosts', () => encodeHostsReply({ v: 1, items: [], next: null }));
  t.is((await bench.shunt(['hosts', '--root-subject', 'lab'])).exit, 0);
  t.is((await bench.shunt(['hosts'])).exit, 4);
});

test('the process: its exit status is the answer, and a reader that leaves early harms nothing', async (t) => {
  await using bench = await Bench.open();
  const {
    items: [item],
  } = fixture('get-reply');
  const items = Array.from({ length: 500 }, (_, index) => ({ ...item, spec: { ...item.spec, name: `r-${index}` } }));
  await bench.answers('shunt.v1.api.get', () => encodeGetReply({ v: 1, items, next: null }));
  const env = { ...process.env, SHUNT_CONFIG: '/dev/null', SHUNT_NATS: bench.server.url };
  const start = (...words: string[]) =>
    spawn(process.execPath, [MAIN, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const reader = start('get');
  reader.stdout.destroy();
  const said: Buffer[] = [];
  reader.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  t.deepEqual(await once(reader, 'close'), [0, null]);
  t.is(Buffer.concat(said).toString(), '');
  const missing = start('hosts');
  missing.stdout.resume();
  missing.stderr.resume();
  t.deepEqual(await once(missing, 'close'), [4, null]);
});

test('the process: a bus that takes connections and says nothing is waited for as long as asked, and then left', async (t) => {
  const hung = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(hung, 'listening');
  const { port } = hung.address() as AddressInfo;
  const env = { ...process.env, SHUNT_CONFIG: '/dev/null', SHUNT_NATS: `nats://127.0.0.1:${port}` };
  const words = ['hosts', '--timeout', '1s'];
  const waiting = spawn(process.execPath, [MAIN, ...words], { env, stdio: ['ignore', 'inherit', 'pipe'] });
  const said: Buffer[] = [];
  waiting.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  t.deepEqual(await once(waiting, 'close'), [4, null]);
  t.regex(Buffer.concat(said).toString(), /^shunt hosts: cannot reach NATS at .*: no answer within 1s; /);
  hung.close();
});
