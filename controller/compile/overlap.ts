import { type Prefix, parsePrefix } from '../../protocol/address.ts';
import { matchOfKey } from '../../protocol/key.ts';
import type { Match } from '../../protocol/match.ts';
import { compareShapes, type Shape, shapeOf, shapeText } from '../../protocol/shape.ts';

/** A redirect as it stands at its key on a host; `asked` when the operator's question is about it. */
export interface Placed {
  readonly key: string;
  readonly name: string;
  readonly asked: boolean;
  readonly body?: string;
}

/** Two redirects of one host that a packet can match both; the more specific shape wins. */
export interface Overlap {
  readonly winner: Placed;
  readonly loser: Placed;
  readonly shapes: readonly [winner: Shape, loser: Shape];
}

export interface Overlaps {
  /** The first of them. */
  readonly pairs: readonly Overlap[];
  readonly total: number;
}

/** Far more than a host can look up; beyond, only the most specific are compared. */
const MAX_SHAPES = 32;

/** A key taken apart, so that it can be cut at any prefix length. */
interface Parts {
  readonly match: Match;
  readonly shape: Shape;
  readonly src: Prefix;
  readonly dst: Prefix;
}

interface Member {
  readonly placed: Placed;
  readonly parts: Parts;
}

interface Group {
  readonly shape: Shape;
  /** By what the shape fixes, once it was asked for. */
  byBits?: Map<string, Placed>;
  readonly members: Member[];
  readonly asked: Member[];
}

/** Takes keys apart, each once. */
export class KeyParts {
  readonly #known = new Map<string, Parts>();

  of(key: string): Parts {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const match = matchOfKey(key);
    const parts = { match, shape: shapeOf(match), src: requirePrefix(match.src), dst: requirePrefix(match.dst) };
    this.#known.set(key, parts);
    return parts;
  }
}

/** Redirects by their shape, most specific first. */
export class ShapeGroups {
  readonly #groups: readonly Group[];
  readonly #keyParts: KeyParts;

  constructor(redirects: Iterable<Placed>, keyParts: KeyParts) {
    this.#keyParts = keyParts;
    const groups = new Map<string, Group>();
    for (const placed of redirects) {
      const parts = keyParts.of(placed.key);
      const text = shapeText(parts.shape);
      const group = groups.get(text) ?? { shape: parts.shape, members: [], asked: [] };
      groups.set(text, group);
      const member = { placed, parts };
      group.members.push(member);
      if (placed.asked) group.asked.push(member);
    }
    this.#groups = [...groups.values()].sort((a, b) => compareShapes(a.shape, b.shape));
  }

  /** How many shapes a family has. */
  count(family: 4 | 6): number {
    return this.#groups.filter(({ shape }) => shape.family === family).length;
  }

  /**
   * Finds the pairs that a packet can match both and of which one is asked about. Two redirects of one shape never
   * meet; of two shapes those do that are equal in every bit that both fix, so each pair of shapes is one hash join.
   */
  overlaps(limit: number): Overlaps {
    const pairs: Overlap[] = [];
    let total = 0;
    for (const [winners, losers] of this.#pairsOfGroups()) {
      for (const [winner, loser] of joined(winners, losers)) {
        total += 1;
        const shapes = [winners.shape, losers.shape] as const;
        if (pairs.length < limit) pairs.push({ winner: winner.placed, loser: loser.placed, shapes });
      }
    }
    return { pairs, total };
  }

  /** The most specific redirect that matches every packet of a key and is not at it; some may be left out. */
  over(key: string, isLeftOut: (placed: Placed) => boolean): Placed | undefined {
    const parts = this.#keyParts.of(key);
    for (const group of this.#groups) {
      if (!isWider(group.shape, parts.shape)) continue;
      group.byBits ??= new Map(group.members.map((one) => [cut(one.parts, group.shape), one.placed]));
      const found = group.byBits.get(cut(parts, group.shape));
      if (found !== undefined && found.key !== key && !isLeftOut(found)) return found;
    }
    return undefined;
  }

  *#pairsOfGroups(): Generator<readonly [winners: Group, losers: Group]> {
    for (const family of [4, 6]) {
      const groups = this.#groups.filter(({ shape }) => shape.family === family).slice(0, MAX_SHAPES);
      for (const [at, winners] of groups.entries())
        for (const losers of groups.slice(at + 1))
          if (winners.asked.length + losers.asked.length > 0) yield [winners, losers];
    }
  }
}

function* joined(winners: Group, losers: Group): Generator<readonly [winner: Member, loser: Member]> {
  const meet = meetOf(winners.shape, losers.shape);
  const byText = new Map<string, Member[]>();
  for (const loser of winners.asked.length === 0 ? losers.asked : losers.members) {
    const text = cut(loser.parts, meet);
    const met = byText.get(text);
    if (met === undefined) byText.set(text, [loser]);
    else met.push(loser);
  }
  for (const winner of losers.asked.length === 0 ? winners.asked : winners.members) {
    for (const loser of byText.get(cut(winner.parts, meet)) ?? [])
      if (winner.placed.asked || loser.placed.asked) yield [winner, loser];
  }
}

/** Whether a shape fixes nothing that another one leaves open. */
function isWider(shape: Shape, than: Shape): boolean {
  return (
    shape.family === than.family &&
    shape.srcLen <= than.srcLen &&
    shape.dstLen <= than.dstLen &&
    (['proto', 'sport', 'dport', 'in'] as const).every((field) => !shape[field] || than[field])
  );
}

/** What both shapes fix. */
function meetOf(a: Shape, b: Shape): Shape {
  return {
    family: a.family,
    srcLen: Math.min(a.srcLen, b.srcLen),
    dstLen: Math.min(a.dstLen, b.dstLen),
    proto: a.proto && b.proto,
    sport: a.sport && b.sport,
    dport: a.dport && b.dport,
    in: a.in && b.in,
  };
}

/** The fields of a match as far as a shape fixes them; equal texts for equal bits. */
function cut({ match, src, dst }: Parts, meet: Shape): string {
  return [
    bitsOf(src, meet.srcLen),
    bitsOf(dst, meet.dstLen),
    meet.proto ? match.proto : '',
    meet.sport ? match.sport : '',
    meet.dport ? match.dport : '',
    meet.in ? match.in : '',
  ].join(' ');
}

function bitsOf({ bytes }: Prefix, len: number): string {
  const whole = Buffer.from(bytes.subarray(0, Math.ceil(len / 8)));
  const rest = len % 8;
  const last = whole.length - 1;
  if (rest !== 0) whole[last] = (whole[last] ?? 0) & (0xff << (8 - rest));
  return whole.toString('hex');
}

function requirePrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new TypeError(`${text} is no prefix`);
  return prefix;
}
