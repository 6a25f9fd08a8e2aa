/** The oldest Node.js that runs Shunt, as package.json says. */
const NODE = 24;

/**
 * Whether this Node.js is too old, which has then been told. Plain JavaScript, in words that any of them understands: an
 * older one cannot read every other file.
 */
export function isTooOld() {
  const { versions, execPath, stderr } = process;
  if (Number.parseInt(versions.node, 10) >= NODE) return false;
  const found = `${execPath} is Node.js ${versions.node}`;
  stderr.write(`shunt: ${found}, and Shunt needs ${NODE} or newer; install one, or put it first in PATH\n`);
  process.exitCode = 1;
  return true;
}
