import { formatPrefix, type Prefix, requirePrefix } from '../../protocol/address.ts';
import type { PlanLoop } from '../../protocol/effects.ts';
import { compareSpecificity, keyOf, matchOfKey } from '../../protocol/key.ts';
import { hasPorts, type Match } from '../../protocol/match.ts';
import { makeMeets } from '../../protocol/overlap.ts';
import { type Claim, compareClaims, contends } from '../model/claim.ts';
import type { Door, Doors } from '../model/doors.ts';
import type { Fleet } from '../model/fleet.ts';
import { lastingAction } from '../model/lasting.ts';

/** What stands on a host, as far as it tells where a packet goes next. */
interface Standing {
  readonly name: string;
  readonly match: Match;
  readonly nexthop: string | undefined;
}

/** No packet goes further: its TTL has ended long before. */
const MAX_HOPS = 64;
/** So many ways are followed of one redirect. */
const MAX_WAYS = 10_000;
/** What a packet has where nothing says it: a protocol for experiments (RFC 3692), and a port that few redirects name. */
const SOME_PROTO = 254;
const SOME_PORT = 65_000;

/**
 * Finds packets that redirects would send round: from host to host, each the next hop of the one before, and back. Only what
 * is certain is found: a packet is named that goes round, by what hosts said last of their addresses.
 */
export class Loops {
  readonly #claims: ReadonlyMap<string, readonly Claim[]>;
  readonly #fleet: Fleet;
  readonly #doors: Doors;
  readonly #nowMs: number;
  readonly #standing = new Map<string, readonly Standing[]>();
  /** What each claim says, wherever it stands: there are as many of these as claims, and not as claims and hosts. */
  readonly #said = new Map<Claim, Standing | undefined>();

  constructor(claims: readonly Claim[], fleet: Fleet, doors: Doors, nowMs: number) {
    this.#claims = Map.groupBy(claims, ({ key }) => key);
    this.#fleet = fleet;
    this.#doors = doors;
    this.#nowMs = nowMs;
  }

  /** A way round of which a redirect is part. */
  of(claim: Claim): PlanLoop | undefined {
    const { name, match, nexthop } = this.#standingOf(claim) ?? {};
    const door = nexthop === undefined ? undefined : this.#doors.get(nexthop);
    if (name === undefined || match === undefined || door === undefined) return undefined;
    let ways = 0;
    const follow = (region: Match, at: Door, seen: ReadonlySet<string>): PlanLoop | undefined => {
      ways += 1;
      if (seen.has(at.host) || ways > MAX_WAYS) return undefined;
      const meets = makeMeets(region);
      for (const one of this.#on(at.host)) {
        const next = this.#next(one, at);
        if (next === undefined || !isVia(one.match, at) || !meets(anywhere(one.match))) continue;
        const both = intersect(region, one.match);
        const loop =
          one.name === name ? this.#goesRound(both, at, name) : follow(both, next, new Set([...seen, at.host]));
        if (loop !== undefined) return loop;
      }
      return undefined;
    };
    return follow(anywhere(match), door, new Set());
  }

  /** Tries packets of a region from a host on, where the redirect has to be what takes them. */
  #goesRound(region: Match, from: Door, name: string): PlanLoop | undefined {
    for (const packet of [packetOf(region, 'first'), packetOf(region, 'last')]) {
      const way = this.#walk(packet, from);
      if (way?.[0]?.name !== name) continue;
      const hosts = way.map(({ host }) => host);
      return { name, packet: keyOf(packet), hosts, names: way.map((step) => step.name) };
    }
    return undefined;
  }

  /** The hosts that a packet passes until it is back where it began; undefined where it does not come back. */
  #walk(packet: Match, from: Door): readonly { readonly host: string; readonly name: string }[] | undefined {
    const way: { readonly host: string; readonly name: string }[] = [];
    for (let at = from; way.length < MAX_HOPS; ) {
      const meets = makeMeets(packet);
      const winner = this.#on(at.host).find(({ match }) => isVia(match, at) && meets(anywhere(match)));
      const next = winner && this.#next(winner, at);
      if (winner === undefined || next === undefined) return undefined;
      way.push({ host: at.host, name: winner.name });
      if (next.host === from.host && next.interface === from.interface) return way;
      at = next;
    }
    return undefined;
  }

  /** Where a redirect sends packets, if that is another host of the fleet: an agent does not send to its own. */
  #next({ nexthop }: Standing, at: Door): Door | undefined {
    const next = nexthop === undefined ? undefined : this.#doors.get(nexthop);
    return next?.host === at.host ? undefined : next;
  }

  /** What would stand on a host, the most specific first. */
  #on(host: string): readonly Standing[] {
    const known = this.#standing.get(host);
    if (known !== undefined) return known;
    const facts = this.#fleet.get(host);
    const standing = [...this.#claims.values()].flatMap((claims) => {
      const [winner] = claims.filter((claim) => contends(claim, facts)).sort(compareClaims);
      return (winner && this.#standingOf(winner)) ?? [];
    });
    standing.sort((a, b) => compareSpecificity(a.match, b.match));
    this.#standing.set(host, standing);
    return standing;
  }

  #standingOf(claim: Claim): Standing | undefined {
    if (!this.#said.has(claim)) this.#said.set(claim, standingOf(claim, this.#nowMs));
    return this.#said.get(claim);
  }
}

function standingOf({ name, key, enabled, body }: Claim, nowMs: number): Standing | undefined {
  const to = enabled ? lastingAction(body, nowMs) : undefined;
  if (to === undefined) return undefined;
  return { name, match: matchOfKey(key), nexthop: typeof to === 'object' && 'nexthop' in to ? to.nexthop : undefined };
}

function isVia(match: Match, at: Door): boolean {
  return match.in === undefined || match.in === at.interface;
}

function anywhere({ in: _, ...match }: Match): Match {
  return match;
}

/** The packets that both match, which some do. */
function intersect(a: Match, b: Match): Match {
  const [proto, sport, dport] = [a.proto ?? b.proto, a.sport ?? b.sport, a.dport ?? b.dport];
  return {
    src: narrower(a.src, b.src),
    dst: narrower(a.dst, b.dst),
    ...(proto !== undefined && { proto }),
    ...(sport !== undefined && { sport }),
    ...(dport !== undefined && { dport }),
  };
}

function narrower(a: string, b: string): string {
  return requirePrefix(a).len >= requirePrefix(b).len ? a : b;
}

function packetOf(region: Match, which: 'first' | 'last'): Match {
  const { proto = SOME_PROTO, sport = SOME_PORT, dport = SOME_PORT } = region;
  const [src, dst] = [addressOf(region.src, which), addressOf(region.dst, which)];
  return { src, dst, proto, ...(hasPorts(proto) && { sport, dport }) };
}

function addressOf(text: string, which: 'first' | 'last'): string {
  const prefix = requirePrefix(text);
  const bytes = which === 'first' ? prefix.bytes : lastOf(prefix);
  return formatPrefix({ family: prefix.family, bytes, len: bytes.length * 8 });
}

function lastOf({ bytes, len }: Prefix): Uint8Array {
  return bytes.map((byte, at) => byte | (0xff >> Math.min(8, Math.max(0, len - at * 8))));
}
