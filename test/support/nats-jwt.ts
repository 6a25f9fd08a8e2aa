import { randomUUID } from 'node:crypto';
import { nkeys } from 'nats';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const UNLIMITED = { subs: -1, data: -1, payload: -1 };

/** Users that were made before now by more than this can be revoked, and those that are made now stand. */
const OLD_S = 1000;

/** An operator with one account: what a nats-server needs to let in whoever has credentials of it. */
export class Account {
  readonly #operator = nkeys.createOperator();
  /** A server takes no other one while it runs. */
  readonly #operatorJwt = sign(this.#operator, this.#operator, { type: 'operator' });
  readonly #account = nkeys.createAccount();
  readonly #nowS = Math.floor(Date.now() / 1000);

  /** The server's configuration. */
  get config(): string {
    return this.#describe({});
  }

  /** The same, with every old user shut out. */
  get withoutOld(): string {
    return this.#describe({ revocations: { '*': this.#nowS - OLD_S } });
  }

  /** Credentials of a new user, as a file has them. */
  creds(): string {
    return this.#admit({ iat: this.#nowS });
  }

  oldCreds(): string {
    return this.#admit({ iat: this.#nowS - 2 * OLD_S });
  }

  /** Credentials that have ended, or do so within a second. */
  endedCreds(): string {
    return this.#admit({ iat: this.#nowS, exp: this.#nowS + 1 });
  }

  #describe(more: object): string {
    const limits = { ...UNLIMITED, imports: -1, exports: -1, conn: -1, leaf: -1, wildcards: true };
    const account = sign(this.#operator, this.#account, { type: 'account', limits, ...more });
    const id = this.#account.getPublicKey();
    return `authorization: { timeout: 60 }\noperator: ${this.#operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${id}: ${account} }\n`;
  }

  #admit(times: object): string {
    const user = nkeys.createUser();
    const jwt = sign(this.#account, user, { type: 'user', ...UNLIMITED }, times);
    const seed = new TextDecoder().decode(user.getSeed());
    return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n
-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
  }
}

/** Says something of `subject` in the words of JWT version 2, under the name of `issuer`. */
function sign(issuer: KeyPair, subject: KeyPair, nats: object, times: object = {}): string {
  const [iss, sub] = [issuer.getPublicKey(), subject.getPublicKey()];
  const claims = { jti: randomUUID(), ...times, iss, sub, name: sub, nats: { ...nats, version: 2 } };
  const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims].map((part) => base64(JSON.stringify(part))).join('.');
  return `${text}.${base64(issuer.sign(Buffer.from(text)))}`;
}

function base64(data: string | Uint8Array): string {
  return Buffer.from(data).toString('base64url');
}
