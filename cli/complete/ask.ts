import { MAX_LIMIT } from '../../protocol/ask.ts';
import { parseHostsReply } from '../../protocol/listings.ts';
import { encodeNamesRequest, parseNamesReply } from '../../protocol/names.ts';
import { encodeRolloutListRequest, parseRolloutListReply } from '../../protocol/rollout-list.ts';
import type { Bus } from '../client.ts';
import { type Commands, command, type Environment } from '../line/command.ts';
import { readArguments, readOptions, tokensOf } from '../line/command-line.ts';
import { readContexts } from '../line/contexts.ts';
import { ASKED, type Asked } from '../line/option.ts';
import { BUS_OPTIONS, OPTION_NAMES, type Options } from '../line/options.ts';
import { findCalled } from '../line/verbs.ts';
import { knownHosts } from '../near-host.ts';
import { shortChange } from '../show/change-state.ts';

/** Whoever presses a key waits no longer. */
const LIMIT_MS = 1000;

/** What a shell asks: of what, how it begins, and the words of the line before it. */
export interface Question {
  readonly kind: string;
  readonly prefix: string;
  readonly line: readonly string[];
}

/** What may stand there, for a shell to offer. Where nobody tells in time, that is nothing, and no error: one is in the middle of a line. */
export async function candidates(question: Question, env: Environment, commands: Commands): Promise<readonly string[]> {
  const late = AbortSignal.timeout(LIMIT_MS);
  const none = new Promise<readonly string[]>((resolve) => late.addEventListener('abort', () => resolve([])));
  const found = find(question, env, commands).catch(() => []);
  const { prefix } = question;
  return (await Promise.race([found, none])).filter((one) => one.startsWith(prefix));
}

async function find(
  { kind, prefix, line }: Question,
  env: Environment,
  commands: Commands,
): Promise<readonly string[]> {
  const asked = ASKED.find((one) => one === kind);
  if (asked === undefined) return [];
  if (asked === 'contexts') return (await readContexts(env)).contexts.map(({ name }) => name);
  const words = joined(line);
  const { words: given, entry } = await findCalled(words, commands);
  const operands = tokensOf(given, OPTION_NAMES).flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const { rest } = (asked === 'rollouts' && operands.length > 0 && (await entry?.load())?.operands) || {};
  if (Array.isArray(rest)) return rest;
  const { Bus: Client } = await import('../client.ts');
  await using bus = await Client.open(await optionsOf(given, env));
  return (await ask(typeof rest === 'string' ? rest : asked, prefix, bus)).filter((name) => !operands.includes(name));
}

type Remote = Exclude<Asked, 'contexts'>;

async function ask(kind: Remote, prefix: string, bus: Bus): Promise<readonly string[]> {
  if (kind === 'rollouts') return knownRollouts(bus);
  if (kind === 'hosts') return knownHosts((request) => bus.api('hosts', request, parseHostsReply));
  const which = kind === 'sets' ? { sets: true as const } : prefix === '' ? {} : { prefix };
  const request = encodeNamesRequest({ v: 1, ...which, limit: MAX_LIMIT });
  return (await bus.api('names', request, parseNamesReply)).items.map(({ name }) => name);
}

async function knownRollouts(bus: Bus): Promise<readonly string[]> {
  const request = encodeRolloutListRequest({ v: 1 });
  return (await bus.api('rollout-list', request, parseRolloutListReply)).items.map(({ id }) => shortChange(id));
}

const ASKING = command({ synopsis: '', about: '', examples: [], options: BUS_OPTIONS, run: async () => 0 });

/** The options of the line that say which bus; all else of it may be wrong, or not there yet. */
async function optionsOf(words: readonly string[], env: Environment): Promise<Options<(typeof BUS_OPTIONS)[number]>> {
  const known = ['config', ...BUS_OPTIONS];
  const chosen = tokensOf(words, OPTION_NAMES).flatMap((token) =>
    token.kind === 'option' && known.includes(token.name) && token.value !== undefined
      ? [`--${token.name}=${token.value}`]
      : [],
  );
  const given = readArguments('', ASKING, [...chosen, `--timeout=${LIMIT_MS}ms`]);
  return (await readOptions(ASKING, given, env)) as Options<(typeof BUS_OPTIONS)[number]>;
}

/** Bash breaks words at colons and equals signs, and hands these over as words. */
function joined(line: readonly string[]): readonly string[] {
  const words: string[] = [];
  let glue = false;
  for (const word of line) {
    const joins = word === ':' || word === '=';
    if ((joins || glue) && words.length > 0) words.push(`${words.pop()}${word}`);
    else words.push(word);
    glue = joins;
  }
  return words;
}
