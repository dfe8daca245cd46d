/** Interruptions and I/O instructions of a whole machine against qemu-system-s390x: see README.md in the folder above. */
import { describe, expect, test } from 'vitest';
import { REFERENCE } from '../reference.ts';
import { events } from './events.ts';
import type { Guest } from './guest.ts';
import { HOT_PLUG_DEVICES, HOT_PLUG_STEPS, hotPlug } from './hot-plug.ts';
import { IO_DEVICES, inputOutput } from './input-output.ts';
import { interruptions } from './interruptions.ts';
import { PCI_DEVICES, pci } from './pci.ts';
import { logOfReference, logOfSubject, type UserStep } from './run.ts';

if (REFERENCE.missing !== undefined) console.warn(`comparison of machines skipped: ${REFERENCE.missing}`);

const TIMEOUT_MS = 200_000;
/** QEMU's devices and clocks go by the host's: where that holds its main loop up for 50 ms, interruptions come in another order. */
const RETRIES = 2;

/** Why a scenario is not the same; and which classes of interruptions it meets, where those are not either. */
type Difference = readonly [reason: string, classes?: readonly string[]];

interface Suite {
  readonly name: string;
  readonly devices: readonly string[];
  readonly steps?: readonly UserStep[];
  readonly guest: () => Guest;
  /** By scenario. */
  readonly differences: Readonly<Record<string, Difference>>;
}

const NO_RESIDUAL = 'the count of what has not been transferred is zero there';
const SENSE_ID = 'SENSE ID has 256 bytes there, and of another length is a program check';
const STALE = 'fields of the function before are still there';
const NOT_TAKEN = 'an interruption stays pending there whose status TSCH or CSCH has taken';
const LAST_FIRST = 'of one class the last is the first there';
const WIDE_BYTE = 'a byte where no configuration space is has 32 bits there';
const OPERAND_LATER = 'an operand in storage is looked at only when there is a function';
const AFTER_SVC = 'the old PSW has its new PSW, and the length of SVC more, there';
const AFTER_LPSWE = 'an event of LPSWE is told with the next interruption there';
const ONE_IO = ['I/O', 'supervisor call'];

const suites: readonly Suite[] = [
  {
    name: 'interruptions',
    devices: IO_DEVICES,
    guest: interruptions,
    differences: {
      'spt taken back': ['the condition is gone when the CPU timer is not below zero any more', ['supervisor call']],
    },
  },
  {
    name: 'input and output',
    devices: IO_DEVICES,
    guest: inputOutput,
    differences: {
      'no operation with a count': [NO_RESIDUAL],
      'sense ID, with its length': [SENSE_ID],
      'sense ID, too long': [SENSE_ID],
      'sense ID, too long, which is suppressed': [SENSE_ID],
      'sense ID into two places': [SENSE_ID],
      'a count of zero': [SENSE_ID],
      'an interruption between two commands': ['the flag is ignored there'],
      'a transfer at the start': ['the first CCW may be a transfer there'],
      'format 0': [STALE],
      'status of classes 3 and 3': [LAST_FIRST],
      'status of classes 3 and 3, class by class': [LAST_FIRST],
      'status of classes 3 and 3, taken by TPI': [LAST_FIRST],
      'status taken before its interruption': [NOT_TAKEN, ONE_IO],
      'tsch with status pending': [NOT_TAKEN, ONE_IO],
      'csch, idle and twice': [NOT_TAKEN, ONE_IO],
      'csch with status pending': [NOT_TAKEN, ['I/O', 'I/O', 'supervisor call']],
      'hsch, idle and twice': [STALE],
      'hsch with status pending': [STALE],
    },
  },
  {
    name: 'hot-plug',
    devices: HOT_PLUG_DEVICES,
    steps: HOT_PLUG_STEPS,
    guest: hotPlug,
    differences: {
      'one comes and goes in the third, which is empty then': ['every number is a subchannel in an empty set there'],
    },
  },
  {
    name: 'program-event recording',
    devices: IO_DEVICES,
    guest: events,
    differences: {
      'a fetch of SVC': [AFTER_SVC],
      'SVC by EXECUTE': [AFTER_SVC],
      'a fetch with an operation exception': ['no event is told there with an operation exception'],
      'a branch that is taken': ['the old PSW has the instruction behind the branch there'],
      'LPSWE is fetched, and ends the watch': [AFTER_LPSWE],
      'an event of LPSWE that opens for external': [AFTER_LPSWE, ['program']],
      'an event of LPSWE that loads a wait, which external ends': [AFTER_LPSWE, ['program']],
    },
  },
  {
    name: 'PCI',
    devices: PCI_DEVICES,
    guest: pci,
    differences: {
      'pcilg of 1 at 256 in space 15': [WIDE_BYTE],
      'pcilg of 1 at 4092 in space 15': [WIDE_BYTE],
      'pcilg of 1 at 4096 in space 15': [WIDE_BYTE],
      'pcistb of a function that is none, with an operand that is nowhere': [OPERAND_LATER, ['program']],
      'mpcifc of a function that is none, with an operand that is nowhere': [OPERAND_LATER, ['program']],
      'stpcifc of a function that is none, with an operand that is nowhere': [OPERAND_LATER, ['program']],
    },
  },
];

const classesOf = (log: readonly string[]): readonly string[] => log.filter((line) => !line.startsWith(' '));

describe.skipIf(REFERENCE.missing !== undefined)('a machine is as on qemu-system-s390x', () => {
  test.each(suites)(
    '$name',
    { timeout: TIMEOUT_MS, retry: RETRIES },
    async ({ devices, steps = [], guest: build, differences }) => {
      const guest = build();
      const theirs = await logOfReference(guest, { devices, steps });
      for (const tier of ['tier0', 'tier1'] as const) {
        const ours = await logOfSubject(guest, { devices, steps }, tier);
        expect(guest.names.filter((name) => ours[name]?.length === 0)).toEqual([]);
        for (const name of [...guest.names, 'save areas']) {
          const [log = [], expected = []] = [ours[name], theirs[name]];
          const difference = differences[name];
          const at = `${tier}: ${name}`;
          if (difference === undefined) expect([at, ...log]).toEqual([at, ...expected]);
          else expect([at, ...classesOf(log)]).toEqual([at, ...(difference[1] ?? classesOf(expected))]);
        }
      }
    },
  );
});
