import { type Finding, findings, type Level } from '../../agent/doctor/finding.ts';
import { encodeAskRequest, parseStatusReply } from '../../protocol/ask.ts';
import type { HostItem } from '../../protocol/listings.ts';
import type { Status } from '../../protocol/status.ts';
import { Bus, type BusOptions } from '../client.ts';
import { readFleet } from '../fleet.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { damageText } from '../show/damage.ts';
import { healthOf, isSilent } from '../show/fleet-health.ts';
import { ageText, clockText, countText, problemText, someText } from '../show/format.ts';
import { reasonOf, sumReasons } from '../show/passed.ts';
import { fill, paint, type Terminal, type Tone } from '../show/terminal.ts';

const SKEW_MS = 5_000;
/** Smaller messages work, and are more. */
const FULL_MESSAGE_BYTES = 512 * 1024;

export const doctor = command({
  synopsis: '',
  about: `Looks for what is wrong on this host, and says how to mend it: kernel, pins, interfaces and the traps of veth, clocks,
state directory, agent, guard, bus and controller. Changes nothing, and works for every user: what this one cannot see is said
too. The exit status is 1 when something is bad.`,
  examples: ['sudo shunt doctor', 'sudo shunt doctor --host edge-7 --nats nats://bus.example:4222'],
  options: ['host', 'pin-root', 'state', 'guard', ...BUS_OPTIONS],
  async run({ options: { host, 'pin-root': pinRoot, state, guard, ...options }, terminal }) {
    const found = [...(await examineHere(pinRoot, state, guard)), ...(await examineBus(host, options, terminal))];
    terminal.print(options.output === 'json' ? JSON.stringify({ findings: found }) : layOut(found, terminal));
    return found.some(({ level }) => level === 'bad') ? EXIT.refused : EXIT.done;
  },
});

async function examineHere(pinRoot: string, state: string, guard: string): Promise<readonly Finding[]> {
  const [{ examineHost }, { loadNative }] = await Promise.all([
    import('../../agent/doctor/examine.ts'),
    import('../../native/index.ts'),
  ]);
  try {
    return examineHost(loadNative(), pinRoot, state, guard);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return [findings('program').bad('the native addon is not there', 'run ./dev build')];
  }
}

const onBus = findings('bus');
const controller = findings('controller');

async function examineBus(
  host: string,
  options: BusOptions,
  terminal: Pick<Terminal, 'progress'>,
): Promise<readonly Finding[]> {
  try {
    await using bus = await Bus.open(options);
    const { maxPayloadBytes } = bus;
    const reach =
      maxPayloadBytes < FULL_MESSAGE_BYTES
        ? onBus.warn(
            `${options.nats.join(', ')} takes messages of ${maxPayloadBytes} bytes only, so there are more of them`,
            `set max_payload: ${2 * FULL_MESSAGE_BYTES} on the server`,
          )
        : onBus.ok(`${options.nats.join(', ')} answers`);
    return [
      reach,
      ...examineDoor(bus, options),
      ...(await examineController(bus, terminal)),
      ...(await examineStatus(bus, host)),
    ];
  } catch (error) {
    return [onBus.bad(...sentences(error))];
  }
}

/** Who is in may say what the controller says, unless the server gives its users subjects. */
function examineDoor(bus: Bus, { nats }: BusOptions): readonly Finding[] {
  if (!bus.isOpenToAll) return [];
  return [
    onBus.warn(
      `${nats.join(', ')} lets anybody in who reaches it, each local user of its host too: they may redirect the packets of every host`,
      'give the bus users, and each its subjects: docs/operations.md, "The bus"',
    ),
  ];
}

async function examineController(bus: Bus, terminal: Pick<Terminal, 'progress'>): Promise<readonly Finding[]> {
  try {
    const { items, damage } = await readFleet(bus, terminal);
    if (damage !== undefined) {
      const { found, mend } = damageText(damage);
      return [controller.bad(found, mend)];
    }
    const ahead = Math.max(...items.map(({ seenAt }) => (seenAt ?? 0) - Date.now()));
    if (ahead > SKEW_MS)
      return [
        controller.warn(`its clock is ${ageText(ahead)} ahead of this one`, 'set both by NTP: `expires` is a time'),
      ];
    return [judgeFleet(items, Date.now())];
  } catch (error) {
    return [controller.bad(...sentences(error))];
  }
}

/** A controller that hears nobody is of no use, however well it answers. */
export function judgeFleet(items: readonly HostItem[], nowMs: number): Finding {
  const fleet = countText(items.length, 'host');
  const unheard = items.filter((item) => item.seenAt === null || isSilent(item, nowMs));
  if (unheard.length > 0 && unheard.length === items.length)
    return controller.bad(
      `answers, and has not heard any of its ${fleet} for a minute or more`,
      'start the agents, or read in their logs what keeps them off its bus; a clock of this host that is ahead looks alike',
    );
  const troubled = items.filter((item) => {
    const { state, trouble } = healthOf(item, nowMs);
    return state !== 'behind' && trouble !== ''; // what is on its way arrives
  });
  const never = items.filter(({ seenAt }) => seenAt === null).map(({ host }) => host);
  if (troubled.length + never.length === 0) return controller.ok(`answers; ${fleet}, nothing is wrong`);
  const silent = unheard.length - never.length;
  const quiet = silent === 0 ? '' : `, ${silent} of them not heard for a minute or more`;
  const found = [
    troubled.length > 0 && `${troubled.length} in trouble (${someText(troubled.map(({ host }) => host))})${quiet}`,
    never.length > 0 && `${never.length} never heard (${someText(never)})`,
  ];
  return controller.warn(`answers; of ${fleet} ${found.filter(Boolean).join('; ')}`, 'see shunt hosts');
}

async function examineStatus(bus: Bus, host: string): Promise<readonly Finding[]> {
  const check = findings(`host ${host}`);
  try {
    const status = await bus.ask(host, 'status', encodeAskRequest({ v: 1 }), parseStatusReply);
    return judge(status as Status, check);
  } catch (error) {
    return [check.warn(...sentences(error))];
  }
}

function judge(status: Status, check: ReturnType<typeof findings>): readonly Finding[] {
  const { host, at, stored, applied, exceptionsTotal, capacity, undelivered, bypass, clockAhead } = status;
  const found: Finding[] = [];
  const skewMs = Math.abs(Date.now() - at);
  if (clockAhead !== undefined)
    found.push(
      check.warn(`its clock is ${clockText(clockAhead)}`, "set both by NTP; redirects end by the controller's"),
    );
  else if (skewMs > SKEW_MS)
    found.push(check.warn(`its clock and this one differ by ${ageText(skewMs)}`, 'set both by NTP'));
  if (bypass) found.push(check.bad('bypass is on: nothing is redirected', 'shunt bypass off, on that host'));
  found.push(...judgeProblems(status, check));
  if (exceptionsTotal > 0)
    found.push(
      check.warn(
        `${countText(exceptionsTotal, 'redirect')} not in force`,
        `see shunt status --host ${host}, and shunt explain`,
      ),
    );
  for (const { interface: name, errno, packets } of undelivered ?? [])
    found.push(check.bad(`${packets} redirected packets died at ${name}: ${errno}`, `see shunt status --host ${host}`));
  found.push(...judgePassed(status, check));
  if (capacity.used >= capacity.max)
    found.push(check.warn(`all ${capacity.max} slots are in use`, 'attach with a higher --max-redirects'));
  if (found.length > 0) return found;
  return [check.ok(`its agent answers; stored revision ${stored}, applied ${applied}`)];
}

/** An older agent says only the gravest. */
function judgeProblems({ problem, problems }: Status, check: ReturnType<typeof findings>): readonly Finding[] {
  const all = problems ?? (problem === undefined ? [] : [{ code: problem, since: 0 }]);
  return all.map((one) =>
    one.code === 'FOREIGN_WRITER'
      ? check.bad(problemText(one), 'find out who: as root, bpftool map show pinned PIN names who has it open')
      : check.bad(
          `holds what it has: ${problemText(one)}`,
          'see docs/operations.md, "What to do, by code", and its log',
        ),
  );
}

/** A traceroute uses up TTLs, and is no fault. */
function judgePassed({ passed, passedTotal = 0 }: Status, check: ReturnType<typeof findings>): readonly Finding[] {
  if (passed === undefined) return [];
  if (passed === null)
    return [
      check.warn(
        'packets that match and are passed are not counted by redirect: an older shunt attach made its maps',
        'shunt detach, then shunt attach; packets pass unredirected in between',
      ),
    ];
  return [...sumReasons(passed)].map(([name, packets]) => {
    const { means, mend } = reasonOf(name);
    const text = `${packets} packets that match one of ${countText(passedTotal, 'redirect')} were passed and not sent: ${name}, ${means}`;
    return name === 'TTL' ? check.warn(text, mend) : check.bad(text, mend);
  });
}

/** What went wrong, and what to do, which every failure says behind its last semicolon. */
function sentences(error: unknown): [found: string, mend: string] {
  if (!(error instanceof Failure)) throw error;
  const at = error.message.lastIndexOf('; ');
  return at < 0 ? [error.message, 'see its log'] : [error.message.slice(0, at), error.message.slice(at + 2)];
}

const SIGNS: Readonly<Record<Level, readonly [sign: string, tone: Tone | undefined]>> = {
  ok: ['ok', 'good'],
  warn: ['warn', 'warn'],
  bad: ['BAD', 'bad'],
  unseen: ['?', undefined],
};
const SIGN_WIDTH = 4;
const WIDEST = 100;

/** A line each, the sentence below itself where it is long, and the way to mend it under that. */
function layOut(found: readonly Finding[], terminal: Pick<Terminal, 'width' | 'colour'>): string {
  const width = Math.max(...found.map(({ check }) => check.length));
  const indent = ' '.repeat(SIGN_WIDTH + width + 4);
  const room = (terminal.width ?? WIDEST) - indent.length;
  const lines = found.map(({ level, check, found: text, mend }) => {
    const [sign, tone] = SIGNS[level];
    const said = [...fill(level === 'unseen' ? `cannot see ${text}` : text, room)];
    if (mend !== undefined) said.push(...fill(`→ ${mend}`, room));
    const left = `${paint(terminal, tone, sign.padEnd(SIGN_WIDTH))}  ${check.padEnd(width)}`;
    return `${left}  ${said.join(`\n${indent}`)}`;
  });
  const count = (level: Level): number => found.filter((one) => one.level === level).length;
  return `${lines.join('\n')}\n\n${count('bad')} bad, ${count('warn')} to look at, ${count('unseen')} not seen`;
}
