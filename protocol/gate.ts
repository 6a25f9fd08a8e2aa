import type { AnyCode } from './codes.ts';
import { filledList } from './filled.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { didYouMean, nearest } from './near.ts';
import { nullable, object, oneOf, optional, prose, type Reader, readCode, readCount, show } from './read.ts';
import { Refused } from './refused.ts';

/**
 * What a rollout asks of the hosts that it has reached before it goes on. Shares are in percent: `losses` of what was redirected,
 * `drops` of what the program saw. `external` is answered from outside, for one wave.
 */
export type Gate =
  | { readonly kind: 'verified'; readonly atLeastPercent: number }
  | { readonly kind: 'exceptions'; readonly atMost: number }
  | { readonly kind: 'hits'; readonly atLeast: number }
  | { readonly kind: 'losses' | 'drops'; readonly atMostPercent: number }
  | { readonly kind: 'external' };

/** Nothing but PASS lets a rollout go on. */
export type Verdict = 'PASS' | 'FAIL' | 'INCONCLUSIVE';

/** Of so many so many; of nothing where it is no share. */
export interface Share {
  readonly count: number;
  readonly of?: number;
}

/** What a gate says now, in numbers of the hosts that were reached against those that were not. */
export interface GateVerdict {
  /** As `formatGate` writes it. */
  readonly gate: string;
  readonly verdict: Verdict;
  /** Why it did not pass, in one word. */
  readonly code?: AnyCode;
  /** In words, and what it waits for. */
  readonly why: string;
  /** The host that decided it, and the redirect. */
  readonly host?: string;
  readonly name?: string;
  /** Null where nothing is known. */
  readonly wave: Share | null;
  readonly control: Share | null;
}

const SHAPES = {
  verified: 'verified>=100%',
  exceptions: 'exceptions<=0',
  hits: 'hits>=100',
  losses: 'losses<=0.1%',
  drops: 'drops<=0.1%',
  external: 'external',
} as const;
type Kind = keyof typeof SHAPES;

/** The most gates of one rollout: one of a kind. */
export const MAX_GATES = Object.keys(SHAPES).length;

/** Reads a gate as people write it. Errors: Refused. */
export function parseGate(text: string, path = 'gate'): Gate {
  const [, word = '', relation = '', number = '', percent = ''] =
    /^([a-z]+)(?:\s*([<>]?=|[<>])\s*([0-9.]+)(%?))?$/.exec(text.trim()) ?? [];
  if (!isKind(word)) throw new Refused('BAD_FIELD', path, strange(text, word));
  const shape = SHAPES[word];
  const [, wanted = ''] = /([<>]=)/.exec(shape) ?? [];
  const isShare = shape.endsWith('%');
  if (relation !== wanted || (percent === '%') !== isShare)
    throw new Refused('BAD_FIELD', path, `expected such as ${shape}, not ${show(text)}`);
  return makeGate(word, number, path);
}

function makeGate(kind: Kind, number: string, path: string): Gate {
  switch (kind) {
    case 'external':
      return Object.freeze({ kind });
    case 'verified':
      return Object.freeze({ kind, atLeastPercent: percentOf(number, path) });
    case 'losses':
    case 'drops':
      return Object.freeze({ kind, atMostPercent: percentOf(number, path) });
    case 'exceptions':
      return Object.freeze({ kind, atMost: countOf(number, path) });
    case 'hits':
      return Object.freeze({ kind, atLeast: countOf(number, path) });
  }
}

/** Shares below that would want more packets than anybody waits for. */
const MIN_PERCENT = 0.000_1;

function percentOf(number: string, path: string): number {
  if (/^[0-9]{1,3}(\.[0-9]{1,4})?$/.test(number)) {
    const percent = Number(number);
    if (percent >= MIN_PERCENT && percent <= 100) return percent;
  }
  throw new Refused('BAD_FIELD', path, `expected ${MIN_PERCENT} to 100 percent, not ${show(number)}`);
}

function countOf(number: string, path: string): number {
  if (/^[0-9]{1,15}$/.test(number)) return Number(number);
  throw new Refused('BAD_FIELD', path, `expected a whole number of at most 15 digits, not ${show(number)}`);
}

function isKind(word: string): word is Kind {
  return Object.hasOwn(SHAPES, word);
}

function strange(text: string, word: string): string {
  const meant = nearest(word || (/^[a-z]*/i.exec(text)?.[0] ?? ''), Object.keys(SHAPES));
  const hint = meant === undefined ? '' : `; ${didYouMean(meant)}`;
  return `expected ${Object.values(SHAPES).join(', ')}, not ${show(text)}${hint}`;
}

/** Writes a gate so that it reads back the same. */
export function formatGate(gate: Gate): string {
  switch (gate.kind) {
    case 'verified':
      return `verified>=${plainNumber(gate.atLeastPercent)}%`;
    case 'exceptions':
      return `exceptions<=${gate.atMost}`;
    case 'hits':
      return `hits>=${gate.atLeast}`;
    case 'losses':
    case 'drops':
      return `${gate.kind}<=${plainNumber(gate.atMostPercent)}%`;
    case 'external':
      return 'external';
  }
}

function plainNumber(value: number): string {
  return value.toFixed(4).replace(/\.?0+$/, '');
}

const readGate: Reader<string> = (value, path) => {
  if (typeof value !== 'string') throw new Refused('BAD_FIELD', path, `expected a gate, not ${show(value)}`);
  return formatGate(parseGate(value, path));
};
const readList = filledList(readGate, MAX_GATES);

/** Reads the gates that somebody asks for, in the form that `formatGate` writes: one of a kind, for two would contradict one another. */
export const readGates: Reader<readonly string[]> = (value, path) => {
  const gates = readList(value, path);
  const kinds = gates.map((gate) => parseGate(gate).kind);
  const twice = kinds.find((kind, at) => kinds.indexOf(kind) !== at);
  if (twice === undefined) return gates;
  throw new Refused('BAD_FIELD', path, `${twice} stands there twice`);
};

export const readShare = object<Share>({ count: readCount, of: optional(readCount) }, 'ignored');

/** What a controller says of a gate: a newer one may have gates that this program does not know. */
export const readGateVerdict = object<GateVerdict>(
  {
    gate: prose(64),
    verdict: oneOf('PASS', 'FAIL', 'INCONCLUSIVE'),
    code: optional(readCode),
    why: prose(512),
    host: optional(readHost),
    name: optional(readName),
    wave: nullable(readShare),
    control: nullable(readShare),
  },
  'ignored',
);
