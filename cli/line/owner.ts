import { readFileSync } from 'node:fs';
import { usage } from './failure.ts';

/** The numeric owner of pinned maps. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The databases that names are looked up in; directories such as LDAP are not asked. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

const MAX_ID = 0xffff_fffe; // (uid_t) -1 means "leave as it is" to chown(2)

/** Reads USER[:GROUP], names or numbers; without GROUP it is the user's own. Errors: Failure USAGE. */
export function parseOwner(text: string, accounts: Accounts = systemAccounts()): Owner {
  const [user = '', group, ...rest] = text.split(':');
  if (user === '' || group === '' || rest.length > 0) throw usage(`--owner ${text}: expected USER or USER:GROUP`);
  const account = find(accounts.passwd, user);
  const uid = idOf(user) ?? account?.id;
  if (uid === undefined)
    throw usage(`--owner ${text}: no user ${user} in /etc/passwd; name another, or give its number`);
  if (group !== undefined) return { uid, gid: groupId(text, group, accounts) };
  if (account?.gid === undefined)
    throw usage(`--owner ${text}: user ${user} is not in /etc/passwd; give the group too, as ${text}:GROUP`);
  return { uid, gid: account.gid };
}

function groupId(text: string, group: string, accounts: Accounts): number {
  const gid = idOf(group) ?? find(accounts.group, group)?.id;
  if (gid === undefined)
    throw usage(`--owner ${text}: no group ${group} in /etc/group; name another, or give its number`);
  return gid;
}

/** Finds a line by name or number: `name:password:id[:gid…]` in both files (passwd(5), group(5)). */
function find(database: string, wanted: string): { readonly id: number; readonly gid: number | undefined } | undefined {
  const wantedId = idOf(wanted);
  for (const line of database.split('\n')) {
    const [name, , idText = '', gidText = ''] = line.split(':');
    const id = idOf(idText);
    if (id !== undefined && (name === wanted || id === wantedId)) return { id, gid: idOf(gidText) };
  }
  return undefined;
}

function idOf(text: string): number | undefined {
  return /^[0-9]{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined;
}

function systemAccounts(): Accounts {
  return { passwd: readFileSync('/etc/passwd', 'utf8'), group: readFileSync('/etc/group', 'utf8') };
}
