// Ends the program with one clear line on a Node that is too old. Import it first; it uses nothing new itself.
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/**
 * Whether a version is at least what `engines.node` (`>=MAJOR.MINOR`) asks for.
 *
 * @param {string} version `MAJOR.MINOR.PATCH`
 * @param {string} required
 */
export function isRecentEnough(version, required) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = required.replace('>=', '').split('.').map(Number);
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

if (!isRecentEnough(process.versions.node, engines.node)) {
  console.error(`Boardwalk needs Node ${engines.node}; this is ${process.versions.node}.`);
  process.exit(1);
}
