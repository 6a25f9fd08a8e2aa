import { networkInterfaces } from 'node:os';
import { formatAddress, isLinkLocal, isUnicastTarget, parseAddress } from '../../protocol/address.ts';
import { MAX_ADDRESSES } from '../../protocol/packets.ts';

/** The addresses of the interfaces of our namespace that packets can be sent to from elsewhere, by their names. */
export function addressesByName(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [label, addresses = []] of Object.entries(networkInterfaces())) {
    const name = label.replace(/:.*$/, ''); // ip-address(8): a label begins with the name of its device
    found.set(name, [...(found.get(name) ?? []), ...addresses.flatMap(({ address }) => reachable(address))]);
  }
  return new Map([...found].map(([name, all]) => [name, all.sort().slice(0, MAX_ADDRESSES)]));
}

/** All of them. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ address }) => reachable(address)),
  );
}

function reachable(text: string): readonly string[] {
  const address = parseAddress(text);
  if (address === undefined || !isUnicastTarget(address)) return [];
  const canonical = formatAddress(address.bytes);
  return isLinkLocal(canonical) ? [] : [canonical];
}
