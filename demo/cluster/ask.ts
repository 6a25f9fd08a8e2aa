/**
 * Asks "who answers?" and says once a second who did, how often: `node ask.ts ADDRESS PORT`. A signal to stop ends the
 * asking; the last line has the sums. Questions leave from several ports in turn, so that a router that balances flows
 * sends some of them by every path.
 */
import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';

/** With sixteen, one of three paths is left out in one run of 219. */
const SOCKETS = 64;
const EVERY_MS = 10;
/** A question older than this has no answer. */
const PATIENCE_MS = 1000;

const [address = '', port = ''] = process.argv.slice(2);
const open = new Map<number, number>();
const sums = new Map<string, number>();
let second = new Map<string, number>();
let number = 0;
let unanswered = 0;

async function connect(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('error', () => {}); // A question that cannot be sent has no answer.
  socket.on('message', (answer) => hear(answer.toString('latin1').split(' ')));
  await new Promise<void>((resolve) => socket.connect(Number(port), address, resolve));
  return socket;
}

function hear([id = '', who = '']: readonly string[]): void {
  if (!open.delete(Number(id))) return;
  second.set(who, (second.get(who) ?? 0) + 1);
  sums.set(who, (sums.get(who) ?? 0) + 1);
}

function ask(sockets: readonly Socket[]): void {
  open.set(number, performance.now());
  sockets[number % sockets.length]?.send(`${number++} who answers?`);
}

function forgetOld(): number {
  const before = performance.now() - PATIENCE_MS;
  const old = [...open].filter(([, atMs]) => atMs < before);
  for (const [id] of old) open.delete(id);
  unanswered += old.length;
  return old.length;
}

function account(title: string, counts: ReadonlyMap<string, number>, missing: number): string {
  const who = [...sums.keys()].sort().map((name) => `${name} ${counts.get(name) ?? 0}`);
  return [title, ...(who.length > 0 ? who : ['nobody answers']), `unanswered ${missing}`].join('   ');
}

function tick(): void {
  const counts = second;
  second = new Map();
  console.log(account(new Date().toISOString().slice(11, 19), counts, forgetOld()));
}

const sockets = await Promise.all(Array.from({ length: SOCKETS }, connect));
const timers = [setInterval(() => ask(sockets), EVERY_MS), setInterval(tick, 1000)];

async function stop(): Promise<void> {
  for (const timer of timers) clearInterval(timer);
  const deadline = performance.now() + PATIENCE_MS;
  while (open.size > 0 && performance.now() < deadline) await delay(EVERY_MS);
  unanswered += open.size;
  console.log(account(`asked ${number}`, sums, unanswered));
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
