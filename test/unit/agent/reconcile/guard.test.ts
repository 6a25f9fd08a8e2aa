import test from 'ava';
import type { Guarded } from '../../../../agent/model/guard.ts';
import { Convergence } from '../../../../agent/reconcile/convergence.ts';
import { HostJudge } from '../../../../agent/reconcile/guard.ts';
import { atOnce } from '../../../../daemon/parts.ts';
import type { Guard } from '../../../../protocol/guard.ts';
import { parseMatch } from '../../../../protocol/match.ts';
import { converge, intentOf, makeKernel, NOW, stands, statesOf, VIA } from './world.ts';

const BUS = { name: 'bus', match: parseMatch({ src: '192.0.2.99', proto: 'tcp', sport: 4222 }) };

/** A host whose guard can be changed, and what is desired there. */
function guardedHost(guard: Partial<Guard>, intents = [intentOf(1), intentOf(2), intentOf(3)]) {
  const source = { now: { guard: { protect: [], ...guard } } as Guarded, looks: 0, look: () => {} };
  const kernel = makeKernel();
  const judge = new HostJudge(source);
  const convergence = atOnce(Convergence.on(kernel, intents, [], { judge }));
  const change = (next: Partial<Guard>): void => {
    source.now = { guard: { protect: [], ...next } };
    convergence.lookAtGuard();
    converge(convergence);
  };
  converge(convergence);
  return { kernel, convergence, intents, judge, change, states: () => statesOf(convergence, intents) };
}

test('guard: an agent that starts on redirects that protected packets meet knows them as they stand', (t) => {
  const protect = [{ name: 'dns', match: parseMatch({ src: '192.0.2.53', proto: 'udp', sport: 53 }) }];
  const { kernel, convergence, intents, judge } = guardedHost({ protect });
  const states = [...convergence.ledger.states.values()];
  kernel.asked = [];
  const again = atOnce(Convergence.on(kernel, intents, states, { judge }));
  converge(again);
  t.deepEqual(kernel.asked, []);
  for (const { key } of intents) {
    t.like(again.entryOf(key), { value: { guarded: true } });
    t.deepEqual(again.entryOf(key), stands(kernel, key));
  }
});

const DENIED = 'denied GUARD_DENIED';

test('guard: what it denies is not installed, and what overlaps the protected set is', (t) => {
  const inside = intentOf(1, VIA, {
    of: { src: '192.0.2.99', dst: '0.0.0.0/0', proto: 'tcp', sport: 4222, dport: undefined },
  });
  const over = intentOf(1, VIA, { of: { dst: '0.0.0.0/0', src: '192.0.2.0/24', proto: undefined, dport: undefined } });
  const host = guardedHost({ protect: [BUS] }, [inside, over]);
  t.deepEqual(host.states(), [DENIED, 'installed']);
  t.is(stands(host.kernel, inside.key), undefined);
  host.change({});
  t.deepEqual(host.states(), ['installed', 'installed']);
  t.truthy(stands(host.kernel, inside.key));
});

test('guard: what it denies from now on goes, and comes back once it is allowed', (t) => {
  const host = guardedHost({});
  t.deepEqual(host.states(), ['installed', 'installed', 'installed']);
  host.change({ dst: ['10.0.0.2/32'] });
  t.deepEqual(host.states(), [DENIED, 'installed', DENIED]);
  t.is(stands(host.kernel, intentOf(1).key), undefined);
  host.change({ dst: ['10.0.0.2/32', '10.0.0.3/32'] });
  t.deepEqual(host.states(), [DENIED, 'installed', 'installed']);
});

test('guard: no more entries stand than it allows, and one that goes makes room for the next', (t) => {
  const host = guardedHost({ maxRedirects: 2 });
  t.deepEqual(host.states(), ['installed', 'installed', DENIED]);
  host.convergence.ledger.put([intentOf(1, 'pass', { rev: 2 })]);
  converge(host.convergence);
  t.deepEqual(host.states(), ['installed', 'installed', DENIED], 'what stands may change');
  host.convergence.ledger.remove([intentOf(2).key]);
  converge(host.convergence);
  t.deepEqual(host.states(), ['installed', undefined, 'installed']);
  host.change({ maxRedirects: 1 });
  t.deepEqual(host.states().filter((state) => state === 'installed').length, 1);
  t.is(host.kernel.peek().entries.size, 1);
  host.change({ maxRedirects: 0 });
  t.is(host.kernel.peek().entries.size, 0);
});

test('guard: what is protected is published before what lets it pass, and entries are marked only where they meet it', (t) => {
  const over = intentOf(1, VIA, { of: { src: '192.0.2.0/24', dst: '0.0.0.0/0', proto: undefined, dport: undefined } });
  const host = guardedHost({ protect: [BUS] }, [over, intentOf(2)]);
  t.deepEqual(
    host.kernel.asked.map(({ op }) => op),
    ['protect', 'port', 'shapes', 'write', 'write'],
  );
  t.deepEqual(host.kernel.protectedMatches, [BUS.match]);
  t.is(stands(host.kernel, over.key)?.value.guarded, true);
  t.is(stands(host.kernel, intentOf(2).key)?.value.guarded, undefined);
  host.kernel.asked = [];
  host.change({});
  t.deepEqual(
    host.kernel.asked.map(({ op }) => op),
    ['protect', 'write'],
  );
  t.deepEqual([host.kernel.protectedMatches, stands(host.kernel, over.key)?.value.guarded], [[], undefined]);
});

test('guard: what somebody else writes over the protected matches is put right', (t) => {
  const host = guardedHost({ protect: [BUS] });
  for (const written of [undefined, [], [intentOf(1).match]]) {
    host.kernel.protectedMatches = written;
    host.convergence.readBackNext();
    const [{ drifted } = { drifted: [] }] = converge(host.convergence);
    t.deepEqual(drifted, [{ pin: 'protect', detail: 'protect' }]);
    t.deepEqual(host.kernel.protectedMatches, [BUS.match]);
  }
});

test('guard: where what is protected cannot be published, no entry is written that relies on it, and it is tried again', (t) => {
  const over = intentOf(1, VIA, { of: { src: '192.0.2.0/24', dst: '0.0.0.0/0', proto: undefined, dport: undefined } });
  const host = guardedHost({}, [over]);
  host.kernel.failNext('protect', 'EBUSY');
  host.change({ protect: [BUS] });
  t.deepEqual(host.states(), ['failed KERNEL_REFUSED']);
  t.is(stands(host.kernel, over.key)?.value.guarded, undefined, 'what stood goes on');
  converge(host.convergence, NOW + 3_600_000);
  t.deepEqual(host.states(), ['installed']);
  t.is(stands(host.kernel, over.key)?.value.guarded, true);
});
