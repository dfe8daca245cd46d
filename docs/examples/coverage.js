// Which instructions of a guest were executed, and how often: `--load coverage.js` lists them on standard error at the end.
import { addInstrument, Coverage } from '@boardwalk/translator/instrument';

/** @param {import('@boardwalk/core').Machine} machine */
export function onMachine(machine) {
  const coverage = new Coverage(machine);
  addInstrument(machine, coverage);
  return () => {
    for (const { pc, count, text } of coverage.list()) {
      console.error(`${String(count).padStart(12)}  0x${pc.toString(16)}  ${text}`);
    }
  };
}
