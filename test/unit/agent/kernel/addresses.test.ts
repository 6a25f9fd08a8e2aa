import test from 'ava';
import { addressesByName, ownAddresses } from '../../../../agent/kernel/addresses.ts';
import { Ingresses } from '../../../../agent/reconcile/ingresses.ts';
import { formatAddress, isLinkLocal, isUnicastTarget, parseAddress } from '../../../../protocol/address.ts';

test('addresses: of each interface those that packets can be sent to, in normal form', (t) => {
  const found = addressesByName();
  t.deepEqual(found.get('lo') ?? [], []);
  for (const [name, addresses] of found) {
    t.notRegex(name, /:/);
    for (const text of addresses) {
      const address = parseAddress(text);
      t.true(address !== undefined && isUnicastTarget(address) && !isLinkLocal(text), text);
      t.is(formatAddress(address?.bytes ?? new Uint8Array()), text);
    }
  }
});

test('ingresses: an interface tells its addresses, and that they are others now', (t) => {
  const ingresses = new Ingresses([]);
  const dev = { ifindex: 2, name: 'eth0', mac: '02:00:00:00:00:01', mtu: 1500, up: true, carrierDowns: 0 };
  const look = (addresses: readonly string[] | undefined) =>
    ingresses.look(
      {
        netdevs: [
          { ...dev, takesRedirects: true, attached: 'native', zone: 1, ...(addresses !== undefined && { addresses }) },
        ],
        zones: new Map([[2, 1]]),
        ports: new Map(),
      },
      0,
    );
  t.true(look(['10.0.0.1']).changed);
  t.deepEqual(ingresses.list[0]?.addresses, ['10.0.0.1']);
  t.false(look(['10.0.0.1']).changed);
  t.true(look(['10.0.0.2']).changed);
  t.true(look(undefined).changed);
  t.false('addresses' in (ingresses.list[0] ?? {}));
});

test('addresses: those of the host are those of its interfaces, however many one has', (t) => {
  const own = new Set(ownAddresses());
  const ofInterfaces = [...addressesByName().values()].flat();
  t.deepEqual(
    ofInterfaces.filter((address) => !own.has(address)),
    [],
  );
  t.deepEqual(
    [...own].filter((address) => /^(127\.|::1$|fe80:)/.test(address)),
    [],
  );
});
