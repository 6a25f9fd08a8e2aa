#!/usr/bin/env node
import { run } from './run.ts';
import { processTerminal } from './show/terminal.ts';

/** What still holds the process then is a courtesy that nobody takes, such as a socket to a server that hangs. */
const LEAVE_MS = 300;

const { argv, env, stdin } = process;
process.exitCode = await run(argv.slice(2), { env, stdin, terminal: processTerminal(process) });
setTimeout(() => process.exit(), LEAVE_MS).unref();
