import { MAX_LIST, type Near } from '../../protocol/api.ts';
import type { PlanLoop } from '../../protocol/effects.ts';
import type { Guard } from '../../protocol/guard.ts';
import { bytesOf } from '../../protocol/json.ts';
import type { PlanLists, PlanReply } from '../../protocol/plan.ts';
import {
  MAX_NAMED_HOSTS,
  type PlanChange,
  type PlanCollateral,
  type PlanDenied,
  type PlanHost,
  type PlanNotSent,
  type PlanOver,
  type PlanOverlap,
  type PlanShadow,
} from '../../protocol/plan-lines.ts';
import type { SetOutcome } from '../../protocol/sets.ts';
import { decidedBy } from '../../protocol/shape.ts';
import type { Capacity } from '../../protocol/status.ts';
import type { HostFacts } from '../model/claim.ts';
import { excessOf, type Size } from '../model/size-gate.ts';
import { Basis } from './basis.ts';
import { Denials } from './denials.ts';
import type { GroupPreview, Proposal } from './preview.ts';
import { Strangers } from './strangers.ts';

type Room = Pick<Capacity, 'max' | 'shapesMax'>;

/** What a request asks for beside the moves. */
export interface PreviewHead {
  readonly upload: string;
  /** Names to delete that are not there. */
  readonly absent: readonly string[];
  /** What the first of them probably meant. */
  readonly near?: readonly Near[];
  /** What would become of the set that it names. */
  readonly set?: SetOutcome;
  readonly loops?: readonly PlanLoop[];
  /** The number of the newest change by now. */
  readonly newest?: number;
  /** What hosts said of their room. */
  readonly capacities: ReadonlyMap<string, Room>;
  /** What they said of their guards. */
  readonly guards?: ReadonlyMap<string, Guard>;
}

/** The most lines of each list that the reply itself has; the others are on its pages. */
const MAX_LINES = 200;
/** The most lines of each list that are kept; beyond, they are counted. */
const MAX_KEPT = 100_000;
/** Of overlaps, so many on one host: of a wide redirect there may be as many as redirects, on each host. */
export const MAX_OVERLAPS = 10_000;
const MAX_HOSTS = 1000;

interface Line {
  readonly hosts: string[];
  hostsTotal: number;
}

/** Lines that say the same of several hosts; the first ones are kept, all are counted. */
class Lines<T extends object> {
  readonly #lines = new Map<string, T & Line>();
  total = 0;

  add(line: T, hosts: readonly string[]): void {
    this.total += hosts.length;
    const text = JSON.stringify(line);
    const known = this.#lines.get(text);
    if (known === undefined && this.#lines.size >= MAX_KEPT) return;
    const kept = known ?? { ...line, hosts: [], hostsTotal: 0 };
    if (known === undefined) this.#lines.set(text, kept);
    kept.hosts.push(...hosts.slice(0, MAX_NAMED_HOSTS - kept.hosts.length));
    kept.hostsTotal += hosts.length;
  }

  all(): readonly (T & Line)[] {
    return [...this.#lines.values()];
  }
}

/** Gathers the previews of all groups of hosts into one reply. */
export class PreviewReport {
  readonly #proposal: Proposal;
  readonly #head: PreviewHead;
  readonly #hosts: PlanHost[] = [];
  readonly #changes = new Lines<Omit<PlanChange, keyof Line>>();
  readonly #shadows = new Lines<Omit<PlanShadow, keyof Line>>();
  readonly #overlaps = new Lines<Omit<PlanOverlap, keyof Line>>();
  readonly #notSent = new Lines<Omit<PlanNotSent, keyof Line>>();
  readonly #collateral = new Lines<Omit<PlanCollateral, keyof Line>>();
  readonly #denied = new Lines<Omit<PlanDenied, keyof Line>>();
  readonly #denials: Denials;
  #overlapsTotal = 0;
  readonly #basis: Basis;
  #heard = 0;

  constructor(proposal: Proposal, head: PreviewHead) {
    this.#proposal = proposal;
    this.#head = head;
    this.#basis = new Basis(proposal);
    this.#denials = new Denials(head.guards ?? new Map());
  }

  /** Answers of how many hosts it has heard. */
  add(preview: GroupPreview): number {
    this.#basis.add(preview);
    const hosts = preview.hosts.map(({ host }) => host);
    for (const { op, name, key, was, from, to, marks } of preview.changes) {
      const marked = marks.length > 0 && { marks };
      this.#changes.add({ op, name, key, ...(was !== undefined && { was }), from, to, ...marked }, hosts);
    }
    for (const { name, by, key, tie } of preview.shadows)
      this.#shadows.add({ name, by, key, ...(tie && { tie }) }, hosts);
    for (const one of preview.collateral) this.#collateral.add(one, hosts);
    for (const { name, lacks } of preview.notSent) this.#notSent.add({ name, code: 'AGENT_TOO_OLD', lacks }, hosts);
    for (const [denial, on] of this.#denials.of(preview)) this.#denied.add(denial, on);
    for (const { winner, loser, shapes } of preview.overlaps.pairs) {
      const decided = decidedBy(...shapes) ?? 'bits';
      this.#overlaps.add(
        { winner: winner.name, winnerKey: winner.key, loser: loser.name, loserKey: loser.key, decided },
        hosts,
      );
    }
    this.#overlapsTotal += preview.overlaps.total * hosts.length;
    const counts = countChanges(preview);
    for (const facts of preview.hosts) {
      const planned = planHost(facts, counts, preview, this.#head.capacities.get(facts.host));
      if (matters(planned)) this.#hosts.push(planned);
    }
    this.#heard += hosts.length;
    return this.#heard;
  }

  /** The reply with as many lines as fit, and pages with the others. */
  reply(budgetBytes: number): { readonly reply: PlanReply; readonly pages: readonly Partial<PlanLists>[] } {
    const lists = this.#lists();
    for (let limit = MAX_LINES; ; limit = Math.floor(limit / 2)) {
      const reply = this.#reply(lists, limit);
      if (limit > 0 && bytesOf({ ...reply, pages: Number.MAX_SAFE_INTEGER }) > budgetBytes) continue;
      const pages = pagesOf(lists, limit, budgetBytes);
      return { reply: { ...reply, ...(pages.length > 0 && { pages: pages.length }) }, pages };
    }
  }

  #lists(): PlanLists {
    const { moves, fleet } = this.#proposal;
    const strangers = new Strangers(fleet);
    for (const { after } of moves) if (after !== undefined) strangers.add(after);
    return {
      absent: this.#head.absent,
      hosts: this.#hosts.toSorted((a, b) => b.over.length - a.over.length || (a.host < b.host ? -1 : 1)),
      changes: this.#changes.all(),
      shadowed: this.#shadows.all(),
      overlaps: this.#overlaps.all(),
      unmatched: strangers.unmatched,
      unheard: strangers.unheard,
      notSent: this.#notSent.all(),
      collateral: this.#collateral.all(),
      denied: this.#denied.all(),
    };
  }

  #reply(
    { absent, hosts, changes, shadowed, overlaps, unmatched, unheard, notSent, collateral, denied }: PlanLists,
    limit: number,
  ): PlanReply {
    const { moves } = this.#proposal;
    const { upload, near, set, newest, loops = [] } = this.#head;
    return {
      v: 1,
      upload,
      created: moves.filter(({ before }) => before === undefined).length,
      changed: moves.filter(({ before, after, same }) => before !== undefined && after !== undefined && !same).length,
      unchanged: moves.filter(({ same }) => same).length,
      deleted: moves.filter(({ after }) => after === undefined).length,
      absent: absent.slice(0, limit),
      absentTotal: absent.length,
      ...(near !== undefined && { near }),
      ...(set !== undefined && { set }),
      hosts: hosts.slice(0, roomFor('hosts', limit)),
      hostsTotal: hosts.length,
      changes: changes.slice(0, limit),
      changesTotal: this.#changes.total,
      shadowed: shadowed.slice(0, limit),
      shadowedTotal: this.#shadows.total,
      overlaps: overlaps.slice(0, limit),
      overlapsTotal: this.#overlapsTotal,
      ...(this.#notSent.total > 0 && { notSent: notSent.slice(0, limit), notSentTotal: this.#notSent.total }),
      ...(this.#collateral.total > 0 && {
        collateral: collateral.slice(0, limit),
        collateralTotal: this.#collateral.total,
      }),
      ...(this.#denied.total > 0 && { denied: denied.slice(0, limit), deniedTotal: this.#denied.total }),
      ...(loops.length > 0 && { loops }),
      basis: this.#basis.digest(),
      ...(newest !== undefined && { newest }),
      unmatched: unmatched.slice(0, limit),
      unmatchedTotal: unmatched.length,
      unheard: unheard.slice(0, limit),
      unheardTotal: unheard.length,
    };
  }
}

/** How many lines of a list a reply has. */
function roomFor(name: keyof PlanLists, limit: number): number {
  return name === 'hosts' ? (MAX_HOSTS * limit) / MAX_LINES : limit;
}

/** Lays on pages what a reply with so many lines leaves; a line that fits none is left out, and counted all the same. */
function pagesOf(lists: PlanLists, limit: number, budgetBytes: number): readonly Partial<PlanLists>[] {
  const pages: Record<string, unknown[]>[] = [];
  let [roomBytes, room] = [0, 0];
  for (const [name, list] of Object.entries(lists)) {
    for (const line of list.slice(roomFor(name as keyof PlanLists, limit))) {
      const bytes = bytesOf(line) + 1;
      if (bytes > budgetBytes) continue;
      if (bytes > roomBytes || room === 0) {
        pages.push({});
        [roomBytes, room] = [budgetBytes, MAX_LIST];
      }
      const page = pages.at(-1) as Record<string, unknown[]>;
      page[name] ??= [];
      page[name].push(line);
      [roomBytes, room] = [roomBytes - bytes, room - 1];
    }
  }
  return pages;
}

type Counts = Pick<PlanHost, 'added' | 'changed' | 'deleted' | 'retargeted' | 'gate'>;

function countChanges(preview: GroupPreview): Counts {
  const count = (op: PlanChange['op']): number => preview.changes.filter((change) => change.op === op).length;
  const counts = { added: count('add'), changed: count('change'), deleted: count('delete') };
  const size = sizeOf(preview);
  const gate = excessOf(size);
  return {
    ...counts,
    ...(size.retargeted > 0 && { retargeted: size.retargeted }),
    ...(gate.length > 0 && { gate }),
  };
}

/** As the size gate counts. */
export function sizeOf({ changes, redirects }: Pick<GroupPreview, 'changes' | 'redirects'>): Size {
  const count = (impact: string): number => changes.filter((change) => change.impact === impact).length;
  const grown = changes.reduce((sum, { op }) => sum + Number(op === 'add') - Number(op === 'delete'), 0);
  return { had: redirects - grown, added: count('added'), removed: count('removed'), retargeted: count('retargeted') };
}

function planHost(
  { host, known: seen }: HostFacts,
  counts: Counts,
  preview: GroupPreview,
  capacity: Room | undefined,
): PlanHost {
  return {
    host,
    seen,
    ...counts,
    shadowed: preview.shadows.length,
    overlaps: preview.overlaps.total,
    redirects: preview.redirects,
    redirectsMax: capacity?.max ?? null,
    shapes4: preview.shapes[4],
    shapes6: preview.shapes[6],
    shapesMax: capacity?.shapesMax ?? null,
    over: overOf(preview, capacity),
  };
}

function overOf({ redirects, shapes }: GroupPreview, capacity: Room | undefined): readonly PlanOver[] {
  if (capacity === undefined) return [];
  const { max, shapesMax = Number.POSITIVE_INFINITY } = capacity;
  const over: PlanOver[] = [];
  if (redirects > max) over.push('redirects');
  if (shapes[4] > shapesMax) over.push('shapes4');
  if (shapes[6] > shapesMax) over.push('shapes6');
  return over;
}

function matters({ added, changed, deleted, shadowed, overlaps, over }: PlanHost): boolean {
  return added + changed + deleted + shadowed + overlaps + over.length > 0;
}
