#!/usr/bin/env node
import './compiled.js';
import { isTooOld } from './node-version.js';

/** What still holds the process then is a courtesy that nobody takes, such as a socket to a server that hangs. */
const LEAVE_MS = 300;

if (!isTooOld()) {
  const { run } = await import('./run.ts');
  const { processTerminal } = await import('./show/terminal.ts');
  const { argv, env, stdin } = process;
  process.exitCode = await run(argv.slice(2), { env, stdin, terminal: processTerminal(process) });
  setTimeout(() => process.exit(), LEAVE_MS).unref();
}
