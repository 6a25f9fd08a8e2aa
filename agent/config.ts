import { resolve } from 'node:path';
import { type BusAccess, parseAccess } from '../bus/access.ts';
import { parseServers } from '../bus/servers.ts';
import { LOG_LEVELS, type LogLevel } from '../daemon/log-level.ts';
import { type Labels, parseHost, parseLabels } from '../protocol/host.ts';
import { readInterface } from '../protocol/match.ts';
import { show } from '../protocol/read.ts';
import { Refused } from '../protocol/refused.ts';
import { makeSubjects } from '../protocol/subjects.ts';

/** Everything that an agent is told at its start, validated and frozen. */
export interface AgentConfig extends BusAccess {
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
  /** The file of what redirects may do on this host; it may be absent. */
  readonly guard: string;
}

/** The settings of an agent as they were written; labels as `key=value`. */
export interface AgentSettings extends BusAccess {
  readonly host: string;
  readonly nats: readonly string[];
  readonly state: string;
  readonly pinRoot: string;
  readonly labels: readonly string[];
  readonly interfaces: readonly string[];
  readonly rootSubject: string;
  readonly logLevel: string;
  readonly guard: string;
}

/** Validates the settings of an agent. Errors: Refused, its path the option's name, its message with advice. */
export function parseAgentConfig(settings: AgentSettings): AgentConfig {
  return Object.freeze({
    host: parseHost(settings.host),
    nats: parseServers(settings.nats),
    state: resolvePath(settings.state, 'state'),
    pinRoot: resolvePath(settings.pinRoot, 'pin-root'),
    labels: parseLabelPairs(settings.labels),
    interfaces: Object.freeze(settings.interfaces.map((name) => readInterface(name, 'interface'))),
    rootSubject: makeSubjects(settings.rootSubject).root,
    logLevel: parseLogLevel(settings.logLevel),
    guard: resolvePath(settings.guard, 'guard'),
    ...parseAccess(settings),
  });
}

export function parseLogLevel(text: string, path = 'log-level'): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined)
    throw new Refused('BAD_FIELD', path, `expected one of ${LOG_LEVELS.join(', ')}, not ${show(text)}`);
  return level;
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
