/** What Linux says that a process took. */
import { readFileSync } from 'node:fs';

/** proc_pid_stat(5): USER_HZ is 100 a second on all that we run on. */
const TICK_MS = 10;

/** CPU time since it started, of the program and of the kernel for it. */
export function cpuMsOf(pid: number | undefined): number {
  const [, user, system] = /\) \w(?: -?\d+){10} (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  return (Number(user) + Number(system)) * TICK_MS;
}

/** Memory that it has, in bytes, and the most that it had. */
export function memoryOf(pid: number | undefined): Readonly<Record<'rss' | 'anon' | 'peak', number>> {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  return { rss: bytes('VmRSS'), anon: bytes('RssAnon'), peak: bytes('VmHWM') };
}
