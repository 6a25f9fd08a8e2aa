import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Namespaces } from '../../test/support/namespaces.ts';
import { endText, must, Running, run } from '../../test/support/process.ts';
import { NOBODY, SYSCTLS, shuntCommand } from '../../test/support/testbed.ts';
import { openDoor } from './door.ts';

/** Who is where: as in compose.yaml, so that the same redirects fit. B and C both have the service's address. */
const ADDRESS = { bus: '198.51.100.2', a: '198.51.100.10', b: '198.51.100.20', c: '198.51.100.30' } as const;
export const SERVICE = '203.0.113.10';
const PORT = '4433';
const NATS_PORT = 4222;
/** The bus, as hosts see it. */
export const BUS_URL = `nats://${ADDRESS.bus}:${NATS_PORT}`;
export const MAX_HOSTS = 99;

const ROUTES = `
echo 1 >/proc/sys/net/ipv4/ip_forward
for what in all default eth0; do echo 0 >/proc/sys/net/ipv4/conf/$what/send_redirects; done`;
const BALANCES_FLOWS = 'echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy';
const READY_MS = 120_000;

export const SITES = { odd: 'west', even: 'east' } as const;

/** The host number `n`, from 1. */
function edge(n: number): { readonly name: `edge-${number}`; readonly address: string; readonly site: string } {
  return { name: `edge-${n}`, address: `198.51.100.${100 + n}`, site: n % 2 === 1 ? SITES.odd : SITES.even };
}

/** Where a program's log is, and the command that starts it again. */
export interface Files {
  readonly log: string;
  readonly start: string;
}

/** A program of the cluster that ended by itself: which, and how. */
export interface Fallen extends Files {
  readonly who: string;
  readonly how: string;
}

/** What a host's own commands have to be told: where its network, its pins and its agent's state are. */
export interface Surroundings {
  readonly netns: string;
  readonly pins: string;
  readonly state: string;
}

type Place = keyof typeof ADDRESS | 'switch' | ReturnType<typeof edge>['name'];

/**
 * A cluster in network namespaces of its own: hosts that route the questions of A to B, all on one switch:
 *
 *     a ─┬─ edge-1 … edge-N
 *        ├─ b, c (203.0.113.10, both)
 *        └─ bus (nats-server, controller)
 *
 * Everything is gone after dispose, and after a crash.
 */
export class Lab implements AsyncDisposable {
  readonly hosts: readonly ReturnType<typeof edge>[];
  readonly #namespaces: Namespaces<Place>;
  readonly #held = new AsyncDisposableStack();
  readonly #onFallen: (fallen: Fallen) => void;
  #ending = false;

  private constructor(namespaces: Namespaces<Place>, hosts: Lab['hosts'], onFallen: (fallen: Fallen) => void) {
    this.#namespaces = this.#held.use(namespaces);
    this.hosts = hosts;
    this.#onFallen = onFallen;
  }

  /** Makes the namespaces and joins them; nothing runs yet. Of what ends by itself later, `onFallen` hears. */
  static async make(hostCount: number, onFallen: (fallen: Fallen) => void): Promise<Lab> {
    const hosts = Array.from({ length: hostCount }, (_, index) => edge(index + 1));
    const places: Place[] = ['switch', 'bus', 'a', 'b', 'c', ...hosts.map(({ name }) => name)];
    const lab = new Lab(await Namespaces.make(places), hosts, onFallen);
    try {
      await lab.#build();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #build(): Promise<void> {
    await this.#ip('switch', 'link add lab type bridge', 'link set lab up');
    for (const [place, address] of Object.entries(ADDRESS)) await this.#join(place as Place, address);
    for (const { name, address } of this.hosts) await this.#join(name, address);
    for (const place of ['b', 'c'] as const) await this.#ip(place, `address add ${SERVICE}/32 dev lo`);
    for (const { name } of this.hosts) {
      await this.#must(name, ['sh', '-ec', ROUTES]);
      await this.#ip(name, `route add ${SERVICE} via ${ADDRESS.b}`);
    }
    await this.#must('a', ['sh', '-ec', BALANCES_FLOWS]);
    await this.#ip('a', `route add ${SERVICE} ${this.hosts.map(({ address }) => `nexthop via ${address}`).join(' ')}`);
  }

  async #join(place: Place, address: string): Promise<void> {
    const netns = this.#namespaces.name(place);
    await this.#must(place, ['sh', '-ec', SYSCTLS]);
    await this.#ip(
      'switch',
      `link add to-${place} master lab type veth peer name eth0 netns ${netns}`,
      `link set to-${place} up`,
    );
    await this.#ip(place, 'link set lo up', 'link set eth0 up', `address add ${address}/24 dev eth0`);
  }

  async #ip(place: Place, ...lines: readonly string[]): Promise<void> {
    await must(['ip', '-n', this.#namespaces.name(place), '-batch', '-'], `${lines.join('\n')}\n`);
  }

  async #must(place: Place, argv: readonly string[]): Promise<string> {
    return await must(this.#namespaces.inside(place, argv));
  }

  /** Of nats-server or the controller on the bus, or of the agent of a host. */
  filesOf(place: Place, program: 'nats-server' | 'controller' | 'agent'): Files {
    const folder = join(this.#namespaces.folder, place);
    return { log: join(folder, `${program}.log`), start: join(folder, `start-${program}`) };
  }

  /** Of a host, by its name. */
  surroundingsOf(host: Place): Surroundings {
    const folder = join(this.#namespaces.folder, host);
    const netns = `/run/netns/${this.#namespaces.name(host)}`;
    return { netns, pins: join(folder, 'bpf'), state: join(folder, 'state') };
  }

  async #start(place: Place, name: string, argv: readonly string[], onLine?: (line: string) => void): Promise<Running> {
    return this.#held.use(await Running.start(name, this.#namespaces.inside(place, argv), onLine));
  }

  /** Starts a program that has a log and a file that starts it again, and waits until it is ready. */
  async #keep(
    who: string,
    { log, start }: Files,
    argv: readonly string[],
    isReady: (log: string) => Promise<boolean>,
  ): Promise<void> {
    await mkdir(dirname(start), { recursive: true });
    await writeFile(start, `#!/bin/sh\nexec ${argv.map(quoted).join(' ')}\n`, { mode: 0o755 });
    await writeFile(log, ''); // it is looked into before the program is there
    const running = this.#held.use(await Running.start(who, ['sh', '-c', 'exec "$0" >>"$1" 2>&1', start, log]));
    try {
      await running.until('is ready', READY_MS, () => isReady(log));
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${await readFile(log, 'utf8')}`);
    }
    void running.ended.then((status) => this.#ending || this.#onFallen({ who, how: endText(status), log, start }));
  }

  /** Starts nats-server and the controller, and answers where they are reached from outside of the namespaces. */
  async startBus(): Promise<string> {
    const server = (await must(['sh', '-c', 'command -v nats-server'])).trim();
    const nats = this.#namespaces.inside('bus', [server, '-a', '0.0.0.0', '-p', `${NATS_PORT}`]);
    const natsIsReady = async (log: string) => (await readFile(log, 'utf8')).includes('Server is ready');
    await this.#keep('nats-server', this.filesOf('bus', 'nats-server'), nats, natsIsReady);
    const door = join(this.#namespaces.folder, 'nats');
    await this.#start('bus', 'door', [process.execPath, join(import.meta.dirname, 'door.ts'), door, `${NATS_PORT}`]);
    const outside = this.#held.use(await openDoor(door, NATS_PORT));
    const url = `nats://127.0.0.1:${outside.port}`;
    const database = join(this.#namespaces.folder, 'controller.db');
    const controller = this.#namespaces.inside('bus', shuntCommand(['controller', '--db', database]));
    await this.#keep('the controller', this.filesOf('bus', 'controller'), controller, () => {
      return answers('hosts', '--nats', url);
    });
    return url;
  }

  /** Attaches the program to every host and starts its agent, as nobody; says so as each is ready. */
  async startHosts(url: string, onReady: () => void): Promise<void> {
    await Promise.all(
      this.hosts.map(async (host) => {
        await this.#attach(host.name);
        await this.#startAgent(host, url);
        onReady();
      }),
    );
  }

  async #attach(host: Place): Promise<void> {
    const { pins, state } = this.surroundingsOf(host);
    await mkdir(dirname(state));
    await mkdir(state, { mode: 0o700 });
    await chown(state, NOBODY, NOBODY);
    // Generic mode: the far end of eth0 is a port of a bridge, where natively sent frames would be lost.
    const how = ['--interface', 'eth0', '--mode', 'generic', '--owner', 'nobody', '--pin-root', pins];
    await this.#must(host, shuntCommand(['attach', ...how]));
  }

  async #startAgent({ name: host, site }: ReturnType<typeof edge>, url: string): Promise<void> {
    const { pins, state } = this.surroundingsOf(host);
    const agent = this.#namespaces.inside(host, [
      join(import.meta.dirname, '../../tools/as-nobody'),
      ...['agent', '--host', host, '--label', 'role=edge', '--label', `site=${site}`],
      ...['--nats', BUS_URL, '--pin-root', pins, '--state', state],
    ]);
    await this.#keep(`the agent of ${host}`, this.filesOf(host, 'agent'), agent, () => {
      return answers('status', '--host', host, '--nats', url);
    });
  }

  /** Starts B, C and A; each second A says who answered. */
  async startTraffic(onSecond: (line: string) => void): Promise<void> {
    for (const place of ['b', 'c'] as const) {
      const answer = join(import.meta.dirname, 'answer.ts');
      const service = await this.#start(place, place, [process.execPath, answer, place.toUpperCase(), SERVICE, PORT]);
      await service.until('answers', READY_MS, () => service.lines.length > 0);
    }
    await this.#start('a', 'a', [process.execPath, join(import.meta.dirname, 'ask.ts'), SERVICE, PORT], onSecond);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    await this.#held[Symbol.asyncDispose]();
  }
}

/** Whether a command is answered. */
async function answers(...words: readonly string[]): Promise<boolean> {
  return (await run(shuntCommand(words))).status === 0;
}

/** One word of a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
