#!/usr/bin/env node
/** The oldest Node.js that runs Shunt, as package.json says. */
const NODE = 24;
/** What still holds the process then is a courtesy that nobody takes, such as a socket to a server that hangs. */
const LEAVE_MS = 300;

const { argv, env, stdin, versions, execPath } = process;

// An older one can read this file, and not every other: what it cannot read is asked for only here below.
if (Number.parseInt(versions.node, 10) < NODE) {
  const found = `${execPath} is Node.js ${versions.node}`;
  process.stderr.write(`shunt: ${found}, and Shunt needs ${NODE} or newer; install one, or put it first in PATH\n`);
  process.exitCode = 1;
} else {
  const { run } = await import('./run.ts');
  const { processTerminal } = await import('./show/terminal.ts');
  process.exitCode = await run(argv.slice(2), { env, stdin, terminal: processTerminal(process) });
  setTimeout(() => process.exit(), LEAVE_MS).unref();
}
