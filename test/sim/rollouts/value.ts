/** What becomes of a host to which a redirect is sent. */
export type Kind = 'plain' | 'cuts' | 'blocked';

const LAST: Readonly<Record<Kind, number>> = { plain: 1, cuts: 66, blocked: 99 };

/** A next hop that only one version of a redirect has, so that whoever holds it tells by it which one he has. */
export function hopOf(version: number, kind: Kind): string {
  return `10.${Math.floor(version / 256)}.${version % 256}.${LAST[kind]}`;
}

const HOP = /"nexthop":"10\.(\d+)\.(\d+)\.(\d+)"/;

/** The version that a body or a spec's text is of. */
export function versionOf(text: string): number {
  const [, high, low] = HOP.exec(text) ?? [];
  if (high === undefined) throw new TypeError(`of which version is ${text}`);
  return Number(high) * 256 + Number(low);
}

export function kindOf(text: string): Kind {
  const last = Number(HOP.exec(text)?.[3]);
  return last === LAST.cuts ? 'cuts' : last === LAST.blocked ? 'blocked' : 'plain';
}

/** What a body says, for people. */
export function briefly(body: string): string {
  const { name, match, confirm } = JSON.parse(body) as {
    readonly name: string;
    readonly match: { readonly dst: string };
    readonly confirm?: { readonly withinMs: number };
  };
  const [, hop] = /"nexthop":"([^"]+)"/.exec(body) ?? [];
  return `${name} ${match.dst} > ${hop}${confirm === undefined ? '' : ` within ${confirm.withinMs}`}`;
}
