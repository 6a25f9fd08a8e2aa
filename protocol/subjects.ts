import { parseHost } from './host.ts';
import { pattern } from './read.ts';

const ROOT = 'shunt.v1';
const readRoot = pattern(/^(?=.{1,63}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*$/, 'a root subject of lower-case tokens');
const readToken = pattern(/^[a-z0-9-]{1,63}$/, 'a lower-case token');
const HOST_KINDS = ['live', 'sync', 'status', 'event', 'ask'];

/** Every subject that Shunt uses, below one root. */
export interface Subjects {
  readonly root: string;
  readonly syncAll: string;
  readonly statusAll: string;
  readonly eventAll: string;
  readonly apiAll: string;
  live(host: string): string;
  sync(host: string): string;
  status(host: string): string;
  event(host: string, kind: string): string;
  /** Every event of one host. */
  eventsOf(host: string): string;
  ask(host: string, verb: string): string;
  /** Every verb that one host may be asked. */
  askAll(host: string): string;
  api(verb: string): string;
  /** The prefix of a host's reply inboxes. */
  inbox(host: string): string;
  /** The host that a subject names, or undefined when it names none. */
  hostOf(subject: string): string | undefined;
  /** The verb of an `ask` or `api` subject or the kind of an event, or undefined. */
  verbOf(subject: string): string | undefined;
}

/** Makes the subjects below `root`. Every token is validated before it is joined. Errors: Refused BAD_FIELD, BAD_HOST. */
export function makeSubjects(root: string = ROOT): Subjects {
  const base = readRoot(root, 'root-subject');
  const tokensOf = (subject: string): string[] =>
    subject.startsWith(`${base}.`) ? subject.slice(base.length + 1).split('.') : [];
  return Object.freeze({
    root: base,
    syncAll: `${base}.sync.*`,
    statusAll: `${base}.status.*`,
    eventAll: `${base}.event.*.*`,
    apiAll: `${base}.api.*`,
    live: (host: string) => `${base}.live.${parseHost(host)}`,
    sync: (host: string) => `${base}.sync.${parseHost(host)}`,
    status: (host: string) => `${base}.status.${parseHost(host)}`,
    event: (host: string, kind: string) => `${base}.event.${parseHost(host)}.${readToken(kind, 'kind')}`,
    eventsOf: (host: string) => `${base}.event.${parseHost(host)}.*`,
    ask: (host: string, verb: string) => `${base}.ask.${parseHost(host)}.${readToken(verb, 'verb')}`,
    askAll: (host: string) => `${base}.ask.${parseHost(host)}.*`,
    api: (verb: string) => `${base}.api.${readToken(verb, 'verb')}`,
    inbox: (host: string) => `_INBOX.shunt.${parseHost(host)}`,
    hostOf: (subject: string) => {
      const [kind, host] = tokensOf(subject);
      return kind !== undefined && HOST_KINDS.includes(kind) ? host : undefined;
    },
    verbOf: (subject: string) => {
      const [kind, first, second] = tokensOf(subject);
      if (kind === 'api') return first;
      return kind === 'ask' || kind === 'event' ? second : undefined;
    },
  });
}
