import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { GuardFileError } from '../../../../agent/guard/file.ts';
import { HostGuard } from '../../../../agent/guard/host-guard.ts';
import { nameserversIn, serversOf } from '../../../../agent/guard/surroundings.ts';
import { keyOf } from '../../../../protocol/key.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';

const QUIET = { info: () => {}, warn: () => {} };

/** A host with a folder for its guard file, two bus servers by name, a resolver, and addresses of its own. */
class Host implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'guard-'));
  readonly path = join(this.folder, 'guard.yaml');
  readonly clock = new ManualClock();
  readonly names = new Map([
    ['bus.example', ['192.0.2.10', '2001:db8::10']],
    ['10.9.9.9', ['10.9.9.9']],
  ]);
  own = ['198.51.100.5', '127.0.0.1'];
  resolvers = ['192.0.2.53', '127.0.0.53'];
  readonly said: string[] = [];

  write(text: string): void {
    writeFileSync(this.path, text, { mode: 0o644 });
  }

  open(): Promise<HostGuard> {
    return HostGuard.open({
      path: this.path,
      servers: serversOf(['nats://bus.example:4333', '10.9.9.9']),
      addressesOf: async (host) => this.names.get(host) ?? [],
      resolvers: () => this.resolvers,
      own: () => this.own,
      clock: this.clock,
      log: { ...QUIET, warn: (_, message) => this.said.push(message) },
    });
  }

  /** Looks twice: what the first look asked for counts at the second. */
  async look(guard: HostGuard): Promise<void> {
    guard.look();
    await this.clock.turn();
    guard.look();
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

function protectedBy(guard: HostGuard): string[] {
  return guard.now.guard.protect.map(({ name, match }) => `${name} ${keyOf(match)}`);
}

const DEFAULTS = [
  'bus v4 tcp 192.0.2.10/32:4333 > 0.0.0.0/0:*',
  'bus v6 tcp [2001:db8::10/128]:4333 > [::/0]:*',
  'bus v4 tcp 10.9.9.9/32:4222 > 0.0.0.0/0:*',
  'ssh v4 tcp 0.0.0.0/0:* > 198.51.100.5/32:22',
  'dns v4 udp 192.0.2.53/32:53 > 0.0.0.0/0:*',
  'dns v4 tcp 192.0.2.53/32:53 > 0.0.0.0/0:*',
];

test('host guard: without a file it protects the bus, SSH to own addresses and answers of resolvers', async (t) => {
  using host = new Host();
  t.deepEqual(protectedBy(await host.open()), DEFAULTS);
  host.write('protect: [ssh]\nsrc: [10.0.0.0/8]\n');
  const guard = await host.open();
  t.deepEqual(protectedBy(guard), DEFAULTS.slice(3, 4));
  t.deepEqual(guard.now.guard.src, ['10.0.0.0/8']);
});

test('host guard: a file that comes, changes or goes is followed', async (t) => {
  using host = new Host();
  const guard = await host.open();
  const before = guard.now;
  guard.look();
  t.is(guard.now, before, 'the same object while it says the same');
  host.write('protect: []\n');
  guard.look();
  guard.look();
  t.deepEqual(guard.now, { guard: { protect: [] } });
  rmSync(host.path);
  guard.look();
  guard.look();
  t.deepEqual(guard.now, before);
});

test('host guard: a file that is being written, or is away for a moment, changes nothing', async (t) => {
  using host = new Host();
  const whole = 'protect: []\nsrc: [10.0.0.0/8]\n';
  host.write(whole);
  const guard = await host.open();
  const before = guard.now;
  for (const meanwhile of ['', 'protect: []\n', undefined]) {
    if (meanwhile === undefined) rmSync(host.path);
    else host.write(meanwhile);
    guard.look();
    t.is(guard.now, before, `the file is ${meanwhile ?? 'away'}`);
    host.write(whole);
    guard.look();
    t.is(guard.now, before);
  }
  host.write('');
  guard.look();
  host.write('protect: []\n');
  guard.look();
  t.is(guard.now, before, 'nor where each look finds another part of it');
  guard.look();
  t.deepEqual(guard.now, { guard: { protect: [] } });
});

test('host guard: packets of a server or resolver that is told as an IPv4-mapped address come from the IPv4 one', async (t) => {
  using host = new Host();
  host.names.set('bus.example', ['::ffff:192.0.2.10', '::ffff:c000:20b']);
  host.resolvers = ['::ffff:192.0.2.53'];
  t.deepEqual(protectedBy(await host.open()).toSorted(), [
    'bus v4 tcp 10.9.9.9/32:4222 > 0.0.0.0/0:*',
    'bus v4 tcp 192.0.2.10/32:4333 > 0.0.0.0/0:*',
    'bus v4 tcp 192.0.2.11/32:4333 > 0.0.0.0/0:*',
    'dns v4 tcp 192.0.2.53/32:53 > 0.0.0.0/0:*',
    'dns v4 udp 192.0.2.53/32:53 > 0.0.0.0/0:*',
    'ssh v4 tcp 0.0.0.0/0:* > 198.51.100.5/32:22',
  ]);
});

test('host guard: a file that is not right ends a start; later the guard of before goes on, and says so', async (t) => {
  using host = new Host();
  host.write('protect: [bos]\n');
  await t.throwsAsync(host.open(), {
    instanceOf: GuardFileError,
    message: /guard\.yaml:1: protect\[0\]: expected one of/,
  });
  host.write('src: [10.0.0.0/8]\nprotect: []\n');
  const guard = await host.open();
  host.write('src: [10.0.0.0/8]\nprotect: [bos]\n');
  for (const _ of [1, 2, 3]) guard.look();
  t.deepEqual(guard.now.guard, { src: ['10.0.0.0/8'], protect: [] });
  t.regex(guard.now.fault ?? '', /guard\.yaml:2: protect\[0\]/);
  t.deepEqual(host.said, ['guard not followed: that of before goes on'], 'told once');
  host.write('protect: []\n');
  guard.look();
  guard.look();
  t.deepEqual(guard.now, { guard: { protect: [] } });
});

test('host guard: addresses that are new count within one look, and those of a name stay for an hour after it had them', async (t) => {
  using host = new Host();
  host.names.delete('bus.example');
  const guard = await host.open();
  t.false(protectedBy(guard).some((one) => one.includes(':4333')));
  host.names.set('bus.example', ['192.0.2.10']);
  host.own = ['198.51.100.6'];
  host.resolvers = [];
  await host.look(guard);
  t.deepEqual(protectedBy(guard), [
    'bus v4 tcp 192.0.2.10/32:4333 > 0.0.0.0/0:*',
    'bus v4 tcp 10.9.9.9/32:4222 > 0.0.0.0/0:*',
    'ssh v4 tcp 0.0.0.0/0:* > 198.51.100.6/32:22',
  ]);
  host.names.set('bus.example', ['192.0.2.11']);
  await host.clock.pass(60_000);
  await host.look(guard);
  const both = protectedBy(guard).filter((one) => one.includes(':4333'));
  t.is(both.length, 2);
  host.names.delete('bus.example');
  await host.clock.pass(60_000);
  await host.look(guard);
  t.deepEqual(
    protectedBy(guard).filter((one) => one.includes(':4333')),
    both,
    'nobody can tell: nothing is given up',
  );
  host.names.set('bus.example', ['192.0.2.11']);
  await host.clock.pass(3_600_000);
  await host.look(guard);
  t.deepEqual(
    protectedBy(guard).filter((one) => one.includes(':4333')),
    ['bus v4 tcp 192.0.2.11/32:4333 > 0.0.0.0/0:*'],
  );
});

test('host guard: a name that nobody answers holds no start up for long', async (t) => {
  using host = new Host();
  const opening = HostGuard.open({
    path: host.path,
    servers: serversOf(['bus.example']),
    addressesOf: () => new Promise(() => {}),
    resolvers: () => [],
    own: () => [],
    clock: host.clock,
    log: QUIET,
  });
  await host.clock.pass(2_000);
  t.deepEqual(protectedBy(await opening), []);
});

test('host guard: addresses of servers and resolvers as they are written', (t) => {
  t.deepEqual(serversOf(['nats://[2001:db8::1]:5000', 'tls://bus.example', '10.0.0.1:4333']), [
    { host: '2001:db8::1', port: 5000 },
    { host: 'bus.example', port: 4222 },
    { host: '10.0.0.1', port: 4333 },
  ]);
  const text =
    '# nameserver 1.1.1.1\nsearch example\nnameserver 192.0.2.53\n nameserver\tfe80::1%eth0\nnameservers 9.9.9.9\n';
  t.deepEqual(nameserversIn(text), ['192.0.2.53', 'fe80::1']);
});
