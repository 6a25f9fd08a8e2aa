import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import test from 'ava';
import { nkeys } from 'nats';
import type { BusAccess } from '../../bus/access.ts';
import { Authority } from '../support/certificates.ts';
import { startNats } from '../support/nats.ts';
import { Account } from '../support/nats-jwt.ts';
import { shunt } from '../unit/cli/session.ts';
import { Folder } from '../unit/controller/fleet.ts';
import { Rig } from './rig.ts';

const SECRET = 'correct horse battery staple';
const USER = nkeys.createUser();
const SEED = new TextDecoder().decode(USER.getSeed());
const TIMEOUT = 'timeout: 60';
const CUT = 'the connection was cut';
const START = 'start nats-server there, or name another with --nats';
const IS_IT_GOOD = 'is it of an authority that the server knows, and not past its end?';

/** Each way to say who one is: what the server has, the file, its text, what agent and controller get, and a command. */
const WAYS: readonly Way[] = [
  {
    way: 'a user and the file of a password',
    server: `authorization: { ${TIMEOUT}, user: u, password: "${SECRET}" }`,
    text: `${SECRET}\n`,
    access: (passwordFile) => ({ user: 'u', passwordFile }),
    words: (file) => ['--user', 'u', '--password-file', file],
  },
  {
    way: 'a user and a password in the environment',
    server: `authorization: { ${TIMEOUT}, user: u, password: "${SECRET}" }`,
    text: SECRET,
    access: () => ({ user: 'u', password: SECRET }),
    words: () => [],
    env: { SHUNT_USER: 'u', SHUNT_PASSWORD: SECRET },
  },
  {
    way: 'the file of a token',
    server: `authorization: { ${TIMEOUT}, token: "${SECRET}" }`,
    text: `${SECRET}\r\n`,
    access: (tokenFile) => ({ tokenFile }),
    words: (file) => ['--token-file', file],
  },
  {
    way: 'a token in the environment',
    server: `authorization: { ${TIMEOUT}, token: "${SECRET}" }`,
    text: SECRET,
    access: () => ({ token: SECRET }),
    words: () => [],
    env: { SHUNT_TOKEN: SECRET },
  },
  {
    way: 'the seed of an nkey',
    server: `authorization: { ${TIMEOUT}, users: [{ nkey: ${USER.getPublicKey()} }] }`,
    text: `-----BEGIN USER NKEY SEED-----\n${SEED}\n------END USER NKEY SEED------\n${USER.getPublicKey()}\n`,
    access: (nkey) => ({ nkey }),
    words: (file) => ['--nkey', file],
  },
];

interface Way {
  readonly way: string;
  readonly server: string;
  readonly text: string;
  readonly access: (file: string) => BusAccess;
  readonly words: (file: string) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

for (const { way, server, text, access, words, env = {} } of WAYS) {
  test(`access: ${way} lets agent, controller and command in, and nothing else does`, async (t) => {
    await using rig = await Rig.open(`${server}\n`);
    const { url } = rig.server;
    rig.write(rig.creds, text);
    await rig.start(t, access(rig.creds));
    t.is((await shunt(['hosts', '--nats', url, ...words(rig.creds)], { env })).exit, 0);
    t.like(await shunt(['hosts', '--nats', url]), { exit: 1, stdout: '' });
  });
}

test('access: a password that is written anew is the one of the next connection', async (t) => {
  const only = (password: string): string => `authorization: { ${TIMEOUT}, user: u, password: ${password} }\n`;
  await using rig = await Rig.open(only('first'));
  rig.write(rig.creds, 'first');
  await rig.start(t, { user: 'u', passwordFile: rig.creds });
  await rig.server.kill();
  writeFileSync(rig.folder.file('nats.conf'), only('second'));
  await rig.server.start();
  await rig.bothSaid(t, 'REFUSED');
  rig.write(rig.creds, 'second');
  await rig.together(t, 'with the new password');
});

/** Who is told what of each file, and what it holds when nothing is wrong with it. */
const FILES: Readonly<Record<string, readonly [option: string, what: string, text: string, more: readonly string[]]>> =
  {
    'a password': ['--password-file', 'password file', 'secret', ['--user', 'u']],
    'a token': ['--token-file', 'token file', 'secret', []],
    'a seed': ['--nkey', 'nkey file', SEED, []],
    credentials: ['--creds', 'credentials file', new Account().creds(), []],
  };

for (const [name, [option, what, text, more]] of Object.entries(FILES)) {
  test(`access: ${name} that others can read, or that is not there, or is none, is refused before anything is sent`, async (t) => {
    using folder = new Folder();
    const path = folder.file('secret');
    const words = ['get', '--nats', 'nats://127.0.0.1:1', option, path, ...more];
    const says = async (reason: string): Promise<void> => {
      const stderr = `shunt get: cannot read the ${what} ${path}: ${reason}\n`;
      t.deepEqual(await shunt(words), { exit: 2, stdout: '', stderr });
    };
    await says('there is no such file');
    writeFileSync(path, text);
    for (const mode of [0o644, 0o640, 0o604, 0o660, 0o602]) {
      chmodSync(path, mode);
      const shown = mode.toString(8).padStart(4, '0');
      await says(`others can read it or write to it (mode ${shown}); chmod 600 ${path}`);
    }
    chmodSync(path, 0o400);
    t.regex((await shunt(words)).stderr, /connection refused/);
    chmodSync(path, 0o600);
    writeFileSync(path, '\n');
    t.regex((await shunt(words)).stderr, /^shunt get: cannot read the .*: it (is empty|holds no )/);
  });
}

test('access: no secret is taken from the command line, and none is said again', async (t) => {
  for (const name of ['password', 'token']) {
    for (const words of [[`--${name}`, SECRET], [`--${name}=${SECRET}`]]) {
      const { exit, stderr } = await shunt(['get', '--user', 'u', ...words]);
      t.is(exit, 2);
      t.is(stderr.includes(SECRET), false);
      t.regex(stderr, new RegExp(`set SHUNT_${name.toUpperCase()}, or .* --${name}-file`));
    }
  }
});

const CONTRADICTIONS: readonly (readonly [words: readonly string[], env: Record<string, string>, says: string])[] = [
  [['--creds', 'a', '--nkey', 'b'], {}, '--creds and --nkey: each says who this is; give one of them'],
  [['--user', 'u', '--token-file', 'b'], {}, '--user and --token-file: each says who this is; give one of them'],
  [['--nkey', 'b'], { SHUNT_TOKEN: 'c' }, '--nkey and SHUNT_TOKEN: each says who this is; give one of them'],
  [['--user', 'u'], {}, '--user needs --password-file too, or SHUNT_PASSWORD'],
  [['--password-file', 'a'], {}, '--password-file needs --user too'],
  [[], { SHUNT_PASSWORD: 'a' }, 'SHUNT_PASSWORD needs --user too'],
  [
    ['--user', 'u', '--password-file', 'a'],
    { SHUNT_PASSWORD: 'a' },
    '--password-file and SHUNT_PASSWORD: each is a password; give one of them',
  ],
  [['--tls-cert', 'a'], {}, '--tls-cert needs --tls-key too'],
  [['--tls-key', 'a'], {}, '--tls-key needs --tls-cert too'],
];

for (const [words, env, says] of CONTRADICTIONS) {
  test(`access: ${says}`, async (t) => {
    for (const command of ['get', 'agent', 'controller']) {
      const stderr = `shunt ${command}: ${says}\n`;
      const host = command === 'agent' ? ['--host', 'b'] : [];
      t.deepEqual(await shunt([command, ...host, ...words], { env }), { exit: 2, stdout: '', stderr });
    }
  });
}

/** A folder with an authority, and one that nobody knows. */
class Papers implements Disposable {
  readonly folder = new Folder();
  readonly authority = new Authority(this.folder.path, 'authority');
  readonly stranger = new Authority(this.folder.path, 'stranger');

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

function tlsConfig({ cert, key }: { cert: string; key: string }, more = ''): string {
  return `tls: { cert_file: "${cert}", key_file: "${key}", timeout: 60, ${more} }\n`;
}

test('tls: agent, controller and command go by an own authority and a client certificate', async (t) => {
  using papers = new Papers();
  const { authority } = papers;
  const server = authority.issue('server', ['127.0.0.1']);
  const client = authority.issue('client', ['client']);
  await using rig = await Rig.open(tlsConfig(server, `verify: true, ca_file: "${authority.file}"`));
  await rig.start(t, { tlsCa: authority.file, tlsCert: client.cert, tlsKey: client.key });
  const words = ['--tls-ca', authority.file, '--tls-cert', client.cert, '--tls-key', client.key];
  t.like(await shunt(['hosts', '--nats', rig.server.url, ...words]), { exit: 0, stderr: '' });
});

test('tls: what is wrong is said in words, each with what to do', async (t) => {
  using papers = new Papers();
  const { authority, stranger } = papers;
  const ca = ['--tls-ca', authority.file];
  const client = stranger.issue('client', ['client']);
  const [good, ended] = [authority.issue('good', ['127.0.0.1']), authority.issue('ended', ['127.0.0.1'], -1000)];
  const other = authority.issue('other', ['bus.example', '127.0.0.2']);
  const local = authority.issue('local', ['localhost']);
  const verify = `verify: true, ca_file: "${authority.file}"`;
  const saidOf = async (config: string, words: readonly string[], scheme = 'nats'): Promise<string> => {
    const file = papers.folder.file('nats.conf');
    writeFileSync(file, config);
    await using server = await startNats('--config', file);
    const url = server.url.replace('nats', scheme);
    const { exit, stdout, stderr } = await shunt(['get', '--nats', url, ...words]);
    t.deepEqual({ exit, stdout }, { exit: 4, stdout: '' });
    return stderr.replace(`shunt get: cannot reach NATS at ${url}: `, '').trimEnd();
  };
  const says = async (config: string, words: readonly string[], reason: string, scheme?: string): Promise<void> => {
    t.is(await saidOf(config, words, scheme), reason);
  };
  const unknown =
    'the certificate of the server is of an unknown authority; name the file of the right one with --tls-ca';
  const byName = 'name the server with --nats as its certificate does';
  const names = 'DNS:bus.example, IP Address:127.0.0.2';
  await says(tlsConfig(good), [], unknown);
  await says(tlsConfig(good), [], unknown, 'tls');
  await says(tlsConfig(good), ['--tls-ca', stranger.file], unknown);
  await says(tlsConfig(other), ca, `the certificate of the server is for ${names}, not for 127.0.0.1; ${byName}`);
  await says(tlsConfig(local), ca, `the certificate of the server is for DNS:localhost, not for 127.0.0.1; ${byName}`);
  const renew = 'the certificate of the server, or of its authority, has expired; renew it there';
  await says(tlsConfig(ended), ca, renew);
  const none = 'the server does not speak TLS; turn it on there, or ask for none: nats:// and no file of TLS';
  await says('', ca, none);
  await says('', [], none, 'tls');
  const wants = 'the server wants a client certificate; give one with --tls-cert and --tls-key';
  const either = [
    wants,
    `${CUT}; if the server wants a client certificate, give one with --tls-cert and --tls-key; ${START}`,
  ];
  t.true(either.includes(await saidOf(tlsConfig(good, verify), ca)));
  const ours = ['--tls-cert', client.cert, '--tls-key', client.key];
  const refuses = `the server does not take our client certificate; ${IS_IT_GOOD}`;
  const orElse = [
    refuses,
    `${CUT}; if it is our client certificate that the server does not take, ${IS_IT_GOOD}; ${START}`,
  ];
  t.true(orElse.includes(await saidOf(tlsConfig(good, verify), [...ca, ...ours])));
});

test('tls: a server that cuts the connection may have wanted a certificate: the reset overtakes what it says', async (t) => {
  using papers = new Papers();
  const { cert, key } = papers.authority.issue('client', ['client']);
  const cutting = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.resetAndDestroy());
    socket.write('INFO {"server_id":"CUT","version":"2.10.0","proto":1,"max_payload":1048576,"tls_required":true}\r\n');
  });
  await once(cutting.listen(0, '127.0.0.1'), 'listening');
  const url = `nats://127.0.0.1:${(cutting.address() as AddressInfo).port}`;
  const says = async (words: readonly string[], perhaps: string): Promise<void> => {
    const stderr = `shunt get: cannot reach NATS at ${url}: ${CUT}; ${perhaps}; ${START}\n`;
    t.deepEqual(await shunt(['get', '--nats', url, ...words]), { exit: 4, stdout: '', stderr });
  };
  await says([], 'if the server wants a client certificate, give one with --tls-cert and --tls-key');
  const ours = ['--tls-cert', cert, '--tls-key', key];
  await says(ours, `if it is our client certificate that the server does not take, ${IS_IT_GOOD}`);
  cutting.close();
});

test('tls: files that are not what they should be are named before anything is sent', async (t) => {
  using papers = new Papers();
  const { authority, folder } = papers;
  const { cert, key } = authority.issue('client', ['client']);
  const foreign = authority.issue('foreign', ['foreign']);
  const garbage = folder.file('garbage');
  writeFileSync(garbage, 'no PEM', { mode: 0o600 });
  const says = async (words: readonly string[], reason: string): Promise<void> => {
    const stderr = `shunt get: cannot read the ${reason}\n`;
    t.deepEqual(await shunt(['get', '--nats', 'nats://127.0.0.1:1', ...words]), { exit: 2, stdout: '', stderr });
  };
  await says(['--tls-ca', garbage], `file of authorities ${garbage}: it holds no certificate in PEM`);
  await says(['--tls-cert', garbage, '--tls-key', key], `certificate file ${garbage}: it holds no certificate in PEM`);
  await says(['--tls-cert', cert, '--tls-key', garbage], `key file ${garbage}: it holds no key in PEM`);
  await says(['--tls-cert', cert, '--tls-key', foreign.key], `key file ${foreign.key}: it is not the key of ${cert}`);
  chmodSync(key, 0o644);
  const open = `others can read it or write to it (mode 0644); chmod 600 ${key}`;
  await says(['--tls-cert', cert, '--tls-key', key], `key file ${key}: ${open}`);
});

test('tls: a server that comes back with the certificate of another authority is believed once the file names that', async (t) => {
  using papers = new Papers();
  const { authority, stranger } = papers;
  const trusted = papers.folder.file('trusted.pem');
  await using rig = await Rig.open(tlsConfig(authority.issue('first', ['127.0.0.1'])));
  rig.write(trusted, authority.text);
  await rig.start(t, { tlsCa: trusted });
  await rig.server.kill();
  await rig.bothSaid(t, 'DOWN');
  writeFileSync(rig.folder.file('nats.conf'), tlsConfig(stranger.issue('second', ['127.0.0.1'])));
  await rig.server.start();
  await rig.bothSaid(t, 'TLS');
  t.regex(rig.trouble?.reason ?? '', /unknown authority/);
  rig.write(trusted, `${authority.text}${stranger.text}`);
  await rig.together(t, 'once both are believed');
});
