import type { AnyCode } from '../../protocol/codes.ts';

/** What the process ends with; scripts branch on it. */
export const EXIT = Object.freeze({
  done: 0,
  refused: 1,
  usage: 2,
  unfinished: 3,
  unreachable: 4,
  disk: 5,
  changes: 6,
} as const);
export type Exit = (typeof EXIT)[keyof typeof EXIT];

/** Reasons that only the command line has. They never cross the bus. */
export type CliCode =
  | 'USAGE'
  | 'NO_BUS'
  | 'NO_CONTROLLER'
  | 'NO_AGENT'
  | 'TIMED_OUT'
  | 'NOT_PERMITTED'
  | 'FAILED'
  | 'NOT_VALID';

/** One thing wrong in a file that an operator wrote; line and column count from 1. */
export interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  readonly name?: string;
  readonly code: AnyCode;
  readonly path: string;
  readonly message: string;
}

/**
 * A command that could not do what it was asked: `code` for programs, `message` for people (what was tried, on what, why
 * not, what to do), `exit` for scripts.
 */
export class Failure extends Error {
  readonly exit: Exit;
  readonly code: CliCode | AnyCode;
  readonly problems: readonly FileProblem[];

  constructor(exit: Exit, code: CliCode | AnyCode, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.exit = exit;
    this.code = code;
    this.problems = details.problems ?? [];
  }
}

Failure.prototype.name = 'Failure';

interface FailureDetails {
  readonly cause?: unknown;
  readonly problems?: readonly FileProblem[];
}

/** What a controller that is away, or has too much to do, comes to: asked again, it may answer. */
const PASSING: readonly (CliCode | AnyCode)[] = ['NO_CONTROLLER', 'TIMED_OUT', 'BUSY'];

/** Whether a failure may be over when it is tried again. */
export function mayPass(error: unknown): error is Failure {
  return error instanceof Failure && PASSING.includes(error.code);
}

/** Makes the failure of a wrong command line. */
export function usage(message: string): Failure {
  return new Failure(EXIT.usage, 'USAGE', message);
}
