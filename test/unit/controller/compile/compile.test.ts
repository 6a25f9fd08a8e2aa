import test from 'ava';
import { compileKeys } from '../../../../controller/compile/compile.ts';
import type { Claim, HostFacts } from '../../../../controller/model/claim.ts';
import type { Selector } from '../../../../protocol/spec.ts';

const EDGE: HostFacts = { host: 'edge-1', labels: { role: 'edge', rack: '12' }, known: true, can: [] };

function claim(name: string, hosts: Selector = 'all', more: Partial<Claim> = {}): Claim {
  return { name, key: 'k', hosts, enabled: true, priority: 0, body: `body of ${name}`, needs: [], ...more };
}

const CONTESTS: readonly [string, Claim, Claim][] = [
  ['higher priority beats a narrower selector', claim('b', 'all', { priority: 1 }), claim('a', ['edge-1'])],
  ['a negative priority loses', claim('b'), claim('a', 'all', { priority: -1 })],
  ['a list beats labels', claim('b', ['edge-1']), claim('a', { role: 'edge' })],
  ['labels beat all', claim('b', { role: 'edge' }), claim('a', 'all')],
  ['the smaller name wins a draw', claim('a'), claim('b')],
];

for (const [title, winner, loser] of CONTESTS) {
  test(`compile: ${title}`, (t) => {
    for (const claims of [
      [winner, loser],
      [loser, winner],
    ]) {
      const compiled = compileKeys(['k'], new Map([['k', claims]]), EDGE).get('k');
      const tie = title.includes('draw') && { tie: true };
      t.deepEqual(compiled, { name: winner.name, body: winner.body, shadowed: [loser.name], ...tie });
    }
  });
}

test('compile: a disabled claim neither stands nor is shadowed', (t) => {
  const claims = new Map([['k', [claim('a', 'all', { enabled: false, priority: 9 }), claim('b')]]]);
  t.deepEqual(compileKeys(['k'], claims, EDGE).get('k'), { name: 'b', body: 'body of b', shadowed: [] });
});

test('compile: a key that nobody claims here is answered as undefined', (t) => {
  const compiled = compileKeys(['k', 'gone'], new Map([['k', [claim('a', ['edge-2'])]]]), EDGE);
  t.deepEqual(
    [...compiled],
    [
      ['k', undefined],
      ['gone', undefined],
    ],
  );
});

test('compile: on the hosts that a rollout has reached what it brings counts, elsewhere what stands', (t) => {
  const reached = new Set(['edge-1']);
  const was = claim('a', 'all', { body: 'was', notOn: reached });
  const is = claim('a', 'all', { body: 'is', onlyOn: reached });
  const other = claim('b', 'all', { priority: -1 });
  const on = (host: string, ...claims: Claim[]) =>
    compileKeys(['k'], new Map([['k', claims]]), { ...EDGE, host }).get('k')?.body;
  t.deepEqual([on('edge-1', was, is), on('edge-2', was, is)], ['is', 'was']);
  t.deepEqual([on('edge-1', was, other), on('edge-2', was, other)], ['body of b', 'was'], 'a delete');
  t.deepEqual([on('edge-1', is, other), on('edge-2', is, other)], ['is', 'body of b'], 'one that comes');
});
