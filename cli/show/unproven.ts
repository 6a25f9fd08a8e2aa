import type { AnyCode } from '../../protocol/codes.ts';
import type { HostProblem } from '../../protocol/status.ts';
import { problemText } from './format.ts';

/** Says of a host of which it is not known what it has why that is so, what becomes of its packets, and the way out. */
export function unprovenText(host: string, problems: readonly HostProblem[]): string {
  const codes = problems.map(({ code }) => code);
  return [
    `the redirects of ${host} are not all known; what stands in its kernel is kept`,
    ...problems.map((problem) => `- ${problemText(problem)}`),
    wayOut(host, codes),
  ].join('\n');
}

/** What ends that a host which says these is not known. */
export function wayOut(host: string, codes: readonly AnyCode[]): string {
  if (codes.includes('STORE_NEWER')) return 'run the newer agent again';
  const otherwise = `shunt resync --host ${host}, or shunt controller recover`;
  return `its set is fetched once the controller is reachable and knows the host's history; else ${otherwise}`;
}
