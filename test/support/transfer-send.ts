/**
 * Makes one TCP transfer: `node transfer-send.ts ADDRESS PORT BYTES`. Prints what the far end answered, or the errno that
 * ended the connection.
 */
import { connect } from 'node:net';

const [address = '', port = '', bytes = ''] = process.argv.slice(2);
const socket = connect(Number(port), address);
let answer = '';
socket.setEncoding('utf8');
socket.on('data', (text) => {
  answer += text;
});
socket.on('error', ({ code }: NodeJS.ErrnoException) => {
  answer = code ?? 'failed';
});
socket.on('close', () => console.log(answer));
socket.end(Buffer.alloc(Number(bytes), '.'));
