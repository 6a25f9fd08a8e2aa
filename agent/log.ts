import { destination, type Logger, pino } from 'pino';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Makes the program's log: JSON lines on stderr, written without blocking and flushed when the process ends. */
export function makeLog(level: LogLevel, bindings: Readonly<Record<string, string>> = {}): Logger {
  return pino(
    { level, base: bindings, formatters: { level: (label) => ({ level: label }) } },
    destination({ fd: 2, sync: false }),
  );
}
