import test from 'ava';
import { type AgentSettings, parseAgentConfig } from '../../../agent/config.ts';
import { parseServers } from '../../../bus/servers.ts';
import { Refused } from '../../../protocol/refused.ts';

const SETTINGS: AgentSettings = {
  host: 'edge-7',
  nats: ['nats://a:4222,tls://b:4222'],
  state: '/var/lib/shunt/agent',
  pinRoot: '/run/shunt/bpf',
  labels: ['role=edge', 'rack=12'],
  interfaces: ['eth0'],
  rootSubject: 'shunt.v1',
  guard: '/etc/shunt/guard.yaml',
  logLevel: 'info',
};

test('config: settings become one frozen value', (t) => {
  const config = parseAgentConfig(SETTINGS);
  t.deepEqual(config, {
    guard: '/etc/shunt/guard.yaml',
    host: 'edge-7',
    nats: ['nats://a:4222', 'tls://b:4222'],
    state: '/var/lib/shunt/agent',
    pinRoot: '/run/shunt/bpf',
    labels: { rack: '12', role: 'edge' },
    interfaces: ['eth0'],
    rootSubject: 'shunt.v1',
    logLevel: 'info',
  });
  t.true(Object.isFrozen(config) && Object.isFrozen(config.nats) && Object.isFrozen(config.labels));
  t.is(parseAgentConfig({ ...SETTINGS, creds: '/etc/shunt/a.creds' }).creds, '/etc/shunt/a.creds');
});

const WRONG: readonly (readonly [change: Partial<AgentSettings>, path: string])[] = [
  [{ host: 'Edge.7' }, 'host'],
  [{ nats: [] }, 'nats'],
  [{ nats: ['nats://me:secret@a:1'] }, 'nats'],
  [{ nats: ['nats://a:1/path'] }, 'nats'],
  [{ state: '' }, 'state'],
  [{ pinRoot: '' }, 'pin-root'],
  [{ labels: ['role'] }, 'label'],
  [{ labels: ['=edge'] }, 'label'],
  [{ labels: ['role='] }, 'label.role'],
  [{ labels: ['a=1', 'a=2'] }, 'label'],
  [{ rootSubject: 'a.*' }, 'root-subject'],
  [{ logLevel: 'loud' }, 'log-level'],
];

for (const [change, path] of WRONG) {
  test(`config: ${JSON.stringify(change)} is refused by the name of its option`, (t) => {
    const refused = t.throws(() => parseAgentConfig({ ...SETTINGS, ...change }), { instanceOf: Refused });
    t.is(refused?.path, path);
    t.false(refused?.message.includes('secret'));
  });
}

test('config: servers may lack scheme or port, and have IPv6 addresses', (t) => {
  t.deepEqual(parseServers(['bus', 'bus:4222', 'nats://[2001:db8::1]:4222']), [
    'bus',
    'bus:4222',
    'nats://[2001:db8::1]:4222',
  ]);
});
