import test from 'ava';
import { connect } from 'nats';
import { makeSubjects } from '../../protocol/subjects.ts';
import { House } from './house.ts';

const FILE = `redirects:
  - { name: drain-1, hosts: [edge-1], match: { dst: 203.0.113.1 }, to: drop }
  - { name: drain-2, hosts: [edge-2], match: { dst: 203.0.113.2 }, to: drop }
  - { name: pass-1, hosts: [core-1], match: { dst: 203.0.113.3 }, to: drop }
`;

test('__complete: names, hosts and sets come from the controller of the line', async (t) => {
  await using house = await House.open();
  const ask = async (...words: readonly string[]) => {
    const { exit, stdout, stderr } = await house.shunt(['__complete', ...words]);
    t.is(`${exit}${stderr}`, '0');
    return stdout.split('\n').slice(0, -1);
  };
  t.deepEqual(await ask('redirects', '', 'get'), []);
  await house.shunt(['apply', '-f', house.write('all.yaml', FILE), '--set', 'web']);
  t.deepEqual(await ask('redirects', 'dr', 'get'), ['drain-1', 'drain-2']);
  t.deepEqual(await ask('redirects', '', 'delete', 'drain-1', '-o', 'json'), ['drain-2', 'pass-1']);
  t.deepEqual(await ask('redirects', 'nosuch', 'delete'), []);
  t.deepEqual(await ask('redirects', "dr'; *", 'delete'), []);
  t.deepEqual(await ask('sets', 'w', 'delete', '--set'), ['web']);
  t.deepEqual(await ask('hosts', 'edge', 'status', '--host'), ['edge-1', 'edge-2']);
  t.deepEqual(await ask('hosts', '', 'hosts', 'forget', 'edge-1'), ['core-1', 'edge-2']);
  const [, port = ''] = house.server.url.split(/:(?=\d+$)/);
  const elsewhere = ['get', '--nats', 'nats', ':', '//127.0.0.1', ':'];
  t.deepEqual(await ask('redirects', 'pa', ...elsewhere, port), ['pass-1']);
  t.deepEqual(await ask('redirects', 'pa', ...elsewhere, '1'), []);
  t.deepEqual(await ask('redirects', '', 'get', '--root-subject', '=', 'other.v1'), []);
});

test('__complete: a controller that does not answer is waited for a second', async (t) => {
  await using house = await House.open();
  const bus = await connect({ servers: house.server.url });
  t.teardown(() => bus.close());
  bus.subscribe(makeSubjects('lab.v1').api('names'), { callback: () => {} });
  await bus.flush();
  const session = await house.shunt(['__complete', 'redirects', '', 'get', '--root-subject', 'lab.v1']);
  t.deepEqual(session, { exit: 0, stdout: '', stderr: '' });
});
