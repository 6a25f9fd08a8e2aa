/**
 * Released agents and controllers are taken over by those of this checkout and come back on what those left, on one host
 * with live traffic. What is promised is in docs/operations.md, "Versions side by side".
 */
import { chown, copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { MixedHost, warnings } from '../support/mixed-host.ts';
import { CONVERGE_MS } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { bring, RELEASES } from '../support/release.ts';
import { NATS_URL, NOBODY, ROOT } from '../support/testbed.ts';

const BUILD_MS = 10 * 60_000;
const TEST_MS = 10 * 60_000;

for (const release of RELEASES) {
  const { name } = release;
  let old = '';

  test.serial.before(`roll back: ${name} is there, built`, async (t) => {
    t.timeout(BUILD_MS);
    old = await bring(release);
  });

  test.serial(`roll back: ${name}'s agent is upgraded in place and comes back, stopped or killed`, async (t) => {
    t.timeout(TEST_MS);
    await using host = await MixedHost.make(t, old);
    await host.startController(ROOT);
    await host.startAgent(old);
    await host.redirect(ROOT);
    await host.rests('the release runs', ROOT);
    const turns = [
      { next: ROOT, signal: 'SIGTERM' },
      { next: old, signal: 'SIGTERM' },
      { next: ROOT, signal: 'SIGKILL' },
      { next: old, signal: 'SIGKILL' },
    ] as const;
    for (const [number, { next, signal }] of turns.entries()) {
      const turn = `${signal}, then ${next === old ? name : 'today'}`;
      const elsewhere = join(host.bed.folder, `state-${number}`);
      // The other's maps are of another layout: it is told so, or of the agent that keeps what it cannot read.
      await agentRefuses(t, host, next, /another agent keeps these maps|run `shunt attach/, await makeState(elsewhere));
      await host.agent.stop(signal);
      await host.holds(`${turn}: nobody runs`);
      await host.change(ROOT);
      await (next === old ? host.moveBack(old) : host.moveForth());
      await host.rests(`${turn}: what the other left was taken over`, ROOT);
      await host.remove(ROOT, number);
      await host.rests(`${turn}: deleted`, old);
    }
    await host.agent.stop();
    const later = await makeState(join(host.bed.folder, 'later'));
    await laterStore(host.bed.state, later);
    for (const one of [old, ROOT]) await agentRefuses(t, host, one, /newer agent/, later);
    await host.holds('no agent runs on the store of a later release');
    await host.moveForth();
    await host.end(ROOT);
  });

  test.serial(`roll back: ${name}'s controller is relieved while it serves, and comes back`, async (t) => {
    t.timeout(TEST_MS);
    await using host = await MixedHost.make(t, old);
    await host.startController(old);
    await host.startAgent(old);
    await host.redirect(old);
    await host.rests('the release runs', old);
    await host.backUp('old');

    const relieved = host.controller;
    await host.startController(ROOT);
    for (const by of [ROOT, old, ROOT]) await host.change(by);
    await host.rests('two controllers share the requests', ROOT, old);
    t.is(relieved.status, undefined);
    t.deepEqual(warnings(relieved), []);
    t.is(await relieved.stop(), 0);
    await host.agent.stop();
    await host.moveForth();
    await host.remove(old, 0);
    await host.rests("today's serves alone, and the agent is today's, too", ROOT);

    t.is(await host.controller.stop(), 0);
    for (const one of [old, ROOT]) await controllerRefusesLater(t, host, one);
    await host.startController(old);
    await host.rests('the release is back', ROOT, old);
    await host.change(ROOT);
    await host.rests('the release serves changes', old);
    t.is(await host.controller.stop(), 0);
    await host.backUp('newest');

    await host.restore('old');
    await host.startController(old);
    await host.agent.stop('SIGKILL');
    await host.startAgent(ROOT); // asks at once
    await host.isHeld('the backup from before the upgrade knows less than the host');
    t.is(await host.controller.stop(), 0);
    await host.restore('newest');
    await host.startController(ROOT);
    await host.change(ROOT);
    await host.rests("the newest database is back, and today's controller", ROOT);
    await host.end(ROOT);
  });
}

/** Makes a state directory of the agent's user; answers its path. */
async function makeState(path: string): Promise<string> {
  await mkdir(path, { mode: 0o700 });
  await chown(path, NOBODY, NOBODY);
  return path;
}

/** A copy of a store, as a release with more migrations would have left it. */
async function laterStore(from: string, to: string): Promise<void> {
  const path = join(to, 'agent.db');
  await copyFile(join(from, 'agent.db'), path);
  await chown(path, NOBODY, NOBODY);
  using held = new DisposableStack();
  held.adopt(new BetterSqlite3(path), (it) => it.close()).pragma('user_version = 99');
}

/** Starts an agent that says why it does not start, and ends. */
async function agentRefuses(t: ExecutionContext, host: MixedHost, of: string, why: RegExp, state: string) {
  const agent = await host.bed.by(of).startAgent('--state', state);
  t.is(await until('the agent ends', CONVERGE_MS, () => agent.status), 1);
  t.regex(agent.lines.join('\n'), why);
}

/** A database with a table that this release does not know: it says so, and not a byte is changed. */
async function controllerRefusesLater(t: ExecutionContext, host: MixedHost, of: string): Promise<void> {
  const path = await host.backUp('later');
  {
    using held = new DisposableStack();
    const database = held.adopt(new BetterSqlite3(path), (it) => it.close());
    database.exec(`insert into kysely_migration (name, timestamp) values ('9999_later', '')`);
  }
  const before = await readFile(path);
  const refused = await host.bed.by(of).shunt('bus', 'controller', '--nats', NATS_URL, '--db', path);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /9999_later.*run that release/);
  t.deepEqual(await readFile(path), before);
}
