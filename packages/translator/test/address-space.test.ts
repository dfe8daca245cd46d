/** What is forgotten where another address space begins: `tlbFlushSpace`, with pages that the TLB holds and with some that it cannot. */
import { defineHelper, type Frontend } from '@boardwalk/translator';
import { describe, expect, it } from 'vitest';
import { start } from './frontends/harness.ts';
import { jmp, movImm, X, x86ishPaged } from './frontends/x86ish.ts';

const PAGE = 0x5000;

/** The page at PAGE belongs to the address space, whose number, s7, is where it lies; mappings have 2^`bits` bytes. */
function spaced(bits: number): Frontend {
  const { walkPa, walkBits, walkLocal } = x86ishPaged.state.common;
  const space = x86ishPaged.state.fields.find(({ slot }) => slot.name === 's7')?.slot;
  if (space === undefined) throw new Error('no register s7');
  const walk = defineHelper('spaced_walk', ['i64', 'i32', 'i32'], 'i32', (b, va) => {
    b.set(walkBits, b.i32(bits));
    b.set(walkPa, va);
    b.if(b.eq(b.shr(va, b.i64(12)), b.i64(PAGE >> 12)), () => {
      b.set(walkLocal, b.i32(1));
      b.set(walkPa, b.or(b.get(space), b.and(va, b.i64(0xfff))));
    });
    return b.i32(0);
  });
  return { ...x86ishPaged, walk };
}

describe.each(['off', 10] as const)('another address space, with tier 1 %s', (tier1) => {
  it.each([
    ['pages', 12],
    ['pieces of pages', 11],
  ])('has its own code, where mappings are %s', async (_, bits) => {
    const m = await start(spaced(bits), jmp(0, PAGE), { tier1 });
    m.put(0x8000, [...movImm(0, 8), X.hlt]);
    m.put(0x9000, [...movImm(0, 9), X.hlt]);
    const flush = m.cpu.engine.compile(defineHelper('another_space', [], undefined, (b) => b.tlbFlushSpace()));
    const seen: bigint[] = [];
    for (let n = 0; n < 60; n++) {
      if (n % 20 === 0) {
        m.setReg('s7', n % 40 === 0 ? 0x8000 : 0x9000);
        flush(m.cpu.base);
      }
      m.cpu.pc = 0n;
      m.cpu.halted = false;
      m.run();
      if (n % 20 !== 10) continue;
      seen.push(m.reg('e0'));
    }
    expect(seen).toEqual([8n, 9n, 8n]);
  });
});
