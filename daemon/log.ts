import { fstatSync } from 'node:fs';
import { type DestinationStream, destination, pino, stdSerializers, stdTimeFunctions } from 'pino';
import { visible } from '../protocol/plain.ts';
import type { LogLevel } from './log-level.ts';
import { textLine } from './log-line.ts';

/** Where facts go that people read later; a message is constant, facts are fields. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** The log of a whole program; each component has a child that bears its name. */
export interface RootLog extends Log {
  child(bindings: Readonly<Record<string, string>>): Log;
}

/** Who reads the log: people at a terminal, the journal of systemd, or whatever takes JSON lines. */
export type LogReader = 'terminal' | 'journal' | 'other';

/** Whoever reads the lines may do so at a terminal, and JSON leaves C1 and what turns a line round as it is. */
const LINE_END = /\n$/y;

/** sd-daemon(3): the priorities of syslog, by pino's numbers. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/**
 * Makes the program's log on stderr, written without blocking and flushed when the process ends: a line of text each for
 * people at a terminal, else JSON lines, for the journal behind their priority. Times are ISO 8601, in UTC.
 */
export function makeLog(
  level: LogLevel,
  bindings: Readonly<Record<string, string>> = {},
  reader = readerOfStderr(),
  stream: DestinationStream = destination({ fd: 2, sync: false }),
): RootLog {
  return pino(
    {
      level,
      base: bindings,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    { write: (line: string) => stream.write(toldTo(reader, visible(line, LINE_END))) },
  );
}

/** For lines that are what a program was asked for. */
export function toStdout(): DestinationStream {
  return destination({ fd: 1, sync: false });
}

/** systemd.exec(5), JOURNAL_STREAM: only where it names our very stderr is that the journal; children inherit the variable. */
export function readerOfStderr(env: NodeJS.ProcessEnv = process.env): LogReader {
  if (process.stderr.isTTY) return 'terminal';
  const { dev, ino } = fstatSync(2);
  return env.JOURNAL_STREAM === `${dev}:${ino}` ? 'journal' : 'other';
}

function toldTo(reader: LogReader, line: string): string {
  if (reader === 'other') return line;
  const facts = JSON.parse(line) as { readonly level: LogLevel; readonly time: string; readonly msg: string };
  return reader === 'terminal' ? textLine(facts) : `<${PRIORITIES[facts.level]}>${line}`;
}
