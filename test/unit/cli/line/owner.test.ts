import test from 'ava';
import { Failure } from '../../../../cli/line/failure.ts';
import { parseOwner } from '../../../../cli/line/owner.ts';

const ACCOUNTS = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nshunt:x:998:997::/var/lib/shunt:/usr/sbin/nologin\n7up:x:70:71::/:/bin/sh\n',
  group: 'root:x:0:\nshunt:x:997:\nnetdev:x:42:shunt\n',
};

test('owner: a user by name or number, with the own group or another', (t) => {
  t.deepEqual(parseOwner('shunt', ACCOUNTS), { uid: 998, gid: 997 });
  t.deepEqual(parseOwner('998', ACCOUNTS), { uid: 998, gid: 997 });
  t.deepEqual(parseOwner('shunt:netdev', ACCOUNTS), { uid: 998, gid: 42 });
  t.deepEqual(parseOwner('7up', ACCOUNTS), { uid: 70, gid: 71 });
  t.deepEqual(parseOwner('12345:678', ACCOUNTS), { uid: 12345, gid: 678 });
});

test('owner: what cannot be resolved is named, with what to do', (t) => {
  const cases: [string, string][] = [
    ['', '--owner : expected USER or USER:GROUP'],
    ['shunt:', '--owner shunt:: expected USER or USER:GROUP'],
    ['a:b:c', '--owner a:b:c: expected USER or USER:GROUP'],
    ['nosuch', '--owner nosuch: no user nosuch in /etc/passwd; name another, or give its number'],
    ['shunt:nosuch', '--owner shunt:nosuch: no group nosuch in /etc/group; name another, or give its number'],
    ['12345', '--owner 12345: user 12345 is not in /etc/passwd; give the group too, as 12345:GROUP'],
    ['4294967295:0', '--owner 4294967295:0: no user 4294967295 in /etc/passwd; name another, or give its number'],
  ];
  for (const [text, message] of cases) t.throws(() => parseOwner(text, ACCOUNTS), { instanceOf: Failure, message });
});
