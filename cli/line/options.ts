import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { DEFAULT_SLOTS, MAX_SLOTS } from '../../agent/model/limits.ts';
import { parseServers } from '../../bus/servers.ts';
import { LOG_LEVELS } from '../../daemon/log-level.ts';
import { LEVELS, readLevel } from '../../protocol/change-state.ts';
import { filledText, readLabelText } from '../../protocol/filled.ts';
import { readGates } from '../../protocol/gate.ts';
import { readHost, readLabelKey } from '../../protocol/host.ts';
import { readAfterMs, readName } from '../../protocol/intent.ts';
import { hinted, integer, oneOf, pattern, type Reader, show } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';
import { readSome, readWave } from '../../protocol/rollout.ts';
import { MAX_SOAK_MS, ON_FAIL } from '../../protocol/rollout-start.ts';
import { readSet } from '../../protocol/sets.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { MAX_CONFIRM_MS, readReason } from '../../protocol/terms.ts';
import { readDuration } from '../../protocol/times.ts';
import { readFilter, TOP_ORDERS } from '../../protocol/top.ts';
import { orElse } from './refusal.ts';

/** What a shell asks for while a line is written. */
export const ASKED = ['redirects', 'hosts', 'sets', 'contexts', 'rollouts'] as const;
export type Asked = (typeof ASKED)[number];

/**
 * One option of the command line, the environment and the settings file: all three give texts, the nearest source wins
 * whole. `read` gets what that source gave, nothing when no source did, and throws Refused.
 */
export interface Option<T> {
  readonly short?: string;
  readonly placeholder: string;
  readonly help: string;
  /** The default, as help shows it. */
  readonly fallback?: string;
  readonly repeat?: true;
  /** Given or not, without a value; `read` gets an empty text when it is. */
  readonly flag?: true;
  /** What it says when it is written without a value, as in `--wait`; with one, that stands behind `=`. */
  readonly bare?: string;
  /** All that may be given, where that is a few words. */
  readonly values?: readonly string[];
  /** What it names, where a shell may ask for it. */
  readonly asks?: Asked;
  /** A secret, and only in the environment: it would stand in every list of processes, or in a file that many read. */
  readonly environmentOnly?: true;
  /** Only an argument: it belongs to one call, not to a machine. */
  readonly argumentOnly?: true;
  readonly read: (given: readonly string[]) => T;
}

const HOST_ID = 'a-z, 0-9 and inner dashes, at most 63 long';
/** What an agent's flight recorder keeps at most. */
const MAX_EVENTS = 65_536;
const DEFAULT_SERVER = 'nats://127.0.0.1:4222';

const readText: Reader<string> = (value) => {
  if (value !== '') return String(value);
  throw new Refused('BAD_FIELD', '', 'expected a text that is not empty');
};
const readPath: Reader<string> = (value, path) => resolve(readText(value, path));
const readTimeout: Reader<number> = (value, path) => {
  const timeoutMs = readDuration(value, path);
  if (timeoutMs >= 100 && timeoutMs <= 600_000) return timeoutMs;
  throw new Refused('BAD_DURATION', path, `expected 100ms to 10m, not ${show(value)}`);
};
/** As long as a host may be left with a change that nobody confirmed. */
const readConfirmIn: Reader<number> = (value, path) => {
  const withinMs = readDuration(value, path);
  if (withinMs >= 1000 && withinMs <= MAX_CONFIRM_MS) return withinMs;
  throw new Refused('BAD_DURATION', path, `expected 1s to 24h, not ${show(value)}`);
};
const readExpiresIn: Reader<number> = (value, path) => readAfterMs(readDuration(value, path), path);
const readRootSubject: Reader<string> = (value) => makeSubjects(String(value)).root;
function readHostOption(given: string | undefined): string {
  if (given !== undefined) return readHost(given, '');
  return orElse(
    () => readHost(hostname(), ''),
    ({ code }) =>
      new Refused(code, '', `the host name ${show(hostname())} is no host id (${HOST_ID}); choose one with --host`),
  );
}
const readLast: Reader<number> = (value, path) =>
  integer(0, MAX_EVENTS)(/^[0-9]+$/.test(String(value)) ? Number(value) : value, path);
const readMaxRedirects: Reader<number> = (value, path) => {
  return integer(1, MAX_SLOTS)(/^[0-9]+$/.test(String(value)) ? Number(value) : value, path);
};

const readSoak: Reader<number> = (value, path) => integer(0, MAX_SOAK_MS)(readDuration(value, path), path);
const readWaves: Reader<readonly string[]> = (value, path) =>
  filledText(readText)(value, path)
    .split(',')
    .map((wave) => readWave(wave.trim(), path));

/** A shell that was given no quotes has kept what stands behind the first `<` or `>`. */
function readGateOptions(given: readonly string[]): readonly string[] {
  if (given.length === 0) return [];
  return hinted(readGates, () => (given.every((gate) => /[<>]/.test(gate) || gate === 'external') ? '' : QUOTES))(
    given,
    '',
  );
}
const QUOTES = "; write it in quotes, for a shell takes < and > for itself: --gate 'losses<=0.1%'";

const readContext: Reader<string> = pattern(
  /^[A-Za-z0-9]([A-Za-z0-9._@-]{0,61}[A-Za-z0-9])?$/,
  'the name of a context, of letters, digits and inner dots, dashes, underscores or @',
);

/** How something may be written; each command says which of them it knows, and without a word json and table. */
export const FORMATS = ['json', 'table', 'yaml', 'wide', 'name'] as const;
export type Format = (typeof FORMATS)[number];
export const PLAIN_FORMATS: readonly Format[] = ['json', 'table'];

/** Every option that there is; each command takes some. Their names are also the keys of the settings file. */
export const OPTIONS = {
  config: optional({ placeholder: 'FILE', help: 'settings file', fallback: '/etc/shunt/shunt.yaml' }, readText),
  context: {
    ...optional({ placeholder: 'NAME', help: 'which bus, of ~/.config/shunt/shunt.yaml' }, filledText(readContext)),
    asks: 'contexts',
  },
  nats: {
    placeholder: 'URL',
    help: 'NATS server',
    fallback: DEFAULT_SERVER,
    repeat: true,
    read: (given: readonly string[]) => parseServers(given.length > 0 ? given : [DEFAULT_SERVER], ''),
  },
  creds: optional({ placeholder: 'FILE', help: 'NATS credentials file' }, readPath),
  nkey: optional({ placeholder: 'FILE', help: 'file of an nkey seed' }, readPath),
  user: optional({ placeholder: 'NAME', help: 'user of the bus' }, readText),
  'password-file': optional({ placeholder: 'FILE', help: 'its password; or SHUNT_PASSWORD' }, readPath),
  'token-file': optional({ placeholder: 'FILE', help: 'token of the bus; or SHUNT_TOKEN' }, readPath),
  'tls-ca': optional({ placeholder: 'FILE', help: 'authorities that servers are to be of' }, readPath),
  'tls-cert': optional({ placeholder: 'FILE', help: 'client certificate' }, readPath),
  'tls-key': optional({ placeholder: 'FILE', help: 'key of the client certificate' }, readPath),
  password: secret('--password-file'),
  token: secret('--token-file'),
  'root-subject': single(
    { placeholder: 'SUBJECT', help: 'what every subject starts with' },
    'shunt.v1',
    readRootSubject,
  ),
  timeout: single({ placeholder: 'TIME', help: 'how long to wait for an answer' }, '5s', readTimeout),
  output: choice({ short: 'o', placeholder: 'FORMAT', help: 'json or table' }, 'table', FORMATS),
  host: {
    placeholder: 'HOST',
    help: 'host id',
    asks: 'hosts',
    fallback: 'the host name',
    read: (given: readonly string[]) => readHostOption(given.at(-1)),
  },
  state: single({ placeholder: 'DIR', help: 'state directory' }, '/var/lib/shunt/agent', readPath),
  db: single({ placeholder: 'FILE', help: 'database' }, '/var/lib/shunt/controller.db', readPath),
  'pin-root': single({ placeholder: 'DIR', help: 'folder of the pins' }, '/run/shunt/bpf', readPath),
  label: many({ placeholder: 'KEY=VALUE', help: 'label of this host, for selectors' }),
  guard: single({ placeholder: 'FILE', help: 'guard of the host' }, '/etc/shunt/guard.yaml', readPath),
  'log-level': choice({ placeholder: 'LEVEL', help: 'debug, info, warn or error' }, 'info', LOG_LEVELS),
  file: {
    ...many({ short: 'f', placeholder: 'FILE', help: 'YAML, JSON lines or a folder of them; - is stdin' }),
    argumentOnly: true,
  },
  set: {
    ...optional({ placeholder: 'NAME', help: 'set of redirects' }, filledText(readSet)),
    argumentOnly: true,
    asks: 'sets',
  },
  prune: flag('delete what is in the set and not in the files'),
  yes: { ...flag('without asking'), short: 'y' },
  selector: {
    ...optional({ short: 'l', placeholder: 'LABELS', help: 'such as role=edge,rack=12' }, readLabelText),
    argumentOnly: true,
  },
  troubled: flag('only hosts that are not well'),
  recursive: { ...flag('also folders within a folder'), short: 'R' },
  delete: {
    ...many({ placeholder: 'NAME', help: 'redirect that is to go' }),
    asks: 'redirects',
    argumentOnly: true,
    read: (given: readonly string[]) => given.map((name) => readName(name, '')),
  },
  'expires-in': {
    ...optional({ placeholder: 'TIME', help: 'end of what has no `expires`, from now on' }, readExpiresIn),
    argumentOnly: true,
  },
  out: {
    ...optional({ placeholder: 'FILE', help: 'keep the plan for shunt apply FILE' }, readPath),
    argumentOnly: true,
  },
  'exit-code': flag('end with 6 where something would change'),
  'allow-shrink': flag('also where a host loses much at once'),
  'allow-growth': flag('also where a host is given much at once'),
  reason: {
    ...optional({ placeholder: 'TEXT', help: 'why; kept with the change' }, readReason),
    argumentOnly: true,
  },
  confirm: {
    ...optional({ placeholder: 'TIME', help: 'take it back unless it is confirmed so soon' }, readConfirmIn),
    argumentOnly: true,
  },
  wait: {
    ...optional({ placeholder: 'LEVEL', help: 'until hosts are stored, applied or verified' }, readLevel),
    bare: 'verified',
    values: LEVELS,
    argumentOnly: true,
  },
  level: {
    ...choice({ placeholder: 'LEVEL', help: 'stored, applied or verified' }, 'verified', LEVELS),
    argumentOnly: true,
  },
  interface: many({ placeholder: 'IF', help: 'network interface' }),
  owner: optional(
    { placeholder: 'USER[:GROUP]', help: "the agent's user", fallback: 'as it stands, or root' },
    readText,
  ),
  mode: choice({ placeholder: 'MODE', help: 'auto, native or generic' }, 'auto', ['auto', 'native', 'generic']),
  'max-redirects': optional(
    { placeholder: 'N', help: 'most redirects', fallback: `as it stands, or ${DEFAULT_SLOTS}` },
    readMaxRedirects,
  ),
  deadline: single({ placeholder: 'TIME', help: 'time for an agent to fill new maps' }, '1m', readTimeout),
  'all-ethernet': flag('every Ethernet interface'),
  watch: { ...flag('go on, and follow what comes and goes'), short: 'w' },
  keep: flag('keep what attach --confirm would detach again'),
  'dry-run': flag('say what would be done, and change nothing'),
  'accept-hidden-tags': flag('take interfaces whose VLAN tags are hidden'),
  'accept-private-pins': flag('take pins that may go with these mounts'),
  last: single({ placeholder: 'N', help: 'how many events of the past' }, '100', readLast),
  follow: flag('go on with what happens from now on'),
  all: flag('every host'),
  force: flag('also one that was heard just now'),
  'by-host': flag('a row for each redirect and host'),
  sort: {
    ...choice({ placeholder: 'ORDER', help: 'packets, bytes, passed or name' }, 'packets', TOP_ORDERS),
    argumentOnly: true,
  },
  filter: {
    ...optional({ placeholder: 'TEXT', help: 'only what has this in its name' }, readFilter),
    argumentOnly: true,
  },
  once: flag('show it once, also on a terminal'),
  waves: {
    ...optional({ placeholder: 'LIST', help: 'how far each goes', fallback: '1,10%,50%,100%' }, readWaves),
    argumentOnly: true,
  },
  soak: {
    ...optional({ placeholder: 'TIME', help: 'how long gates are to pass in a wave', fallback: '5m' }, readSoak),
    argumentOnly: true,
  },
  gate: {
    ...many({ placeholder: 'GATE', help: "such as 'losses<=0.1%'; in quotes, for the shell" }),
    argumentOnly: true,
    read: readGateOptions,
  },
  spread: {
    ...optional({ placeholder: 'LABEL', help: 'spread each wave over its values, such as rack' }, readLabelKey),
    argumentOnly: true,
  },
  'max-unreachable': {
    ...optional({ placeholder: 'N', help: 'silent hosts, as 3 or 5%', fallback: '2%, wave 1: 0' }, readSome),
    argumentOnly: true,
  },
  'on-fail': {
    ...optional({ placeholder: 'DO', help: 'rollback or pause', fallback: 'rollback' }, oneOf(...ON_FAIL)),
    values: ON_FAIL,
    argumentOnly: true,
  },
  now: flag('one wave, and no soak; needs --reason'),
  again: flag('also what was rolled back just now'),
  'accept-collateral': flag('also where what is not named is touched'),
  'no-traffic-ok': flag('without packets that meet it'),
  'skip-gate': flag('though a gate does not pass; needs --reason'),
  active: flag('only those that have not ended'),
} satisfies Record<string, Option<unknown>>;

export type OptionName = keyof typeof OPTIONS;
export type Options<K extends OptionName> = { readonly [N in K]: ReturnType<(typeof OPTIONS)[N]['read']> };

export const OPTION_NAMES = Object.freeze(Object.keys(OPTIONS)) as readonly OptionName[];

/** Who goes to the bus, and whom it believes there. */
export const ACCESS_OPTIONS = [
  'creds',
  'nkey',
  'user',
  'password-file',
  'token-file',
  'tls-ca',
  'tls-cert',
  'tls-key',
  'password',
  'token',
] as const satisfies readonly OptionName[];

/** Which bus, as whom, how long, and how to say what came of it. */
export const CONNECTION_OPTIONS = [
  'nats',
  ...ACCESS_OPTIONS,
  'root-subject',
  'timeout',
  'output',
] as const satisfies readonly OptionName[];

/** The options of every command that asks over the bus for somebody, who may have names for buses. */
export const BUS_OPTIONS = ['context', ...CONNECTION_OPTIONS] as const satisfies readonly OptionName[];

/** What a context may say. */
export const CONTEXT_OPTIONS = [
  'nats',
  ...ACCESS_OPTIONS,
  'root-subject',
  'timeout',
] as const satisfies readonly OptionName[];

/** On which terms redirects are changed. */
export const TERM_OPTIONS = ['allow-shrink', 'allow-growth', 'reason'] as const satisfies readonly OptionName[];

/** An option as a command has it that knows these formats. */
export function optionOf(name: OptionName, formats: readonly Format[] = PLAIN_FORMATS): Option<unknown> {
  const option: Option<unknown> = OPTIONS[name];
  if (name !== 'output') return option;
  const read = (given: readonly string[]): Format => oneOf(...formats)(given.at(-1) ?? 'table', '');
  const help = `${formats.slice(0, -1).join(', ')} or ${formats.at(-1)}`;
  return { ...option, values: formats, help, read };
}

/** Those that may stand on the command line. */
export function argumentsOf<T extends OptionName>(names: readonly T[]): T[] {
  return names.filter((name) => (OPTIONS[name] as Option<unknown>).environmentOnly !== true);
}

/** What is said to who writes it on the command line is where else to put it. */
function secret(file: string) {
  const description = { placeholder: '', help: file, environmentOnly: true as const };
  return { ...description, read: (given: readonly string[]): string | undefined => given.at(-1) };
}

function flag(help: string) {
  const read = (given: readonly string[]): boolean => given.length > 0;
  return { placeholder: '', help, flag: true as const, argumentOnly: true as const, read };
}

/** An option with a few words to choose from. */
function choice<const T extends string>(description: Description, fallback: T, values: readonly T[]) {
  return { ...single(description, fallback, oneOf(...values)), values };
}

type Description = Pick<Option<unknown>, 'short' | 'placeholder' | 'help' | 'fallback'>;

function single<T>(description: Description, fallback: string, reader: Reader<T>) {
  return { ...description, fallback, read: (given: readonly string[]): T => reader(given.at(-1) ?? fallback, '') };
}

function optional<T>(description: Description, reader: Reader<T>) {
  const read = (given: readonly string[]): T | undefined => (given.length === 0 ? undefined : reader(given.at(-1), ''));
  return { ...description, read };
}

function many(description: Description) {
  return { ...description, repeat: true as const, read: (given: readonly string[]): readonly string[] => given };
}
