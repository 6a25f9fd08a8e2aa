import test from 'ava';
import { Concern } from '../../../../controller/compile/concern.ts';
import { Fleet } from '../../../../controller/model/fleet.ts';

const FLEET = new Fleet([
  { host: 'edge-1', labels: { role: 'edge' }, known: true, can: [] },
  { host: 'core-1', labels: { role: 'core' }, known: true, can: [] },
]);

function asked(concern: Concern, keys: readonly string[]): [string, string[]][] {
  const hosts = [...concern.hostsOf(keys, FLEET)];
  return hosts.map(([facts, some]): [string, string[]] => [facts.host, [...some].sort()]).sort();
}

test('concern: a changed selector concerns the hosts that it had and those that it gets', (t) => {
  const concern = new Concern();
  concern.add({ key: 'k', hosts: { role: 'edge' } });
  concern.add({ key: 'k', hosts: ['core-1', 'new-1'] });
  t.deepEqual(asked(concern, ['k']), [
    ['core-1', ['k']],
    ['edge-1', ['k']],
    ['new-1', ['k']],
  ]);
});

test('concern: a host looks only at keys that concern it', (t) => {
  const concern = new Concern();
  concern.add({ key: 'a', hosts: 'all' });
  concern.add({ key: 'b', hosts: ['edge-1'] });
  concern.add({ key: 'c', hosts: ['nobody'] });
  t.deepEqual(asked(concern, ['a', 'b']), [
    ['core-1', ['a']],
    ['edge-1', ['a', 'b']],
  ]);
  t.deepEqual([...concern.keys], ['a', 'b', 'c']);
});

test('concern: a listed host that is known keeps its labels', (t) => {
  const concern = new Concern();
  concern.add({ key: 'a', hosts: ['edge-1'] });
  t.deepEqual([...concern.hostsOf(['a'], FLEET).keys()], [FLEET.get('edge-1')]);
});
