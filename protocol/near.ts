/** Answers the candidate that `word` most likely meant: at most two edits away and less than half of it; or undefined. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = 3;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word.toLowerCase(), candidate);
    if (distance < bestDistance && distance * 2 < Math.max(candidate.length, 3))
      [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** How what was probably meant is offered, wherever something is not known. */
export function didYouMean(meant: string): string {
  return `did you mean ${meant}?`;
}

/** What neighbouring tools and plain words call the fields of a redirect. */
const FIELD_WORDS: Readonly<Record<string, string>> = {
  hosts: 'node nodes selector on',
  match: 'when filter rule packets',
  to: 'action target then redirect',
  src: 'source from saddr srcip sourceip srcaddr sourceaddress',
  dst: 'destination dest daddr dstip destip destinationip dstaddr destinationaddress',
  proto: 'protocol ipprotocol',
  sport: 'srcport sourceport',
  dport: 'port dstport destport destinationport',
  in: 'iif ingress ininterface input',
  nexthop: 'via gateway gw hop',
  interface: 'dev device iface oif ifname link',
  mac: 'lladdr hwaddr ether macaddress',
  idle: 'timeout idletimeout',
  after: 'timeout ttl duration seconds for',
  expires: 'until expiry expiration deadline',
  priority: 'prio metric preference order',
  enabled: 'disabled active',
  description: 'comment note desc remark title',
  redirects: 'rules routes items specs',
};

/** Answers the field, of those that an object has, that somebody meant by another word; or undefined. */
export function meantField(word: string, names: readonly string[]): string | undefined {
  const plain = word.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return names.find((name) => FIELD_WORDS[name]?.split(' ').includes(plain)) ?? nearest(plain, names);
}

/** Counts the insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(at(above, column) + 1, at(current, column - 1) + 1, at(above, column - 1) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, at(older, column - 2) + 1);
      current.push(cost);
    }
    [older, above] = [above, current];
  }
  return at(above, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
