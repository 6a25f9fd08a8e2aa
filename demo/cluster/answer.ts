/** Answers every question "NUMBER …" at ADDRESS with "NUMBER NAME": `node answer.ts NAME ADDRESS PORT`. */
import { createSocket } from 'node:dgram';

const [name = '', address = '', port = ''] = process.argv.slice(2);
const socket = createSocket('udp4');
socket.on('message', (question, from) => {
  const number = question.toString('latin1').split(' ', 1)[0];
  socket.send(`${number} ${name}`, from.port, from.address, () => {}); // An answer that is not sent is missing at the asker.
});
socket.bind(Number(port), address, () => console.log(`${name} answers at ${address} port ${port}`));
