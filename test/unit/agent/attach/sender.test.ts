import test from 'ava';
import { tagCommand } from '../../../../agent/attach/sender.ts';

test('sender: the command names a far end as a shell reads it, whatever its container has called it', (t) => {
  const offloads = ['tx-vlan-offload'];
  t.is(
    tagCommand({ name: 'eth0', netns: 'a', offloads }),
    'nsenter --net=/run/netns/a ethtool -K eth0 tx-vlan-offload off',
  );
  const strange = tagCommand({ name: '$(reboot);x', netns: "a'b c", offloads });
  t.is(strange, `nsenter --net='/run/netns/a'\\''b c' ethtool -K '$(reboot);x' tx-vlan-offload off`);
});
