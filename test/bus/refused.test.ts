import { writeFileSync } from 'node:fs';
import test from 'ava';
import { connect, credsAuthenticator } from 'nats';
import { Account } from '../support/nats-jwt.ts';
import { HOST, Rig, subjects, until } from './rig.ts';

/** Whoever connects has a minute to say who it is: the server's own second is over too soon on a busy machine. */
const ONLY_U = 'authorization: { timeout: 60, users: [{ user: u, password: p }] }\n';

test('refused: a bus that has users for a while gets both back, and each has said once why it was gone', async (t) => {
  await using rig = await Rig.open('');
  await rig.start(t, {});
  rig.configure(ONLY_U);
  await rig.bothSaid(t, 'REFUSED');
  t.like(rig.trouble, { code: 'REFUSED' });
  t.regex(rig.trouble?.reason ?? '', /does not let everybody in; no credentials were given: name some with/);
  await rig.gaveUp(t);
  rig.configure('');
  const began = performance.now();
  await rig.together(t, 'once there are no users any more');
  t.log(`together ${(performance.now() - began).toFixed(0)} ms after the reload`);
  t.is(rig.trouble, undefined);
  for (const { lines } of [rig.controller, rig.agent]) t.deepEqual(lines, ['up', 'REFUSED', 'up']);
});

test('refused: a server that comes back with users, and then without, gets both back', async (t) => {
  await using rig = await Rig.open('');
  await rig.start(t, {});
  await rig.server.kill();
  await rig.bothSaid(t, 'DOWN');
  writeFileSync(rig.folder.file('nats.conf'), ONLY_U);
  await rig.server.start();
  await rig.bothSaid(t, 'REFUSED');
  await rig.server.kill();
  writeFileSync(rig.folder.file('nats.conf'), '');
  await rig.server.start();
  await rig.together(t, 'once there are no users any more');
});

test('refused: credentials that ended, and a file without any, are followed by what is written next', async (t) => {
  const account = new Account();
  await using rig = await Rig.open(account.config);
  rig.writeCreds(account.creds());
  await rig.start(t, { creds: rig.creds });
  rig.writeCreds(account.endedCreds());
  await rig.server.kill();
  await rig.server.start();
  await rig.bothSaid(t, 'REFUSED');
  rig.writeCreds('half a file');
  await rig.bothSaid(t, 'NO_CREDS');
  rig.writeCreds(new Account().creds());
  await rig.bothSaid(t, 'REFUSED');
  rig.writeCreds(account.creds());
  await rig.together(t, 'with new credentials');
});

test('refused: who may not listen for a while listens again, without another connection', async (t) => {
  const userWho = (may: string): string =>
    `authorization: { timeout: 60, users: [{ user: u, password: p, permissions: { ${may} } }] }\nno_auth_user: u\n`;
  await using rig = await Rig.open(userWho('subscribe: ">"'));
  await rig.start(t, {});
  rig.configure(userWho('subscribe: { allow: ">", deny: "shunt.v1.*.*" }'));
  const deaf = [subjects.syncAll, subjects.statusAll, subjects.apiAll].toSorted();
  await until(t, 'the controller is deaf', () => rig.controller.lines.slice(1).toSorted().join() === deaf.join());
  await until(t, 'the agent is deaf', () => rig.agent.lines.includes(subjects.live(HOST)));
  rig.configure(userWho('subscribe: ">"'));
  await rig.together(t, 'once it may');
  t.false(rig.controller.lines.slice(1).includes('up'));
});

test('refused: what was asked over one connection is answered over the next', async (t) => {
  const account = new Account();
  await using rig = await Rig.open(account.config);
  rig.writeCreds(account.oldCreds());
  await rig.start(t, { creds: rig.creds });
  const authenticator = credsAuthenticator(new TextEncoder().encode(account.creds()));
  const asker = await connect({ servers: rig.server.url, authenticator, timeout: 60_000 });
  t.teardown(() => asker.close());
  const answer = Promise.withResolvers<Uint8Array>();
  const asked = Promise.withResolvers<void>();
  rig.bus?.onAsk(() => {
    asked.resolve();
    return answer.promise;
  });
  const heard = asker.request(subjects.ask(HOST, 'status'), '{"v":1}', { timeout: 600_000 });
  await asked.promise;
  rig.configure(account.withoutOld);
  await rig.bothSaid(t, 'REFUSED');
  await rig.gaveUp(t);
  rig.writeCreds(account.creds());
  await rig.together(t, 'with new credentials');
  answer.resolve(new TextEncoder().encode('{"v":1}'));
  t.is((await heard).string(), '{"v":1}');
});
