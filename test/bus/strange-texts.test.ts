import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { connect } from 'nats';
import { startNats } from '../support/nats.ts';
import { KeptTerminal, shunt } from '../unit/cli/session.ts';

/** Clears a screen twice, ends a line in four ways, rings, and turns what follows round. */
const STRANGE = ' \u001b[2J\u009b2J\r\n\u0085\u2028\u2029\u0007\u007f\u202e\u2066x';
/** All that is not for reading; a line break is ours. */
const CONTROL = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

const ESCAPE = '\u001b';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** The same value with each of its texts made strange, one at a time. */
function* strangeOnes(value: Json): Generator<Json> {
  if (typeof value === 'string') yield value + STRANGE;
  if (Array.isArray(value))
    for (const [at, one] of value.entries()) for (const strange of strangeOnes(one)) yield value.with(at, strange);
  else if (typeof value === 'object' && value !== null)
    for (const [name, one] of Object.entries(value))
      for (const strange of strangeOnes(one)) yield { ...value, [name]: strange };
}

function fixture(name: string): Json {
  return JSON.parse(readFileSync(new URL(`../../protocol/fixtures/${name}.json`, import.meta.url), 'utf8'));
}

const HOST = ['--host', 'edge-7'];
const ASKED: readonly (readonly [subject: string, reply: string, words: readonly string[]])[] = [
  ['api.get', 'get-reply', ['get']],
  ['api.get', 'api-error', ['get']],
  ['api.get', 'get-reply', ['explain', 'drain-web-2']],
  ['api.hosts', 'hosts-reply', ['hosts']],
  ['api.delete', 'delete-reply', ['delete', 'drain-web-2']],
  ['api.get', 'get-reply', ['get', '-o', 'wide']],
  ['api.get', 'get-reply', ['get', '-o', 'yaml']],
  ['api.get', 'get-reply', ['get', '-o', 'name']],
  ['api.names', 'names-reply', ['delete', '--set', 'web']],
  ['api.names', 'names-reply', ['__complete', 'redirects', '', 'get']],
  ['api.names', 'names-reply', ['__complete', 'sets', '', 'get']],
  ['api.change', 'change-reply', ['wait', '0b8e8b6a', '--timeout', '100ms']],
  ['api.history', 'history-reply', ['history', 'drain-web-2', '--last', '2']],
  ['api.forget', 'forget-reply', ['hosts', 'forget', 'edge-9']],
  ['api.recover', 'recover-reply', ['controller', 'recover']],
  ['ask.edge-7.status', 'status', ['status', ...HOST]],
  ['ask.edge-7.status', 'ask-error', ['status', ...HOST]],
  ['ask.edge-7.dump', 'dump', ['dump', ...HOST]],
  ['ask.edge-7.stats', 'stats', ['stats', ...HOST]],
  ['ask.edge-7.explain', 'explain-reply', ['explain', ...HOST, 'drain-web-2']],
  ['ask.edge-7.events', 'events-reply', ['events', ...HOST, '--last', '5']],
];

/** That what a command said holds no more than lines, and colours. */
function requirePlain(t: ExecutionContext, text: string, what: string): void {
  const found = CONTROL.exec(text.replaceAll(new RegExp(`${ESCAPE}\\[(0|1|3[1-3])m`, 'g'), ''));
  t.is(found, null, `${what}: ${JSON.stringify(text)}`);
}

for (const [subject, name, words] of ASKED) {
  test(`strange texts: ${words.join(' ')} gives the terminal no command that ${subject} said in ${name}`, async (t) => {
    await using server = await startNats();
    const peer = await connect({ servers: server.url, reconnect: false });
    t.teardown(() => peer.close());
    let reply: Json = null;
    const answer = {
      callback: (_: unknown, message: { respond(data: Uint8Array): void }) =>
        message.respond(Buffer.from(JSON.stringify(reply))),
    };
    peer.subscribe(`shunt.v1.${subject}`, answer);
    await peer.flush();
    const replies = [...strangeOnes(fixture(name))];
    for (reply of replies) {
      for (const more of [[], ['-o', 'json']]) {
        const said = [...words, ...more, '--nats', server.url];
        const { stdout, stderr } = await shunt(said, { terminal: new KeptTerminal(80, more.length === 0) });
        requirePlain(t, stdout + stderr, `${said.join(' ')} of ${JSON.stringify(reply)}`);
        const lines = more.length === 0 ? [] : stdout.split('\n').filter((line) => line !== '');
        for (const line of lines) t.notThrows(() => JSON.parse(line));
      }
    }
    t.true(replies.length > 0);
  });
}
