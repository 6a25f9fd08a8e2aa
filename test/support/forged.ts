/**
 * Messages with which anybody who can reach a host writes into the kernel's route caches, and the wire that they go out
 * on. Each embeds the head of a packet that the host is said to have sent.
 */
import { parseAddress } from '../../protocol/address.ts';
import { frame, ICMP, ICMP6, internetChecksum, ipv4, ipv6 } from './packets.ts';

const FRAGMENTATION_NEEDED = { type: 3, code: 4 };
const REDIRECT_HOST = { type: 5, code: 1 };
const PACKET_TOO_BIG = { type: 2, code: 0 };
const ROUTER_ADVERTISEMENT = { type: 134, code: 0 };
const ND_REDIRECT = { type: 137, code: 0 };
/** RFC 4861, 4.6: link-layer addresses of source and target, the head of what is redirected, the MTU of the link. */
const OPTION_SOURCE = 1;
const OPTION_TARGET = 2;
const OPTION_REDIRECTED = 4;
const OPTION_MTU = 5;

/** From whom a message comes, the host that shall believe it, and the destination that it speaks of. */
export interface Said {
  readonly from: string;
  readonly host: string;
  readonly about: string;
  /** MAC of the host. */
  readonly mac: string;
}

/** ICMP "fragmentation needed" in IPv4, "packet too big" in IPv6: from now on no more than `mtu` bytes. */
export function tooBig({ from, host, about, mac }: Said, mtu: number): Uint8Array {
  if (isIpv6(host)) {
    const body = message(PACKET_TOO_BIG, u32(mtu), sent6(host, about));
    return frame(ipv6(summed6(from, host, body), { src: from, dst: host, next: ICMP6 }), { dst: mac });
  }
  const body = summed(message(FRAGMENTATION_NEEDED, u32(mtu), sent4(host, about)));
  return frame(ipv4(body, { src: from, dst: host, proto: ICMP }), { dst: mac });
}

/** ICMP or neighbour discovery "redirect": from now on by `gateway`. It counts if it comes from the gateway in use. */
export function redirect({ from, host, about, mac }: Said, gateway: string, gatewayMac: string): Uint8Array {
  if (isIpv6(host)) {
    const embedded = sent6(host, about);
    const target = [OPTION_TARGET, 1, ...macBytes(gatewayMac)];
    const redirected = [OPTION_REDIRECTED, (8 + embedded.length) / 8, 0, 0, 0, 0, 0, 0, ...embedded];
    const rest = [...bytes(gateway), ...bytes(about), ...target, ...redirected];
    const body = summed6(from, host, message(ND_REDIRECT, u32(0), rest));
    return frame(ipv6(body, { src: from, dst: host, next: ICMP6, hops: 255 }), { dst: mac });
  }
  const body = summed(message(REDIRECT_HOST, bytes(gateway), sent4(host, about)));
  return frame(ipv4(body, { src: from, dst: host, proto: ICMP }), { dst: mac });
}

/** A router advertisement: all hosts of the link are told a default router, and an MTU of the link. */
export function advertisement(from: string, routerMac: string, mtu: number): Uint8Array {
  const ALL_HOSTS = 'ff02::1';
  const lifetime = [0x02, 0x58];
  const options = [OPTION_SOURCE, 1, ...macBytes(routerMac), OPTION_MTU, 1, 0, 0, ...u32(mtu)];
  const body = message(ROUTER_ADVERTISEMENT, [64, 0, ...lifetime], [...u32(0), ...u32(0), ...options]);
  const packet = ipv6(summed6(from, ALL_HOSTS, body), { src: from, dst: ALL_HOSTS, next: ICMP6, hops: 255 });
  return frame(packet, { dst: '33:33:00:00:00:01' });
}

/** Puts frames on the wire behind a device, as they are. */
const SEND = `
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
for each in sys.argv[2:]:
    wire.send(bytes.fromhex(each))`;

/** The command that sends frames out of a device; it needs root. */
export function sendFrames(device: string, frames: readonly Uint8Array[]): string[] {
  return ['python3', '-c', SEND, device, ...frames.map((each) => Buffer.from(each).toString('hex'))];
}

/** An answer to a ping: the kernel believes errors about it without a socket that sent it. */
function sent4(src: string, dst: string): Uint8Array {
  const ECHO_REPLY = 0;
  return ipv4(summed(message({ type: ECHO_REPLY, code: 0 }, u32(1), [])), { src, dst, proto: ICMP });
}

function sent6(src: string, dst: string): Uint8Array {
  const ECHO_REPLY = 129;
  const body = summed6(src, dst, message({ type: ECHO_REPLY, code: 0 }, u32(1), []));
  return ipv6(body, { src, dst, next: ICMP6 });
}

type Bytes = Uint8Array | readonly number[];

function message({ type, code }: { type: number; code: number }, rest: Bytes, data: Bytes): Uint8Array {
  return Uint8Array.from([type, code, 0, 0, ...rest, ...data]);
}

function summed(body: Uint8Array): Uint8Array {
  return withSum(body, internetChecksum(body));
}

/** The sum of ICMPv6 covers addresses, length and protocol, too (RFC 8200, 8.1). */
function summed6(src: string, dst: string, body: Uint8Array): Uint8Array {
  const pseudo = [...bytes(src), ...bytes(dst), ...u32(body.length), 0, 0, 0, ICMP6];
  return withSum(body, internetChecksum(Uint8Array.from([...pseudo, ...body])));
}

function withSum(body: Uint8Array, sum: number): Uint8Array {
  const whole = Uint8Array.from(body);
  whole.set([sum >> 8, sum & 0xff], 2);
  return whole;
}

function u32(value: number): number[] {
  return [value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
}

function bytes(text: string): Uint8Array {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is not an address`);
  return address.bytes;
}

function macBytes(text: string): number[] {
  return text.split(':').map((byte) => Number.parseInt(byte, 16));
}

function isIpv6(text: string): boolean {
  return text.includes(':');
}
