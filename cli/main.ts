#!/usr/bin/env node
import { run } from './run.ts';
import { processTerminal } from './terminal.ts';

const { argv, env, stdin } = process;
process.exitCode = await run(argv.slice(2), { env, stdin, terminal: processTerminal(process) });
