import { intentBody } from '../../../protocol/intent.ts';
import type { Spec } from '../../../protocol/spec.ts';
import { winnersOn } from '../oracle.ts';
import { sentIn } from './disk.ts';
import { isActive, type Look, specOf } from './look.ts';
import { briefly } from './value.ts';

/**
 * Each host's log says what its effective specs come to: for a redirect in a rollout that is under way, on a host that it has
 * reached what the rollout makes of it, elsewhere what stood before. An own, simpler compiler says what that is.
 */
export function checkLogs(look: Look, hosts: Iterable<string>): readonly string[] {
  const wrong: string[] = [];
  const active = [...look.rollouts.values()].filter(isActive);
  for (const host of hosts) {
    const seen = look.hosts.get(host) ?? { host, labels: undefined, can: [] };
    const specs = new Map(look.specs);
    for (const rollout of active) {
      if (rollout.hosts.get(host)?.state !== 'published') continue;
      for (const [name, { after }] of rollout.specs) {
        if (after === null) specs.delete(name);
        else specs.set(name, after);
      }
    }
    const wanted = new Map<string, string>();
    for (const [key, spec] of winnersOn(seen, [...specs.values()].map(specOf))) wanted.set(key, valueIn(spec));
    wrong.push(...differences(host, look, wanted));
  }
  return wrong;
}

function* differences(host: string, { logs, hosts }: Look, wanted: ReadonlyMap<string, string>): Generator<string> {
  const log = logs.get(host) ?? new Map<string, never>();
  const isHeard = hosts.has(host);
  // Whatever stands stays with a host that was not heard since a recovery, or was forgotten: its labels are not known.
  for (const [key, { op, body }] of isHeard ? log : [])
    if (op === 'put' && !wanted.has(key)) yield `the log of ${host} has ${briefly(body)}, and nothing is to be there`;
  for (const [key, value] of wanted) {
    const logged = log.get(key);
    const is = logged?.op === 'put' ? sentIn(logged.body) : 'nothing';
    if (is !== value && (isHeard || is === 'nothing'))
      yield `the log of ${host} has ${is === 'nothing' ? is : briefly(is)}, and its effective specs come to ${briefly(value)}`;
  }
}

const values = new WeakMap<Spec, string>();

function valueIn(spec: Spec): string {
  const value = values.get(spec) ?? sentIn(intentBody(spec));
  values.set(spec, value);
  return value;
}
