/**
 * A reference of the program in bpf/: from the bytes of a frame, and what agent and loader have written, to what becomes of
 * it. Made from docs/redirects.md, docs/architecture.md and the RFCs, to be read; `program.ts` is its entry. This file has
 * what is known beside the frame.
 */
import type { Family, Prefix } from '../../protocol/address.ts';
import type { Shape } from '../../protocol/shape.ts';

/** What a packet has to be to hit an entry; what is left out may be anything. */
export interface Key {
  readonly src: Prefix;
  readonly dst: Prefix;
  readonly proto?: number;
  readonly sport?: number;
  readonly dport?: number;
  /** Only of packets that come in by the interface of this zone, 1 to 15; 0: by any. */
  readonly zone: number;
}

/** What an entry says. */
export interface Value {
  readonly action: 'pass' | 'drop' | 'send' | 'of the future';
  /** Where it is counted. */
  readonly slot: number;
  /** Jiffies at which it ends; 0n: never. */
  readonly until: bigint;
  /** The interface by which packets leave. */
  readonly egress: number;
  /** Bytes, from the IP header on, that this interface takes. */
  readonly mtu: number;
  readonly keepTtl: boolean;
  /** Protected packets pass it. */
  readonly guarded: boolean;
  /** MAC of the station to which packets are sent, and of the interface by which they leave. */
  readonly target: Uint8Array;
  readonly source: Uint8Array;
}

export interface Entry {
  readonly key: Key;
  readonly value: Value;
  /** False: its check does not fit, for it was damaged, or written by somebody else. */
  readonly whole: boolean;
}

/** The words of the map `control`. */
export interface Control {
  /** Each selects by its lowest bit. */
  readonly shapes4: number;
  readonly shapes6: number;
  readonly bypass: number;
  readonly ready: number;
}

export type Lists = readonly [readonly Shape[], readonly Shape[]];

export interface State {
  readonly entries: readonly Entry[];
  /** Two lists a family, most specific first, of which one is live. */
  readonly shapes: Readonly<Record<Family, Lists>>;
  readonly control: Control;
  /** Two lists of matches whose packets are protected; `live` selects one by its lowest bit. Their zones are 0. */
  readonly protect: { readonly live: number; readonly lists: readonly [readonly Key[], readonly Key[]] };
  /** Ifindex by zone. */
  readonly zones: readonly number[];
  /** Egress interfaces that stand in the devmap. */
  readonly ports: readonly number[];
  /** How many slots there are. */
  readonly slots: number;
  /** The interface by which the frame comes in. */
  readonly ingress: number;
  /** In jiffies. */
  readonly now: bigint;
}
