import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import test from 'ava';
import type { Dump } from '../../protocol/ask.ts';
import type { Status } from '../../protocol/status.ts';
import { type Running, until } from '../support/process.ts';
import { BY_ENGINE, Engine, ROOT } from './engine.ts';

const BUILD_MS = 1_800_000;
const WAIT_MS = 120_000;
const HOSTS = ['edge-1', 'edge-2', 'edge-3'] as const;
/** As README.md and compose.yaml say them. */
const UP = 'docker compose up';
const APPLY = 'docker compose exec -T controller shunt apply -f - <examples/b-to-c.yaml';
const DELETE = 'docker compose exec controller shunt delete b-to-c';

/** What A says of one second. */
interface Second {
  readonly answers: Readonly<Record<string, number>>;
  readonly unanswered: number;
}

/** `11:49:39   B 38   C 57   unanswered 0` and `asked 950   B 380   C 570   unanswered 0` */
function parseSecond(line: string): Second {
  const counts = [...line.matchAll(/ {3}(\S+) (\d+)/g)].map(([, name = '', count]) => [name, Number(count)] as const);
  const { unanswered = 0, ...answers } = Object.fromEntries(counts);
  return { answers, unanswered };
}

/** Shows the log of A as it comes, with our own words between its lines, and keeps it. */
class Diary {
  readonly lines: string[] = [];
  readonly seconds: Second[] = [];
  readonly #startMs = performance.now();
  #following: Running | undefined;

  async follow(engine: Engine): Promise<void> {
    const command = 'exec docker logs --follow --tail 0 "$(docker compose ps --all --quiet a)"';
    this.#following = await engine.start(command, (line) => this.#hear(line));
  }

  #hear(line: string): void {
    this.lines.push(line);
    console.log(`         ${line}`);
    if (/^\d\d:/.test(line)) this.seconds.push(parseSecond(line));
  }

  note(what: string): void {
    console.log(`${Math.round((performance.now() - this.#startMs) / 1000)} s`.padStart(6), ` ${what}`);
  }

  /** Waits for `count` seconds in a row, from now on, in which only `who` answered and nothing was left unanswered. */
  async answeredBy(who: string, count = 3): Promise<void> {
    const from = this.seconds.length;
    await until(`${count} seconds in which only ${who} answers`, WAIT_MS, () => {
      const last = this.seconds.slice(from).slice(-count);
      return last.length === count && last.every((second) => answeredOnlyBy(second, who));
    }).catch((error: Error) => {
      throw new Error(`${error.message}; the last lines of A were:\n${this.lines.slice(-10).join('\n')}`);
    });
  }

  async close(): Promise<void> {
    await this.#following?.stop();
  }
}

function answeredOnlyBy({ answers, unanswered }: Second, who: string): boolean {
  return (
    (answers[who] ?? 0) > 0 && unanswered === 0 && Object.entries(answers).every(([it, n]) => it === who || n === 0)
  );
}

async function ask<T>(engine: Engine, host: string, verb: 'dump' | 'status'): Promise<T> {
  const reply = await engine.must(`docker compose exec -T controller shunt ${verb} --host ${host} -o json`);
  return JSON.parse(reply) as T;
}

/** Waits until every host says that it has applied all that it stores, so many redirects. */
async function converged(engine: Engine, desired: number): Promise<void> {
  for (const host of HOSTS) {
    await until(`${host} has converged`, WAIT_MS, async () => {
      const status = await ask<Status>(engine, host, 'status').catch(() => undefined);
      return status?.applied === status?.stored && status?.counts.installed === desired;
    });
  }
}

async function packets(engine: Engine): Promise<number[]> {
  const dumps = await Promise.all(HOSTS.map((host) => ask<Dump>(engine, host, 'dump')));
  return dumps.map(({ items: [entry] }) => Number(entry?.packets));
}

/** What a process inside of a container's init may do, as the kernel says it. */
async function privileges(engine: Engine, service: string): Promise<Record<string, string>> {
  const text = await engine.must(`docker compose exec -T ${service} cat /proc/1/status`);
  return Object.fromEntries(text.split('\n').map((row) => row.split(/:\s*/) as [string, string]));
}

/** Everything that an engine could keep of the project. */
async function remains(engine: Engine): Promise<string> {
  const filter = '--filter label=com.docker.compose.project=shunt-test';
  const kinds = ['container ls --all', 'network ls', 'volume ls'];
  return (await Promise.all(kinds.map((kind) => engine.must(`docker ${kind} --quiet ${filter}`)))).join('');
}

test.serial(
  'compose: A is moved from B to C and back; killed agents and bus come back, and nothing is lost',
  async (t) => {
    t.timeout(BUILD_MS);
    const diary = new Diary();
    try {
      await using engine = await Engine.start();
      diary.note('the engine is ready');
      await engine.must('docker compose build');
      diary.note('the image is built');
      const up = await engine.start(UP, () => {});
      try {
        await up.until('A asks', WAIT_MS, () => up.lines.some((line) => line.includes('unanswered')));
        diary.note('everything is up and healthy');
        await diary.follow(engine);
        await diary.answeredBy('B');

        diary.note('shunt apply: from B to C');
        await engine.must(APPLY);
        await diary.answeredBy('C');
        await converged(engine, 1);

        for (const host of HOSTS) {
          const { Uid, CapPrm, CapBnd, NoNewPrivs, Seccomp } = await privileges(engine, `${host}-agent`);
          t.not(Uid?.split('\t')[0], '0', `${host}: the agent is not root`);
          t.deepEqual([CapPrm, CapBnd], ['0'.repeat(16), '0'.repeat(16)], `${host}: the agent has no capability`);
          t.deepEqual([NoNewPrivs, Seccomp], ['1', '2'], `${host}: and cannot gain one`);
        }

        diary.note('killed: the agent of edge-1, and the bus');
        await engine.must('docker compose kill edge-1-agent nats');
        await diary.answeredBy('C', 5);
        diary.note('both are started again');
        await engine.must('docker compose up --detach');
        await converged(engine, 1);
        diary.note('all hosts have converged');
        await diary.answeredBy('C');

        diary.note('A stops asking, and adds up');
        await engine.must('docker compose stop a');
        const sums = await until('A adds up', WAIT_MS, () => diary.lines.find((line) => line.startsWith('asked')));
        const counted = await packets(engine);
        const { answers, unanswered } = parseSecond(sums);
        t.is(unanswered, 0, 'no question is without answer');
        t.is(
          counted.reduce((sum, each) => sum + each, 0),
          answers.C ?? 0,
          `the entries count what C answered: ${counted}`,
        );
        t.true(
          counted.every((each) => each > 0),
          `every host had a part in it: ${counted}`,
        );
        diary.note(`packets counted by the entries of the three hosts: ${counted.join(' + ')} = ${answers.C}`);

        await diary.close();
        await engine.must('docker compose start a');
        await diary.follow(engine);
        await diary.answeredBy('C');
        diary.note('shunt delete: from C back to B');
        await engine.must(DELETE);
        await diary.answeredBy('B');
        await converged(engine, 0);
        diary.note('all hosts have converged');
      } catch (error) {
        t.log((await engine.run('docker compose ps --all; docker compose logs --tail 20')).stdout);
        throw error;
      } finally {
        await diary.close();
        await engine.must('docker compose down --volumes --timeout 3');
        await up.stop();
      }
      t.is(await remains(engine), '', 'no container, network or volume is left');
      diary.note('everything is removed');
    } finally {
      t.log(`A's log:\n${diary.lines.join('\n')}`);
    }
  },
);

test('compose: README.md says what is typed here', async (t) => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  for (const command of [UP, APPLY, DELETE]) t.regex(readme, new RegExp(`^ {4}${command}(?: +#|$)`, 'm'));
  t.true(readme.includes(`Put \`${relative(ROOT, BY_ENGINE)}\` before each`));
});

test.serial('compose: the image has neither compilers nor caches, and runs as a user', async (t) => {
  t.timeout(BUILD_MS);
  await using engine = await Engine.start();
  const inside = (script: string) => engine.must(`docker run --rm --network none shunt sh -c '${script}'`);
  t.is(await inside('command -v cc gcc g++ clang make python3 npm || true'), '');
  t.is(await inside('ls -d /root/.npm /root/.npmrc /run/secrets /root/.cache 2>/dev/null || true'), '');
  t.is(await inside('ls node_modules | grep -E "^(typescript|ava|node-gyp)$" || true'), '');
  t.not((await inside('id -u')).trim(), '0');
  t.regex(await inside('node --version'), /^v24\./);
  t.is(await inside('find / -xdev -type f -writable -not -path "/proc/*" -not -path "/sys/*" 2>/dev/null || true'), '');
});
