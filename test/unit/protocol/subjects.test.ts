import test from 'ava';
import { parseHost, parseLabels } from '../../../protocol/host.ts';
import { nearest } from '../../../protocol/near.ts';
import { Refused } from '../../../protocol/refused.ts';
import { makeSubjects } from '../../../protocol/subjects.ts';
import { expected, refusal } from './refusal.ts';

const subjects = makeSubjects();

test('subjects: every one is below the root', (t) => {
  t.is(subjects.live('edge-7'), 'shunt.v1.live.edge-7');
  t.is(subjects.sync('edge-7'), 'shunt.v1.sync.edge-7');
  t.is(subjects.status('edge-7'), 'shunt.v1.status.edge-7');
  t.is(subjects.event('edge-7', 'idle'), 'shunt.v1.event.edge-7.idle');
  t.is(subjects.ask('edge-7', 'dump'), 'shunt.v1.ask.edge-7.dump');
  t.is(subjects.askAll('edge-7'), 'shunt.v1.ask.edge-7.*');
  t.is(subjects.api('apply'), 'shunt.v1.api.apply');
  t.is(subjects.inbox('edge-7'), '_INBOX.shunt.edge-7');
  t.deepEqual(
    [subjects.syncAll, subjects.statusAll, subjects.eventAll, subjects.apiAll],
    ['shunt.v1.sync.*', 'shunt.v1.status.*', 'shunt.v1.event.*.*', 'shunt.v1.api.*'],
  );
  t.is(makeSubjects('acme.lab-2').live('a'), 'acme.lab-2.live.a');
});

test('subjects: host and verb are read back', (t) => {
  t.is(subjects.hostOf('shunt.v1.sync.edge-7'), 'edge-7');
  t.is(subjects.hostOf('shunt.v1.event.edge-7.idle'), 'edge-7');
  t.is(subjects.hostOf('shunt.v1.api.apply'), undefined);
  t.is(subjects.hostOf('other.v1.sync.edge-7'), undefined);
  t.is(subjects.verbOf('shunt.v1.api.apply'), 'apply');
  t.is(subjects.verbOf('shunt.v1.ask.edge-7.dump'), 'dump');
  t.is(subjects.verbOf('shunt.v1.live.edge-7'), undefined);
});

test('subjects: wildcards, dots and spaces get into no subject', (t) => {
  for (const bad of ['*', '>', 'a.b', 'a b', '', 'A', 'é', '-a', 'a-', 'x'.repeat(64)]) {
    t.is(
      refusal(() => subjects.live(bad)),
      expected('BAD_HOST', 'host'),
      bad,
    );
  }
  for (const bad of ['*', '>', 'a.b', '']) {
    t.throws(() => subjects.ask('a', bad), { instanceOf: Refused });
    t.throws(() => subjects.api(bad), { instanceOf: Refused });
  }
  for (const root of ['', '.', 'a.', '.a', 'a..b', 'a.*', '>', 'A', 'a b', 'x'.repeat(64)]) {
    t.throws(() => makeSubjects(root), { instanceOf: Refused }, root);
  }
});

test('host: ids as long as a label may be', (t) => {
  for (const host of ['a', '7', 'edge-7', 'a--b', 'x'.repeat(63)]) t.is(parseHost(host), host);
});

test('labels: sorted, bounded, never a prototype', (t) => {
  t.is(JSON.stringify(parseLabels({ b: '1', a: 'x.y_z-0' })), '{"a":"x.y_z-0","b":"1"}');
  t.is(
    refusal(() => parseLabels({ 'a b': 'c' })),
    expected('BAD_LABEL', 'labels.a b'),
  );
  t.is(
    refusal(() => parseLabels({ a: '' })),
    expected('BAD_LABEL', 'labels.a'),
  );
  t.is(
    refusal(() => parseLabels(JSON.parse('{"__proto__":"a"}'))),
    expected('FORBIDDEN_KEY', 'labels'),
  );
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`k${index}`, 'v']));
  t.is(
    refusal(() => parseLabels(many)),
    expected('TOO_MANY', 'labels'),
  );
});

test('nearest: one slip is recognised, another word is not', (t) => {
  const words = ['name', 'hosts', 'match', 'to', 'in', 'src', 'dst'];
  t.is(nearest('nmae', words), 'name');
  t.is(nearest('hsots', words), 'hosts');
  t.is(nearest('Match', words), 'match');
  t.is(nearest('x', words), undefined);
  t.is(nearest('colour', words), undefined);
});
