import { type Family, familyOf, type Match } from './match.ts';

/** Which fields of a match are fixed, and how many prefix bits. */
export interface Shape {
  readonly family: Family;
  readonly srcLen: number;
  readonly dstLen: number;
  readonly proto: boolean;
  readonly sport: boolean;
  readonly dport: boolean;
  readonly in: boolean;
}

export function shapeOf(match: Match): Shape {
  return Object.freeze({
    family: familyOf(match),
    srcLen: prefixLen(match.src),
    dstLen: prefixLen(match.dst),
    proto: match.proto !== undefined,
    sport: match.sport !== undefined,
    dport: match.dport !== undefined,
    in: match.in !== undefined,
  });
}

/** Writes a shape for people and as a map key, e.g. `v4 /24 > /32 proto dport`; equal exactly for equal shapes. */
export function shapeText(shape: Shape): string {
  const { family, srcLen, dstLen, proto, sport, dport } = shape;
  const [fixed, ports] = [proto ? ' proto' : '', (sport ? ' sport' : '') + (dport ? ' dport' : '')];
  return `v${family} /${srcLen} > /${dstLen}${fixed}${ports}${shape.in ? ' in' : ''}`;
}

/**
 * Orders shapes as the data path looks them up, most specific first: by fixed bits (prefix lengths, 16 a port, 8 for
 * the protocol, 8 for the interface), ties by dst, src, dport, sport, protocol. Families never meet; 4 sorts before 6.
 */
export function compareShapes(a: Shape, b: Shape): number {
  if (a.family !== b.family) return a.family - b.family;
  const by = decidedBy(a, b);
  return by === undefined ? 0 : measure(b, by) - measure(a, by);
}

/** What shapes are compared by, the first first. */
export const PRECEDENCE = ['bits', 'dst', 'src', 'dport', 'sport', 'proto'] as const;
export type Precedence = (typeof PRECEDENCE)[number];

/** Answers by what one of two shapes of a family is the more specific, `undefined` for equal ones. */
export function decidedBy(a: Shape, b: Shape): Precedence | undefined {
  return PRECEDENCE.find((by) => measure(a, by) !== measure(b, by));
}

function measure(shape: Shape, by: Precedence): number {
  switch (by) {
    case 'bits':
      return fixedBits(shape);
    case 'dst':
      return shape.dstLen;
    case 'src':
      return shape.srcLen;
    default:
      return Number(shape[by]);
  }
}

/** How many bits of a packet a shape fixes: its prefixes, 16 a port, 8 for the protocol, 8 for the interface. */
export function fixedBits(shape: Shape): number {
  const ports = 16 * (Number(shape.sport) + Number(shape.dport));
  return shape.srcLen + shape.dstLen + ports + 8 * (Number(shape.proto) + Number(shape.in));
}

function prefixLen(prefix: string): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1));
}
