/**
 * The controller's database is set back to a copy that knows less than its hosts do, with live traffic on each of them. What
 * is promised is in docs/operations.md, "Backup and restore".
 */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { RecoverReply } from '../../protocol/recover.ts';
import { backUp, restore } from '../support/backup.ts';
import { CONVERGE_MS, Operator, startHost } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { C, NATS_URL, SERVICE, Testbed } from '../support/testbed.ts';
import { Asker, Echo, PORT } from '../support/traffic.ts';
import { Witness } from '../support/witness.ts';

/** Redirects of each host beside the one that carries traffic. */
const MANY = 50;
const RATE = 200;
const TEST_MS = 60 * 60_000;
const NAMED = ['steady', 'away', 'gone'] as const;
const EDGE = { role: 'edge' } as const;
const LATE = { site: 'late' } as const;

/** What is redirected on the hosts: `name` makes the names of one set differ from those of another. */
function specs(name: string, hosts: object, version: number): { readonly name: string }[] {
  return Array.from({ length: MANY }, (_, index) => {
    const mac = `02:00:00:00:00:${(index % 5 === 0 ? version + 1 : 1).toString(16).padStart(2, '0')}`;
    const match = { dst: `100.64.0.${index}`, proto: 'udp' };
    return { name: `${name}-${index}`, hosts, match, to: { interface: 'to-c', mac } };
  });
}

function service(name: string, hosts: object) {
  return { name, hosts, match: { dst: SERVICE.v4, proto: 'udp', dport: PORT }, to: { nexthop: C.v4 } };
}

/** Four hosts and the operator of their controller. */
class Fleet {
  readonly t: ExecutionContext;
  readonly lead: Testbed;
  readonly operator: Operator;
  readonly hosts: Witness[] = [];
  #controller: Running;

  private constructor(t: ExecutionContext, lead: Testbed, controller: Running) {
    this.t = t;
    this.lead = lead;
    this.operator = new Operator(lead);
    this.#controller = controller;
  }

  static async start(t: ExecutionContext, lead: Testbed): Promise<Fleet> {
    await lead.startNats();
    return new Fleet(t, lead, await lead.startController());
  }

  /** A host joins: the program attached, an agent whose calls are kept, and traffic, which C answers. */
  async join(bed: Testbed): Promise<Witness> {
    const { agent } = await startHost(bed);
    const [b] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c')];
    const asker = await Asker.start(bed);
    await asker.steady(RATE);
    await asker.answeredBy('c', CONVERGE_MS);
    const witness = await Witness.begin(this.t, bed, agent, { b, asker });
    await agent.stop();
    await witness.startAgent();
    this.hosts.push(witness);
    await this.converge('joined', witness);
    await witness.expect(MANY + 1);
    return witness;
  }

  async converge(as: string, ...hosts: readonly Witness[]): Promise<void> {
    for (const host of hosts) await host.converges(`${host.bed.host}, ${as}`, MANY + 1);
  }

  /** Nothing was missing on any host for an instant. */
  async hold(as: string): Promise<void> {
    for (const host of this.hosts) await host.holds(`${host.bed.host}, ${as}`);
  }

  /** Stops the controller, has something done to its database, and starts it again. */
  async restart(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.#controller.stop();
    await meanwhile();
    this.#controller = await this.lead.startController();
  }

  async recover(): Promise<RecoverReply> {
    return (await this.lead.ask('controller', 'recover')) as RecoverReply;
  }

  async forget(...words: readonly string[]): Promise<void> {
    const { stdout, stderr } = await this.lead.shunt('bus', 'hosts', 'forget', ...words, '--nats', NATS_URL);
    this.t.is(`${stdout}${stderr}`, `${words[0]}: forgotten\n`);
  }

  /** Waits until `shunt hosts` says so of a host. */
  async says(host: string, what: RegExp): Promise<void> {
    let text = '';
    await until(`shunt hosts says ${what} of ${host}`, CONVERGE_MS, async () => {
      text = (await this.lead.shunt('bus', 'hosts', '--nats', NATS_URL)).stdout;
      return text.split('\n').some((line) => line.startsWith(`${host} `) && what.test(line));
    }).catch((error: unknown) => this.t.fail(`${(error as Error).message}:\n${text}`));
  }
}

test.serial('histories: hosts stand on though the controller is set back, recovers and forgets them', async (t) => {
  t.timeout(TEST_MS);
  await using lead = await Testbed.make({ host: 'steady' });
  await using awayBed = await Testbed.make({ host: 'away', beside: lead });
  await using goneBed = await Testbed.make({ host: 'gone', beside: lead });
  await using lateBed = await Testbed.make({ host: 'late', beside: lead, label: 'site=late' });
  const fleet = await Fleet.start(t, lead);
  await fleet.operator.apply(service('service', NAMED), ...specs('many', EDGE, 0));
  const [steady, away, gone] = [await fleet.join(lead), await fleet.join(awayBed), await fleet.join(goneBed)];

  const copy = join(lead.folder, 'older.db');
  // The copy is to know of the agents that run, and not only of those that ran before them.
  for (const host of NAMED)
    await fleet.says(host, new RegExp(`role=edge .* ${MANY + 1}/${MANY + 1} (?!.*(ended|silent))`));
  await backUp(lead.database, copy);
  const afterwards = [...specs('many', EDGE, 1), service('service-late', LATE), ...specs('late', LATE, 1)];
  await fleet.operator.apply(...afterwards);
  await fleet.converge('changed after the backup', steady, away, gone);
  for (const host of fleet.hosts) await host.expect(MANY + 1);
  await away.agent.stop('SIGKILL');
  await gone.agent.stop();
  await fleet.forget('gone');
  await fleet.restart(); // what is changed from now on is of an epoch that the copy does not know
  const late = await fleet.join(lateBed);
  const steadys = specs('steady', ['steady'], 2);
  await fleet.operator.apply(...steadys);
  await fleet.converge('of an epoch of which the copy does not know', steady);
  await steady.expect(MANY + 1);

  await fleet.restart(() => restore(copy, lead.database));
  await fleet.says('steady', /FOREIGN_EPOCH/);
  await fleet.says('late', /site=late .*FOREIGN_EPOCH/);
  for (const host of ['away', 'gone'])
    await fleet.says(host, new RegExp(`role=edge .* ${MANY + 1}/${MANY + 1} .*silent`));
  await fleet.hold('before the history begins anew');
  await fleet.operator.apply(...afterwards, ...steadys);
  await fleet.hold('applied again');

  t.like(await fleet.recover(), { foreign: 1, unheard: 2 });
  await fleet.converge('recovered', steady, late);
  await fleet.hold('recovered');
  t.is(await away.startAgent(), 'follows');
  t.is(await gone.startAgent(), 'follows');
  await fleet.converge('back after the history began anew', away, gone);
  await fleet.hold('back after the history began anew');
  t.like(await fleet.recover(), { foreign: 0, unheard: 0 });
  await fleet.converge('recovered once more', ...fleet.hosts);
  await fleet.hold('recovered once more');

  await gone.agent.stop();
  await fleet.forget('gone');
  await late.agent.stop('SIGKILL');
  await fleet.forget('late', '--force');
  await late.loseStore();
  t.is(await gone.startAgent(), 'follows');
  t.is(await late.startAgent(), 'unproven');
  await fleet.converge('forgotten, and back', gone, late);
  await fleet.hold('forgotten, and back');

  for (const host of fleet.hosts) await host.expect(MANY + 1);
  await fleet.restart(() => restore(copy, lead.database));
  await late.isHeld('late, set back once more', 'FOREIGN_EPOCH');
  await fleet.operator.apply(...[...afterwards, ...steadys].filter(({ name }) => name !== 'late-1'));
  await fleet.hold('applied again, but for one');
  await fleet.recover();
  await late.converges('late, but for one', MANY);
  await fleet.converge('recovered', steady, away, gone);
  for (const host of [steady, away, gone]) await host.holds(`${host.bed.host}, recovered`);
  t.is(await late.deleted(), 1, 'what no redirect asks for is removed, and nothing else');
  t.is((await late.watched()).entries, MANY);

  for (const host of fleet.hosts) console.log(await host.account());

  await fleet.operator.delete('many-1', 'steady-1');
  for (const host of [steady, away, gone]) {
    await until(`${host.bed.host}: a delete is seen`, CONVERGE_MS, async () => (await host.watched()).missing > 0);
    t.is(await host.deleted(), 1);
  }
});
