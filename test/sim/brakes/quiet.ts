import { keyOf } from '../../../protocol/key.ts';
import { parseSpec } from '../../../protocol/spec.ts';
import type { Exception, Status } from '../../../protocol/status.ts';
import type { Host } from '../host.ts';

/** What there is to compare a host with. */
export interface Seen {
  readonly status: Status | undefined;
  /** Texts of all redirects. */
  readonly specs: readonly string[];
  readonly permit: number;
  /** The newest change of a key in the log. */
  readonly newest: (key: string) => { readonly op: 'put' | 'delete'; readonly rev: number } | undefined;
}

/** What does not hold of a host that has had its time: it stands as it ought to, but for what it says that it withholds (I1, I2). */
export function checkQuiet(host: Host, { status, specs, permit, newest }: Seen): readonly string[] {
  if (status === undefined) return ['was never heard'];
  const { brake, problems = [], exceptions } = status;
  const wanted = wantedOn(host, specs);
  const stands = new Map([...host.entries()].map(([key, { value }]) => [key, value.action as string]));
  const withheld = new Map(exceptions.map((one) => [one.key, one]));
  const isWrong = ({ key, rev, code }: Exception): boolean =>
    // What a whole set does not name is told with the rev at its end; a delete that all know is forgotten.
    code !== 'BRAKE' || rev < (newest(key)?.rev ?? 0) || rev <= permit || stands.get(key) === wanted.get(key);
  const wrong = exceptions.filter((one) => isWrong(one) || !stands.has(one.key));
  const keys = [...new Set([...wanted.keys(), ...stands.keys()])].filter((key) => !withheld.has(key));
  const other = keys.filter((key) => stands.get(key) !== wanted.get(key));
  return [
    ...problems.map(({ code }) => `says ${code}`),
    ...wrong.map(({ key, code, rev }) => `${key} is ${code} ${rev}, permitted ${permit}, stands ${stands.get(key)}`),
    ...other.map((key) => `${key} stands as ${stands.get(key)}, and ought to as ${wanted.get(key)}`),
    ...(exceptions.length === (brake?.withheld ?? 0)
      ? []
      : [`withholds ${brake?.withheld}, and names ${exceptions.length}`]),
    ...(brake === undefined || brake.from === Math.min(...exceptions.map(({ rev }) => rev)) ? [] : ['from is wrong']),
  ];
}

function wantedOn({ labels }: Host, specs: readonly string[]): ReadonlyMap<string, string> {
  const mine = specs
    .map((text) => parseSpec(JSON.parse(text)))
    .filter(({ hosts }) => typeof hosts === 'object' && 'role' in hosts && hosts.role === labels.role);
  return new Map(mine.map(({ match, to }) => [keyOf(match), String(to)]));
}
