import { MAX_LIST } from '../../protocol/api.ts';
import { bytesOf, isObject, type JsonObject } from '../../protocol/json.ts';
import { type GetItem, MAX_ITEM_HOSTS, type NotSent, type Rest } from '../../protocol/listings.ts';
import { MAX_TOLD } from '../../protocol/live.ts';
import { faultOf } from '../../protocol/spec.ts';
import { type Claim, contends, lackOf } from '../model/claim.ts';
import type { Wanted } from '../model/live.ts';
import type { RatesNow } from '../ports.ts';
import type { Held } from '../store/tables/holders.ts';
import type { StoredSpec } from '../store/tables/specs.ts';
import type { FleetView } from './fleet-view.ts';
import { fitting, tooLarge } from './paging.ts';

/** Where an item goes on, undefined for its beginning, and what it may take. */
interface Cut {
  readonly rest: Rest | undefined;
  /** The first of each list, and no more. */
  readonly brief: boolean;
  readonly budgetBytes: number;
  readonly rates?: RatesNow | undefined;
}

/** Where a redirect stands and where not, each list in the order of its hosts; and the hosts that its spec lists. */
interface Lists {
  readonly selector: readonly string[];
  readonly hosts: readonly string[];
  readonly hostsTotal: number;
  readonly shadowed: GetItem['shadowed'];
  readonly notSent: readonly NotSent[];
}

/** Before all hosts, and before the first that a spec lists. */
const START: Required<Rest> = Object.freeze({ selector: 0, hosts: ' ', shadowed: ' ', notSent: ' ' });
/** What a spec has to leave for the lists, so that each of them gets on. */
const LEAST_ROOM_BYTES = 1024;
/** What `rest` takes: four places. */
const REST_BYTES = 384;

/**
 * Says of a redirect where it stands, as far as there is room.
 * Errors: Declined TOO_LARGE when what it says itself, but for a list of hosts, leaves no room for them.
 */
export async function redirectItem(
  view: FleetView,
  { claim, json }: StoredSpec,
  { rest, brief, budgetBytes, rates }: Cut,
): Promise<GetItem> {
  const { held, ...lists } = await listsOf(view, claim, brief ? MAX_TOLD : undefined);
  const rev = held?.rev ?? 0;
  const listed = Array.isArray(json.hosts) ? (json.hosts as readonly string[]) : [];
  if (rest !== undefined) {
    return share({ spec: { name: claim.name }, rev }, { ...lists, selector: listed }, rest, budgetBytes, MAX_LIST);
  }
  const refused = faultOf(json);
  const rate = view.rateOf(held, rates);
  const said = {
    rev,
    ...(refused !== undefined && { refused }),
    live: view.live(wantedOf(claim, json), held, lists),
    ...(held !== undefined && { since: held.sinceMs }),
    ...(rate !== undefined && { rate }),
  };
  const most = brief ? MAX_TOLD : MAX_ITEM_HOSTS;
  const ample = share({ spec: json, ...said }, { ...lists, selector: [] }, START, Number.POSITIVE_INFINITY, most);
  if (bytesOf(ample) < budgetBytes) return brief ? withoutRest(ample) : ample;
  const spec = bytesOf(json) + LEAST_ROOM_BYTES > budgetBytes && listed.length > 0 ? { ...json, hosts: [] } : json;
  if (bytesOf(spec) + LEAST_ROOM_BYTES > budgetBytes) throw tooLarge(claim.name, bytesOf(spec), budgetBytes);
  const selector = spec === json ? [] : listed;
  return share({ spec, ...said }, { ...lists, selector }, START, budgetBytes, MAX_ITEM_HOSTS);
}

/** Gives each list its share of the room, the longest what the others leave. */
function share(
  { spec, rev, ...said }: Pick<GetItem, 'spec' | 'rev' | 'refused' | 'live' | 'since' | 'rate'>,
  lists: Lists,
  from: Rest,
  budgetBytes: number,
  limit: number,
): GetItem {
  const { hostsTotal, shadowed, notSent } = lists;
  const totals = { hostsTotal, shadowedTotal: shadowed.length, notSentTotal: notSent.length };
  const left = leftOf(lists, from);
  let room = budgetBytes - bytesOf({ spec, rev, ...said, ...EMPTY, ...totals }) - REST_BYTES;
  const take = <Item extends object | string>(items: readonly Item[], sharing: number): readonly Item[] => {
    const taken = fitting(items.slice(0, limit), room / sharing);
    room -= bytesOf(taken);
    return taken;
  };
  const told = { notSent: take(left.notSent, 4), shadowed: take(left.shadowed, 3), selector: take(left.selector, 2) };
  const given = { ...told, hosts: take(left.hosts, 1) };
  const rest = restOf(from, left, given);
  return {
    spec,
    hosts: given.hosts,
    hostsTotal: totals.hostsTotal,
    shadowed: given.shadowed,
    shadowedTotal: totals.shadowedTotal,
    rev,
    ...(notSent.length > 0 && { notSent: given.notSent, notSentTotal: totals.notSentTotal }),
    ...(lists.selector.length > 0 && from.selector !== undefined && { selector: given.selector }),
    ...(Object.keys(rest).length > 0 && { rest }),
    ...said,
  };
}

const EMPTY: Lists = Object.freeze({ selector: [], hosts: [], hostsTotal: 0, shadowed: [], notSent: [] });

/** What there is from a place on; of a list that is not asked for, nothing. */
function leftOf({ selector, hosts, hostsTotal, shadowed, notSent }: Lists, from: Rest): Lists {
  const END = '~'; // after all hosts
  const { hosts: host = END, shadowed: loser = END, notSent: unsent = END } = from;
  return {
    selector: selector.slice(from.selector ?? selector.length),
    hosts: host === START.hosts ? hosts : hosts.filter((name) => name > host),
    hostsTotal,
    shadowed: shadowed.filter((one) => one.host > loser),
    notSent: notSent.filter((one) => one.host > unsent),
  };
}

/** Where those lists go on that are not at their end. */
function restOf(from: Rest, left: Lists, given: Omit<Lists, 'hostsTotal'>): Rest {
  const { selector = 0, hosts = '', shadowed = '', notSent = '' } = from;
  const isCut = (list: Exclude<keyof Lists, 'hostsTotal'>): boolean => given[list].length < left[list].length;
  return {
    ...(isCut('selector') && { selector: selector + given.selector.length }),
    ...(isCut('hosts') && { hosts: given.hosts.at(-1) ?? hosts }),
    ...(isCut('shadowed') && { shadowed: given.shadowed.at(-1)?.host ?? shadowed }),
    ...(isCut('notSent') && { notSent: given.notSent.at(-1)?.host ?? notSent }),
  };
}

/** Who looks at the first alone asks for no rest of it. */
function withoutRest({ rest: _, ...item }: GetItem): GetItem {
  return item;
}

/** What is looked at of a redirect where it stands; what an earlier release stored may say it in another way. */
function wantedOf({ name, key }: Claim, { match, to, idle, expires }: JsonObject): Wanted {
  const ingress = isObject(match) ? match.in : undefined;
  const egress = isObject(to) ? to.interface : undefined;
  return {
    name,
    key,
    ...(typeof expires === 'number' && { expires }),
    idles: idle !== undefined,
    ...(typeof ingress === 'string' && { ingress }),
    sends: typeof to !== 'string',
    ...(typeof egress === 'string' && { egress }),
  };
}

async function listsOf(
  view: FleetView,
  claim: Claim,
  most?: number,
): Promise<Omit<Lists, 'selector'> & { readonly held: Held | undefined }> {
  const all = await view.holders(claim.key);
  const held = all.find(({ name }) => name === claim.name);
  const shadowed = all.flatMap((other) => (other === held ? [] : losingTo(view, claim, other)));
  return {
    hosts: held === undefined ? [] : view.namesOf(held, most),
    hostsTotal: held?.hosts.length ?? 0,
    shadowed: shadowed.sort((a, b) => (a.host < b.host ? -1 : 1)),
    notSent: notSentOf(claim, view),
    held,
  };
}

/** Where another one has its key, and it would stand if that were not so. */
function losingTo(view: FleetView, claim: Claim, other: Held): GetItem['shadowed'][number][] {
  const hosts = view.namesOf(other).filter((host) => contends(claim, view.fleet.get(host)));
  return hosts.map((host) => ({ host, by: other.name }));
}

/** The hosts that a redirect is for and whose agents are too old for it. */
function notSentOf(claim: Claim, { fleet }: FleetView): readonly NotSent[] {
  if (!claim.enabled || claim.needs.length === 0) return [];
  const notSent = [...fleet.selected(claim.hosts)].flatMap((host): NotSent[] => {
    const lacks = lackOf(claim, host);
    return lacks.length === 0 ? [] : [{ host: host.host, code: 'AGENT_TOO_OLD', lacks }];
  });
  return notSent.sort((a, b) => (a.host < b.host ? -1 : 1));
}
