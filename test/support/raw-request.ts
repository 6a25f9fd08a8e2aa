/** Sends one request as it is, and prints the answer: `node raw-request.ts URL SUBJECT JSON`. For what no command asks. */
import { connect } from 'nats';

const TIMEOUT_MS = 60_000;

if (import.meta.main) {
  const [url = '', subject = '', text = ''] = process.argv.slice(2);
  const nats = await connect({ servers: url });
  const { data } = await nats.request(subject, new TextEncoder().encode(text), { timeout: TIMEOUT_MS });
  console.log(new TextDecoder().decode(data));
  await nats.close();
}
