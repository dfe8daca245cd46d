/** Reservations: load-reserved and store-conditional with all sorts of things in between. */
import { encode } from '../assembler.ts';
import { SCRATCH } from '../layout.ts';
import { anyPrivilege, mstatusFor, type Program } from '../program.ts';
import type { Suite } from './suite.ts';

const BASE = 8;
const OTHER = 9;
const VALUE = 10;
const RESULT = 11;

/** What lies between load-reserved and store-conditional. */
function between(program: Program): readonly number[] {
  const { random } = program;
  const store = (rs1: number, imm: number) => encode(random.pick(['sb', 'sh', 'sw', 'sd']), { rs1, rs2: VALUE, imm });
  switch (random.below(8)) {
    case 0:
      return [store(BASE, 0)];
    case 1:
      return [store(BASE, 8)];
    case 2:
      return [store(OTHER, 0)];
    case 3:
      return [encode('amoadd.w', { rd: 12, rs1: BASE, rs2: VALUE })];
    case 4:
      // The value that is there already.
      return [encode('lw', { rd: 12, rs1: BASE, imm: 0 }), encode('sw', { rs1: BASE, rs2: 12, imm: 0 })];
    case 5:
      return [encode('lr.d', { rd: 12, rs1: OTHER })];
    case 6:
      return [encode('sc.w', { rd: 12, rs1: OTHER, rs2: VALUE })];
    default:
      return random.oneIn(2) ? [] : [encode('fence.i')];
  }
}

export const reservations: Suite = {
  name: 'reservations',
  quick: 2000,
  build(program, cases) {
    const { random } = program;
    while (program.cases.length < cases && !program.full) {
      const size = random.pick(['w', 'd']);
      const second = random.oneIn(8) ? random.pick(['w', 'd']) : size;
      const words = [
        ...(random.oneIn(8) ? [] : [encode(`lr.${size}`, { rd: 5, rs1: BASE, aqrl: random.below(4) })]),
        ...between(program),
        encode(`sc.${second}`, { rd: RESULT, rs1: random.oneIn(6) ? OTHER : BASE, rs2: VALUE, aqrl: random.below(4) }),
        ...(random.oneIn(3) ? [encode(`sc.${size}`, { rd: 13, rs1: BASE, rs2: RESULT })] : []),
        encode('ld', { rd: 14, rs1: BASE, imm: 0 }),
      ];
      const at = BigInt(SCRATCH + 8 * random.below(1024));
      // Same place, its neighbour or elsewhere.
      const other = random.pick([at, at ^ 4n, at ^ 8n, at + 256n]);
      program.add({
        group: `sc.${second}`,
        pc: program.place(...words),
        mstatus: mstatusFor(anyPrivilege(random)),
        x: { [BASE]: at, [OTHER]: other },
      });
    }
  },
};
