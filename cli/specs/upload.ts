import { randomUUID } from 'node:crypto';
import {
  type ApiError,
  type ApplyPartReply,
  type ApplyReply,
  type ApplyRequest,
  encodeApplyRequest,
  MAX_LIST,
  parseApplyReply,
} from '../../protocol/api.ts';
import type { AnyCode } from '../../protocol/codes.ts';
import { bytesOf, listBudgetBytes } from '../../protocol/json.ts';
import type { Bus } from '../client.ts';
import { EXIT, Failure, type FileProblem } from '../line/failure.ts';
import { reasonOf } from '../line/refusal.ts';
import { workText } from '../show/format.ts';
import type { Terminal } from '../show/terminal.ts';
import type { Prepared } from './prepare.ts';

/**
 * What a controller may take longer that does not say that it works, since it is of an older release: for each redirect,
 * and for each host of it. How many hosts labels find is not known here.
 */
const SPEC_MS = 1;
const HOST_MS = 0.1;
const HOSTS_BY_LABELS = 1000;
const MOST_FOR_HOSTS_MS = 300_000;

/** What an upload is for: its verb, how a part is written, and how replies are read. */
export interface Purpose<T> {
  readonly verb: 'apply' | 'plan' | 'rollout-start';
  readonly encode: (part: ApplyRequest) => Uint8Array;
  readonly parse: (reply: Uint8Array) => T | ApplyPartReply | ApiError;
  /** What the last part has beside redirects, in bytes. */
  readonly lastBytes?: number;
  /** The files that it is from, where that is to be kept. */
  readonly files?: readonly string[];
  /** The id of the upload, where it is to be the same as that of another one. */
  readonly id?: string;
  /** What of it is there already. */
  readonly ahead?: SentAhead | undefined;
  /** What more is there to say of a refusal. */
  readonly advise?: (code: AnyCode) => string;
}

/** Parts of an upload that were sent while the rest was read: the first of the redirects are in them, and so many parts there are to be. */
export interface SentAhead {
  readonly id: string;
  readonly specs: number;
  readonly parts: number;
  readonly total: number;
}

/** An apply, and the files that it is from; its terms, and what goes besides, stand in the last part. */
export function applyOn(
  terms: Omit<ApplyRequest, 'v' | 'upload' | 'part' | 'parts' | 'specs'>,
  files: readonly string[] = [],
): Purpose<ApplyReply> {
  return {
    files,
    verb: 'apply',
    encode: (part) => encodeApplyRequest({ ...part, ...(part.part === part.parts - 1 && terms) }),
    parse: parseApplyReply,
    lastBytes: bytesOf(terms),
  };
}

/** Sends redirects in as many parts as they need; the controller takes all of them with the last part, or none. */
export async function upload<T extends object>(
  specs: readonly Prepared[],
  bus: Pick<Bus, 'api' | 'maxPayloadBytes'>,
  terminal: Pick<Terminal, 'progress'>,
  { verb, encode, parse, lastBytes = 0, files = [], advise = () => '', ahead, id = randomUUID() }: Purpose<T>,
): Promise<T> {
  const budgetBytes = listBudgetBytes(bus.maxPayloadBytes);
  const left = ahead && leftOf(specs, ahead, budgetBytes, lastBytes);
  const { chosen, ...place } = left ?? { upload: id, first: 0, chosen: split(specs, budgetBytes, lastBytes) };
  const parts = place.first + chosen.length;
  const asking = {
    refuse: (error: ApiError['error']): Failure => refusal(error, specs, advise(error.code)),
    patienceMs: patienceFor(specs),
    files,
    hear: (done: number): void => terminal.progress(workText(done, UNIT[verb])),
  };
  try {
    for (const [at, some] of chosen.entries()) {
      const part = place.first + at;
      if (parts > 1) terminal.progress(`sending part ${part + 1} of ${parts}`);
      const given = some.map(({ json }) => json);
      const request = encode({ v: 1, upload: place.upload, part, parts, specs: given });
      const reply = await bus.api(verb, request, parse, asking);
      if (!('part' in reply)) return reply as T;
    }
  } finally {
    terminal.progress('');
  }
  throw new Failure(
    EXIT.refused,
    'FAILED',
    `the controller took every part and did not answer the last as one; are both of one version? See shunt get, and ${verb} again`,
  );
}

const UNIT = { apply: 'redirects on hosts', plan: 'hosts', 'rollout-start': 'redirects on hosts' } as const;

/** Grows with the work: each redirect is laid down for each of its hosts. */
export function patienceFor(specs: readonly Pick<Prepared, 'json'>[]): number {
  const hosts = specs.reduce(
    (sum, { json }) => sum + (Array.isArray(json.hosts) ? json.hosts.length : HOSTS_BY_LABELS),
    0,
  );
  return specs.length * SPEC_MS + Math.min(MOST_FOR_HOSTS_MS, hosts * HOST_MS);
}

/** What is left to be sent, in as many parts as were said to come; undefined where it needs more, and all of it is to be sent anew. */
function leftOf(specs: readonly Prepared[], ahead: SentAhead, budgetBytes: number, lastBytes: number) {
  const rest = split(specs.slice(ahead.specs), budgetBytes, lastBytes);
  const spare = ahead.total - ahead.parts - rest.length;
  if (spare < 0) return undefined;
  const none = Array.from({ length: spare }, (): readonly Prepared[] => []);
  return { upload: ahead.id, first: ahead.parts, chosen: [...none, ...rest] };
}

/** Whether a part may not have so much. */
export function isFull(
  { bytes, specs }: { readonly bytes: number; readonly specs: number },
  budgetBytes: number,
): boolean {
  return bytes > budgetBytes || specs > MAX_LIST;
}

/** Splits into parts that each fit a message, the last with what else it has. Errors: Failure TOO_LARGE for what fits none. */
export function split(
  specs: readonly Prepared[],
  budgetBytes: number,
  lastBytes = 0,
): readonly (readonly Prepared[])[] {
  if (lastBytes > budgetBytes) {
    const message = `the names to delete take ${lastBytes} bytes, and a message on this bus holds ${budgetBytes}; name fewer at once`;
    throw new Failure(EXIT.refused, 'TOO_LARGE', message);
  }
  const parts: Prepared[][] = [[]];
  let used = 0;
  for (const spec of specs) {
    const size = bytesOf(spec.json) + 1; // and a comma
    if (size > budgetBytes) throw tooLarge(spec, size, budgetBytes);
    if (isFull({ bytes: used + size, specs: (parts.at(-1)?.length ?? 0) + 1 }, budgetBytes)) {
      parts.push([]);
      used = 0;
    }
    parts.at(-1)?.push(spec);
    used += size;
  }
  if (used + lastBytes > budgetBytes) parts.push([]);
  return parts;
}

function tooLarge({ name, locate }: Prepared, size: number, budgetBytes: number): Failure {
  const message = `${size} bytes, and a message on this bus holds ${budgetBytes}; select hosts by labels instead of a long list`;
  const problem = { ...locate(''), name, code: 'TOO_LARGE', message };
  return new Failure(EXIT.refused, 'TOO_LARGE', '1 problem; nothing was sent', { problems: [problem] });
}

/** Turns what the controller refused into problems in the operator's own files. */
function refusal(
  { code, message, problems = [] }: ApiError['error'],
  specs: readonly Prepared[],
  advice: string,
): Failure {
  const found = problems.flatMap((problem): FileProblem[] => {
    const spec = specs[problem.index];
    if (spec === undefined) return [];
    return [
      { ...spec.locate(problem.path, problem.code), name: spec.name, code: problem.code, message: reasonOf(problem) },
    ];
  });
  return new Failure(EXIT.refused, code, `the controller refused it whole: ${message}${advice}`, { problems: found });
}
