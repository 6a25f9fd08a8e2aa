import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { DEFAULT_SLOTS, MAX_SLOTS } from '../../agent/model/limits.ts';
import { parseServers } from '../../bus/servers.ts';
import { LOG_LEVELS } from '../../daemon/log-level.ts';
import { LEVELS, readLevel } from '../../protocol/change-state.ts';
import { filledText, readLabelText } from '../../protocol/filled.ts';
import { readHost } from '../../protocol/host.ts';
import { readAfter, readName } from '../../protocol/intent.ts';
import { integer, oneOf, pattern, type Reader, show } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';
import { readSet } from '../../protocol/sets.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { MAX_CONFIRM_MS, readReason } from '../../protocol/terms.ts';
import { durationWithin } from '../../protocol/times.ts';
import { readFilter, TOP_ORDERS } from '../../protocol/top.ts';
import { choice, flag, many, type Option, optional, secret, single } from './option.ts';
import { orElse } from './refusal.ts';
import { ROLLOUT_ONLY } from './rollout-options.ts';

const HOST_ID = 'a-z, 0-9 and inner dashes, at most 63 long';
/** What an agent's flight recorder keeps at most. */
const MAX_EVENTS = 65_536;
const DEFAULT_SERVER = 'nats://127.0.0.1:4222';

const readText: Reader<string> = (value) => {
  if (value !== '') return String(value);
  throw new Refused('BAD_FIELD', '', 'expected a text that is not empty');
};
const readPath: Reader<string> = (value, path) => resolve(readText(value, path));
const readTimeout = durationWithin(100, 600_000, '100ms to 10m');
/** As long as a host may be left with a change that nobody confirmed. */
const readConfirmIn = durationWithin(1000, MAX_CONFIRM_MS, '1s to 24h');
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
/** A table in front of the redirect maps. */
const TABLES = ['on', 'off'] as const;
const readMaxRedirects: Reader<number> = (value, path) => {
  return integer(1, MAX_SLOTS)(/^[0-9]+$/.test(String(value)) ? Number(value) : value, path);
};

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
    ...optional({ placeholder: 'TIME', help: 'end of what has no `expires`, from now on' }, readAfter),
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
  table: {
    ...optional(
      { placeholder: 'WHICH', help: 'on or off: a table', fallback: 'as it stands, or on' },
      oneOf(...TABLES),
    ),
    values: TABLES,
  },
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
  ...ROLLOUT_ONLY,
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
