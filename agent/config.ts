import { resolve } from 'node:path';
import { type Labels, parseHost, parseLabels } from '../protocol/host.ts';
import { readInterface } from '../protocol/match.ts';
import { show } from '../protocol/read.ts';
import { Refused } from '../protocol/refused.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import type { LogLevel } from './log.ts';

/** Everything that an agent is told at its start, validated and frozen. */
export interface AgentConfig {
  readonly host: string;
  readonly nats: readonly string[];
  /** The state directory. */
  readonly state: string;
  readonly pinRoot: string;
  readonly labels: Labels;
  /** Netdevs that ought to carry the program: status names one that does not. */
  readonly interfaces: readonly string[];
  readonly rootSubject: string;
  readonly logLevel: LogLevel;
  /** A NATS credentials file. */
  readonly creds?: string;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];

/** The settings of an agent as they were written; labels as `key=value`. */
export interface AgentSettings {
  readonly host: string;
  readonly nats: readonly string[];
  readonly state: string;
  readonly pinRoot: string;
  readonly labels: readonly string[];
  readonly interfaces: readonly string[];
  readonly rootSubject: string;
  readonly logLevel: string;
  readonly creds?: string | undefined;
}

/** Validates the settings of an agent. Errors: Refused, its path the option's name, its message with advice. */
export function parseAgentConfig(settings: AgentSettings): AgentConfig {
  const { creds } = settings;
  return Object.freeze({
    host: parseHost(settings.host),
    nats: parseServers(settings.nats),
    state: resolvePath(settings.state, 'state'),
    pinRoot: resolvePath(settings.pinRoot, 'pin-root'),
    labels: parseLabelPairs(settings.labels),
    interfaces: Object.freeze(settings.interfaces.map((name) => readInterface(name, 'interface'))),
    rootSubject: makeSubjects(settings.rootSubject).root,
    logLevel: parseLogLevel(settings.logLevel),
    ...(creds !== undefined && { creds }),
  });
}

/**
 * Reads the addresses of NATS servers, each `nats://host:port` or `tls://host:port`; commas separate several in one text.
 * Errors: Refused BAD_FIELD; a password in an address is refused, because it would show in every list of processes.
 */
export function parseServers(texts: readonly string[], path = 'nats'): readonly string[] {
  const servers = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  for (const server of servers) checkServer(server, path);
  if (servers.length === 0) throw new Refused('BAD_FIELD', path, 'name at least one server');
  return Object.freeze(servers);
}

export function parseLogLevel(text: string, path = 'log-level'): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined)
    throw new Refused('BAD_FIELD', path, `expected one of ${LOG_LEVELS.join(', ')}, not ${show(text)}`);
  return level;
}

function checkServer(server: string, path: string): void {
  const url = URL.parse(/^[a-z]+:\/\//.test(server) ? server : `nats://${server}`);
  if (url !== null && url.username !== '') {
    throw new Refused(
      'BAD_FIELD',
      path,
      'an address must not contain a user or password; use a credentials file with --creds',
    );
  }
  const bare = url !== null && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '';
  if (!bare || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    throw new Refused('BAD_FIELD', path, `expected an address such as nats://127.0.0.1:4222, not ${show(server)}`);
  }
}

function parseLabelPairs(pairs: readonly string[], path = 'label'): Labels {
  const labels: [key: string, value: string][] = [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new Refused('BAD_LABEL', path, `expected KEY=VALUE, not ${show(pair)}`);
    labels.push([pair.slice(0, equals), pair.slice(equals + 1)]);
  }
  const twice = labels.find(([key], at) => labels.findIndex(([other]) => other === key) !== at);
  if (twice !== undefined) throw new Refused('BAD_LABEL', path, `${show(twice[0])} is given twice`);
  return parseLabels(Object.fromEntries(labels), path);
}

function resolvePath(file: string, path: string): string {
  if (file === '') throw new Refused('BAD_FIELD', path, 'expected a path, not an empty text');
  return resolve(file);
}
