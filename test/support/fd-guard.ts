/**
 * Reports the descriptors that a test file opened and did not close: BPF objects, files, namespaces, and sockets of
 * the network families. Loaded into the process of a test file by `--import`; writes to the file that
 * SHUNT_TEST_DESCRIPTORS names, one descriptor a line, as the process exits and before its environment is torn down.
 */
import { appendFileSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const TABLES = ['netlink', 'tcp', 'tcp6', 'udp', 'udp6', 'packet', 'raw', 'raw6'];

function openDescriptors(): Map<string, string> {
  const open = new Map<string, string>();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      open.set(fd, readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      // The descriptor of the walk itself.
    }
  }
  return open;
}

function networkInodes(): Set<string> {
  const inodes = new Set<string>();
  for (const table of TABLES) {
    for (const row of readFileSync(`/proc/self/net/${table}`, 'utf8').split('\n')) {
      for (const field of row.trim().split(/\s+/)) inodes.add(field);
    }
  }
  return inodes;
}

function matters(target: string, network: Set<string>): boolean {
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
  if (inode !== undefined) return network.has(inode);
  return /^(anon_inode:\[?bpf|net:|mnt:|\/(?!dev\/|proc\/))/.test(target);
}

const report = process.env.SHUNT_TEST_DESCRIPTORS;
if (report !== undefined && isMainThread) {
  const before = openDescriptors();
  process.on('exit', () => {
    const network = networkInodes();
    for (const [fd, target] of openDescriptors()) {
      if (before.get(fd) !== target && matters(target, network)) appendFileSync(report, `${fd} ${target}\n`);
    }
  });
}
