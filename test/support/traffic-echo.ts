/**
 * Answers numbered datagrams with the number and its own name: `node traffic-echo.ts NAME PORT ADDRESS...`. A line on
 * standard input asks for what the sockets counted so far; the answer is a `Counted` as JSON.
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import type { Counted } from './traffic.ts';

const RECEIVE_BUFFER_BYTES = 1 << 22;
const [name = '', port = '', ...addresses] = process.argv.slice(2);
let datagrams = 0;
let bytes = 0;
const seen = new Map<string, Set<string>>();

for (const address of addresses) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {}); // An answer that cannot be sent is missing at the asker, who counts it.
  socket.on('message', (message, from) => {
    const number = message.toString('latin1', 0, message.indexOf(32));
    const source = `${from.address} ${from.port}`;
    datagrams++;
    bytes += message.length;
    const numbers = seen.get(source) ?? new Set();
    seen.set(source, numbers.add(number));
    socket.send(`${number} ${name}`, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(Number(port), address, resolve));
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
}

createInterface(process.stdin).on('line', () => {
  const distinct = [...seen.values()].reduce((sum, numbers) => sum + numbers.size, 0);
  console.log(JSON.stringify({ datagrams, bytes, distinct } satisfies Counted));
});
console.log('ready');
