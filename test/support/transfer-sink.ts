/**
 * Takes whole TCP transfers: `node transfer-sink.ts NAME PORT ADDRESS...`. Reads each connection to its end, and answers
 * its own name and the number of bytes that came.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';

const [name = '', port = '', ...addresses] = process.argv.slice(2);
for (const address of addresses) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on('error', () => {}); // The sender has it too.
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('end', () => socket.end(`${name} ${bytes}`));
  });
  server.listen(Number(port), address);
  await once(server, 'listening');
}
console.log('ready');
