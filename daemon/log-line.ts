import { visible } from '../protocol/plain.ts';

const LEVEL_WIDTH = 5;

/** A line of the log as people read it: when, how grave, what, and the facts as `name=value`. */
export function textLine(line: { readonly time: string; readonly level: string; readonly msg: string }): string {
  const { time, level, msg, ...facts } = line;
  const told = Object.entries(facts).map(([name, value]) => ` ${name}=${textOf(value)}`);
  return `${time} ${level.toUpperCase().padEnd(LEVEL_WIDTH)} ${msg}${told.join('')}\n`;
}

/** Of an error what it says; its stack is for JSON lines. Nothing in a line moves the cursor of a terminal. */
function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'stack' in value && 'message' in value)
    return textOf(value.message);
  const text = typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return visible(text);
}
