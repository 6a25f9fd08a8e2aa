/**
 * Every reason that Shunt gives to a program, on the wire, in status and in errors, with its meaning in one line.
 * Append-only: a code is never renamed or given another meaning. Each has a line in docs/protocol.md.
 */
export const CODES = {
  // A message or a document that is refused whole.
  TOO_LARGE: 'longer than a message may be',
  BAD_JSON: 'not UTF-8 JSON with an object at the top',
  TOO_DEEP: 'nested deeper than 16 levels',
  FORBIDDEN_KEY: 'contains the key __proto__',
  WRONG_VERSION: 'a protocol version that this program does not speak',
  FOREIGN_HOST: 'addressed to another host',
  MISSING_FIELD: 'a required field is absent',
  UNKNOWN_FIELD: 'a field that this program does not know',
  BAD_FIELD: 'a field of the wrong type or out of range',
  TOO_MANY: 'more elements than a message may carry',
  BAD_REV: 'revisions contradict one another',
  DUPLICATE_KEY: 'the same key twice in one message',
  KEY_MISMATCH: 'the key is not that of the match',
  BAD_REQUEST: 'a request that makes no sense here',

  // What a redirect may not say.
  BAD_NAME: 'not a valid redirect name',
  BAD_HOST: 'not a valid host id',
  BAD_LABEL: 'not a valid label key or value',
  BAD_SELECTOR: 'not a valid host selector',
  BAD_ADDRESS: 'not an IPv4 or IPv6 address',
  BAD_PREFIX: 'not an address prefix, or one with host bits set',
  MAPPED_ADDRESS: 'an IPv4-mapped IPv6 address; write the IPv4 address',
  MIXED_FAMILIES: 'IPv4 and IPv6 in one redirect',
  NO_ADDRESS: 'neither a source nor a destination',
  BAD_PROTO: 'not a protocol, or one of the other address family',
  BAD_PORT: 'not a port from 1 to 65535',
  PORT_WITHOUT_PROTO: 'a port without proto tcp or udp',
  BAD_INTERFACE: 'not a valid interface name',
  BAD_MAC: 'not a unicast MAC address',
  BAD_ACTION: 'not an action',
  BAD_TARGET: 'not an address that packets can be sent to',
  BAD_DURATION: 'not a duration such as 30s, 10m, 2h or 1d',
  BAD_TIME: 'not an RFC 3339 time or milliseconds since 1970',
  NOT_SUPPORTED: 'understood, but not offered by this version',
  DUPLICATE_NAME: 'the same redirect name twice in one upload',
  NEVER_MATCHES: 'a match that no packet has, or only packets that must not be sent on',

  // Why an intent is blocked, denied or failed on a host.
  UNSUPPORTED_ACTION: 'this agent cannot do the action',
  NO_INTERFACE: 'the interface does not exist or is down',
  NOT_ETHERNET: 'the interface is no Ethernet: frames can neither be redirected to it nor come in by it',
  NO_ROUTE: 'no route leads out of this host to the target',
  NO_NEIGHBOUR: 'the next hop does not answer address resolution',
  NO_XDP_PATH: 'the target interface cannot take redirected frames',
  NOT_ATTACHED: 'the program is not attached where the redirect needs it',
  MAP_FULL: 'no room or no free slot in the kernel map',
  SHAPES_FULL: 'the host already uses as many shapes as it can look up',
  GUARD_DENIED: "outside of what the host's guard allows",
  REVERTED: 'nobody confirmed the change in time, so the host took it back and stands as it was before',
  BRAKE:
    'the change would remove or send elsewhere too many redirects at once; the host withholds it until that is allowed',
  KERNEL_REFUSED: 'the kernel answered with an error',
  UNSUPPORTED_OPTION: 'this agent cannot do an option of the redirect',
  READ_BACK: 'the kernel took the entry, and something else stands there',
  AGENT_TOO_OLD: 'the agent does not say that it can do this, so the redirect is not sent to it',
  UNDELIVERED: 'installed, but packets die on their way out of the interface',
  HITS_PASSED: 'installed, but packets that match are passed, for they cannot be sent as they are',

  // Standing of a host and of its store, the gravest first: of several, a host names them in this order.
  FOREIGN_WRITER: 'somebody else changes a pinned map again and again, whatever the agent writes there',
  HISTORY_LOST:
    "the host's revision is not in the controller's log; it keeps what it has until the newest database is back, or until shunt resync or shunt controller recover",
  FOREIGN_EPOCH:
    'the host follows a log that this controller does not know, and keeps what it has until the newest database is back, or until shunt resync or shunt controller recover',
  SUPERSEDED: "the host's epoch was replaced; it takes a full resync",
  STORE_NEWER: 'the local store holds what this agent cannot read: it was written by a newer one',
  STORE_DAMAGED: 'the local store failed its checks',
  STORE_UNWRITABLE: 'the local store takes no changes now: disk full, read-only or locked',
  BAD_DIGEST: 'the set does not have the digest that was promised',
  ADOPTING: 'the store is older than the kernel; nothing is touched before a full resync',
  CONTROLLER_SILENT: 'no answer from the controller for a minute; what stands goes on, and changes wait',

  // What is wrong with a controller.
  SPECS_DAMAGED:
    "redirects are missing from the controller's database; nothing that stands goes before somebody decides",

  // Why a rollout stands still, or goes or went back.
  NO_HOSTS: 'none of the hosts that are left is there to take it, or none is left to be judged',
  INCONCLUSIVE: 'a gate has neither passed nor failed in the time that it had',
  NO_TRAFFIC: 'too few packets met what was changed for a verdict',
  TELEMETRY: 'neither the hosts that have the change nor the others are heard, so nobody knows',
  HISTORY: "the log's history was begun anew",
  GATE_FAILED: 'a gate failed',
  NOT_IN_TIME: 'hosts did not have the change in the time that they had',
  ASKED: 'somebody asked for it',
  HOST_SILENT: 'hosts that have the change fell silent, and others did not',
  EXCEPTIONS: 'what was changed is not in force on hosts that have it',
  LOSSES: 'more packets are lost on their way out than may be',
  DROPS: 'more packets are dropped than may be',
  EXTERNAL: 'somebody outside said that it is bad',

  // What a service answers when it cannot do what was asked.
  UNKNOWN_VERB: 'no such verb',
  UNKNOWN_HOST: 'no such host',
  UNKNOWN_REDIRECT: 'no such redirect here',
  SET_CHANGED: 'the set has other redirects than those that were looked at; look again',
  UNKNOWN_CHANGE: 'no such change',
  AMBIGUOUS_CHANGE: 'several changes begin with this id',
  UNKNOWN_ROLLOUT: 'no such rollout',
  AMBIGUOUS_ROLLOUT: 'several rollouts begin with this id',
  ROLLOUT_ENDED: 'the rollout has ended',
  ROLLOUT_MOVED: 'the rollout is not as it was when it was looked at; look again',
  GOING_BACK: 'the rollout goes back already, and nothing stops that',
  NOT_ASKED: 'no gate of the rollout asks for a verdict from outside',
  COLLATERAL: 'redirects that the rollout does not name would be touched',
  JUST_ROLLED_BACK: 'the same was rolled back a moment ago',
  CHANGED_SINCE: 'what would be undone was changed since by others',
  UPLOAD_LOST: 'parts of the upload are missing; send it again',
  BUSY: 'too much at once; try again later',
  SHRINKS_TOO_MUCH: 'on a host, more redirects would go or send elsewhere than a change may without saying so',
  GROWS_TOO_MUCH: 'a host would be given more redirects at once than a change may without saying so',
  ROLLOUT_ACTIVE: 'a rollout that has not ended holds the redirect or its match',
  REDIRECT_LOOP: 'packets would go round from host to host',
  PLAN_STALE: 'what the plan relied on is otherwise by now; plan again',
  HOST_SPEAKS: 'the host was heard just now, so it is not forgotten',
  NOT_READY: 'not before more is known, such as the status of the host; try again later',
  INTERNAL: 'a fault of the answering program; its log has the details',
} as const;

export type Code = keyof typeof CODES;

/** A code as received: a newer peer may send one that this program does not know. */
export type AnyCode = Code | (string & {});

/** A host that says one of these may have redirects in its kernel that its set does not name; they are kept. */
export const UNPROVEN: readonly AnyCode[] = ['STORE_NEWER', 'STORE_DAMAGED', 'ADOPTING'] satisfies readonly Code[];
