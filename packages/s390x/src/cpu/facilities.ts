/**
 * Facilities that are implemented, and the bits by which STFLE tells them. Principles of Operation, SA22-7832, chapter "Operating
 * States", "Facility Indications". Names are those that `-cpu` takes; QEMU has the same.
 */
import type { CpuConfig } from './models.ts';

interface FacilitySpec {
  /** Bit of STFLE's list. */
  readonly bit: number;
  readonly description: string;
  /** First machine generation that has it: z10 is 10, z196 is 11. */
  readonly since: number;
  /** A machine of that generation can be without: its base model is. */
  readonly optional?: true;
}

/** Every facility that is implemented. */
export const FACILITIES = {
  esan3: { bit: 0, description: 'instructions marked N3', since: 7 },
  zarch: { bit: 1, description: 'z/Architecture', since: 7 },
  dateh: { bit: 3, description: 'DAT enhancement', since: 8 },
  stfle: { bit: 7, description: 'store facility list extended', since: 9 },
  edat: { bit: 8, description: 'enhanced DAT 1: large pages', since: 10, optional: true },
  srs: { bit: 9, description: 'sense running status', since: 9 },
  ipter: { bit: 13, description: 'IPTE range', since: 11, optional: true },
  etf2: { bit: 16, description: 'extended translation 2', since: 7 },
  ldisp: { bit: 18, description: 'long displacement', since: 8 },
  ldisphp: { bit: 19, description: 'long displacement has high performance', since: 9 },
  eimm: { bit: 21, description: 'extended immediate', since: 9 },
  etf3: { bit: 30, description: 'extended translation 3', since: 8 },
  etf2eh: { bit: 24, description: 'extended translation 2 enhancement', since: 9 },
  etf3eh: { bit: 22, description: 'extended translation 3 enhancement', since: 9 },
  parseh: { bit: 26, description: 'parsing enhancement', since: 10 },
  stckf: { bit: 25, description: 'store clock fast', since: 9 },
  mvcos: { bit: 27, description: 'move with optional specifications', since: 9 },
  ectg: { bit: 31, description: 'extract CPU time', since: 10 },
  csst: { bit: 32, description: 'compare and swap and store', since: 9 },
  csst2: { bit: 33, description: 'compare and swap and store 2', since: 10 },
  ginste: { bit: 34, description: 'general-instructions extension', since: 10 },
  exrl: { bit: 35, description: 'execute extensions', since: 10 },
  fpe: { bit: 37, description: 'floating-point extension (binary)', since: 11 },
  fpseh: { bit: 41, description: 'floating-point support enhancement', since: 10 },
  stfle45: {
    bit: 45,
    description: 'high words, interlocked access 1, distinct operands, load and store on condition',
    since: 11,
  },
  stfle49: { bit: 49, description: 'execution hint, load and trap, miscellaneous instructions 1', since: 12 },
  iacc2: { bit: 52, description: 'interlocked access 2', since: 11 },
  stfle53: { bit: 53, description: 'load and store on condition 2, load and zero rightmost byte', since: 13 },
  minste2: { bit: 58, description: 'miscellaneous-instruction extensions 2', since: 14 },
  minste3: { bit: 61, description: 'miscellaneous-instruction extensions 3', since: 15 },
  zpci: { bit: 69, description: 'PCI instructions', since: 12, optional: true },
  aen: { bit: 71, description: 'adapter-event notification', since: 12, optional: true },
  // No machine generation has it as such: `qemu` and `max` do.
  ais: { bit: 72, description: 'adapter-interruption suppression', since: 99 },
  aefsi: { bit: 75, description: 'access-exception fetch and store indication', since: 11, optional: true },
  edat2: { bit: 78, description: 'enhanced DAT 2: pages of 2 GiB', since: 12, optional: true },
  vx: { bit: 129, description: 'vector', since: 13, optional: true },
  vxpd: { bit: 134, description: 'vector packed decimal', since: 14, optional: true },
  vxeh: { bit: 135, description: 'vector enhancements 1', since: 14, optional: true },
  vxeh2: { bit: 148, description: 'vector enhancements 2', since: 15, optional: true },
} as const satisfies Record<string, FacilitySpec>;

export type Facility = keyof typeof FACILITIES;

/** What is known of a facility. */
export function facilitySpec(name: Facility): FacilitySpec {
  return FACILITIES[name];
}

/** Facilities in the order of their bits. */
export const FACILITY_NAMES = Object.keys(FACILITIES) as readonly Facility[];

/** Bit 2: z/Architecture is active, as it is from the start. */
const ZARCH_ACTIVE = 2;

/** The doublewords of STFLE's list, bit 0 the leftmost of the first; the last is not zero. */
export function facilityWords(config: CpuConfig): readonly bigint[] {
  const words: bigint[] = [];
  const numbers = [...config.facilities].map((name): number => FACILITIES[name].bit);
  for (const bit of [ZARCH_ACTIVE, ...numbers]) {
    const n = Math.floor(bit / 64);
    while (words.length <= n) words.push(0n);
    words[n] = (words[n] ?? 0n) | (1n << BigInt(63 - (bit % 64)));
  }
  return words;
}
