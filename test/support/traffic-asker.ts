/**
 * Asks "who answers?" with numbered datagrams: `node traffic-asker.ts PORT ADDRESS...`, each in turn. A line on
 * standard input is a `Request` as JSON; answers and changes of who answers are `Said` lines. Times are of the system's
 * monotonic clock.
 */
import { createSocket, type Socket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type Asked, nowMs, PAYLOAD_BYTES, type Request, type Said } from './traffic.ts';

const RECEIVE_BUFFER_BYTES = 1 << 22;
/** An answer that takes longer counts as lost. */
const LOST_AFTER_MS = 1000;
/** What a timer that came late may catch up with at once: a fraction of a receive buffer. */
const CATCH_UP = 50;

const [port = '', ...addresses] = process.argv.slice(2);
const sentAtMs: number[] = [];
const answered: boolean[] = [];
const answers: Record<string, number> = {};
let last = '';
let repeats = 0;
let waiting = 0;
let wake = () => {};
let steady: NodeJS.Timeout | undefined;

const sockets = await Promise.all(addresses.map(connect));

async function connect(address: string): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {}); // A refused datagram is an unanswered one.
  socket.on('message', hear);
  await new Promise<void>((resolve) => socket.connect(Number(port), address, resolve));
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  return socket;
}

function hear(message: Buffer): void {
  const [number = '', who = ''] = message.toString('latin1').split(' ');
  const seq = Number(number);
  if (answered[seq]) {
    repeats++;
    return;
  }
  answered[seq] = true;
  answers[who] = (answers[who] ?? 0) + 1;
  waiting--;
  wake();
  if (who !== last) say({ changed: { from: last, to: who, seq, sentAtMs: sentAtMs[seq] ?? 0, atMs: nowMs() } });
  last = who;
}

function say(said: Said): void {
  console.log(JSON.stringify(said));
}

function send(): void {
  const seq = sentAtMs.push(nowMs()) - 1;
  answered.push(false);
  waiting++;
  // Sizes vary, so that a count of bytes proves more than a count of packets.
  const size = PAYLOAD_BYTES.min + (seq % (PAYLOAD_BYTES.max - PAYLOAD_BYTES.min + 1));
  sockets[seq % sockets.length]?.send(`${seq} `.padEnd(size, '.'));
}

function unanswered(olderThanMs: number): number {
  const before = nowMs() - olderThanMs;
  return sentAtMs.reduce((sum, at, seq) => (answered[seq] || at > before ? sum : sum + 1), 0);
}

function asked(): Asked {
  return { sent: sentAtMs.length, answers, lost: unanswered(LOST_AFTER_MS), repeats, last };
}

function keepSending(rate: number): void {
  clearInterval(steady);
  const start = nowMs();
  let done = 0;
  steady = setInterval(() => {
    const due = Math.floor(((nowMs() - start) * rate) / 1000);
    for (let i = 0; done < due; done++, i++) if (i < CATCH_UP) send();
  }, 1);
}

/** Sends `count`, never more than `window` ahead of the answers: no queue on the way can overflow. */
async function burst(count: number, window: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    if (waiting >= window) await room();
    send();
  }
}

/** Waits for an answer, or until the oldest questions count as lost. */
async function room(): Promise<void> {
  const answer = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const giveUp = new AbortController();
  const timedOut = delay(LOST_AFTER_MS, true, giveUp).catch(() => false);
  if (await Promise.race([answer, timedOut])) waiting = unanswered(0) - unanswered(LOST_AFTER_MS);
  giveUp.abort();
}

/** Waits until every question has its answer, or counts as lost. */
async function settle(): Promise<void> {
  clearInterval(steady);
  while (unanswered(0) > unanswered(LOST_AFTER_MS)) await delay(5);
}

async function obey({ id, command }: Request): Promise<void> {
  if (command.do === 'steady') keepSending(command.rate);
  if (command.do === 'burst') await burst(command.count, command.window);
  if (command.do === 'burst' || command.do === 'stop') await settle();
  say({ id, asked: asked() });
}

let queue = Promise.resolve();
createInterface(process.stdin).on('line', (line) => {
  queue = queue.then(() => obey(JSON.parse(line) as Request));
});
