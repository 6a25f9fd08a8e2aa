import { destination, pino, stdSerializers } from 'pino';
import type { LogLevel } from './log-level.ts';

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

/** Makes the program's log: JSON lines on stderr, written without blocking and flushed when the process ends. */
export function makeLog(level: LogLevel, bindings: Readonly<Record<string, string>> = {}): RootLog {
  return pino(
    {
      level,
      base: bindings,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    destination({ fd: 2, sync: false }),
  );
}
