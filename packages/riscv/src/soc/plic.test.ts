import { afterEach, describe, expect, it } from 'vitest';
import { place, probe, type TestMachine, testMachine } from '../../../devices/test/machine.ts';
import { machineAndSupervisorContexts, Plic, type PlicOptions } from './plic.ts';

const BASE = 0xc00_0000;
const priority = (source: number): number => BASE + 4 * source;
const pending = (word: number): number => BASE + 0x1000 + 4 * word;
const enable = (context: number, word = 0): number => BASE + 0x2000 + 0x80 * context + 4 * word;
const threshold = (context: number): number => BASE + 0x20_0000 + 0x1000 * context;
const claim = (context: number): number => threshold(context) + 4;

let test: TestMachine | undefined;
afterEach(() => test?.machine.dispose());

async function plic(options: Partial<PlicOptions> = {}) {
  const make = () => new Plic({ sources: 96, contexts: machineAndSupervisorContexts(2), ...options });
  let device = make();
  const made = await testMachine((machine) => {
    device = place(machine, BASE, make());
  });
  test = made;
  return { ...made, device, irqs: device.irqs.map((irq) => probe(device, irq)) };
}

describe('PLIC', () => {
  it('has contexts M and S of each hart', async () => {
    const { device } = await plic();
    expect(device.contexts.map(({ hart, mode }) => `${hart}${mode}`)).toEqual(['0M', '0S', '1M', '1S']);
  });

  it('interrupts the contexts that have enabled a pending source, above their threshold', async () => {
    const { device, irqs, r32, w32 } = await plic();
    w32(priority(10), 3);
    w32(enable(1), 1 << 10);
    w32(enable(3), 1 << 10);
    w32(threshold(3), 3);
    device.input(10).set(true);
    expect(r32(pending(0))).toBe(1 << 10);
    expect(irqs.map((irq) => irq.level)).toEqual([false, true, false, false]);
    w32(threshold(3), 2);
    expect(irqs[3]?.level).toBe(true);
  });

  it('gives the highest priority first, the lowest number among equals, and 0 when there is none', async () => {
    const { device, r32, w32 } = await plic();
    for (const [source, level] of [
      [5, 2],
      [40, 7],
      [41, 7],
      [95, 1],
    ] as const) {
      w32(priority(source), level);
      device.input(source).set(true);
    }
    for (const word of [0, 1, 2]) w32(enable(0, word), 0xffff_ffff);
    expect([1, 2, 3, 4, 5].map(() => r32(claim(0)))).toEqual([40, 41, 5, 95, 0]);
  });

  it('claims regardless of the threshold', async () => {
    const { device, irqs, r32, w32 } = await plic();
    w32(priority(1), 1);
    w32(enable(0), 2);
    w32(threshold(0), 7);
    device.input(1).set(true);
    expect(irqs[0]?.level).toBe(false);
    expect(r32(claim(0))).toBe(1);
  });

  it('never interrupts with priority 0', async () => {
    const { device, irqs, r32, w32 } = await plic();
    w32(enable(0), 2);
    device.input(1).set(true);
    expect(irqs[0]?.level).toBe(false);
    expect(r32(claim(0))).toBe(0);
  });

  it('asks again after completion while a level stays high, and keeps a request whose level fell', async () => {
    const { device, irqs, r32, w32 } = await plic();
    w32(priority(1), 1);
    w32(enable(0), 2);
    device.input(1).set(true);
    expect(r32(claim(0))).toBe(1);
    expect([irqs[0]?.level, r32(pending(0)), r32(claim(0))]).toEqual([false, 0, 0]);
    w32(claim(0), 1);
    expect(irqs[0]?.level).toBe(true);
    device.input(1).set(false);
    expect(r32(claim(0))).toBe(1);
    w32(claim(0), 1);
    expect(irqs[0]?.level).toBe(false);
  });

  it('ignores completion of a source that the context has not enabled', async () => {
    const { device, irqs, r32, w32 } = await plic();
    w32(priority(1), 1);
    w32(enable(0), 2);
    device.input(1).set(true);
    r32(claim(0));
    w32(claim(1), 1);
    w32(claim(0), 0);
    w32(claim(0), 500);
    expect(irqs[0]?.level).toBe(false);
    w32(claim(0), 1);
    expect(irqs[0]?.level).toBe(true);
  });

  it('remembers an edge that comes while the source is in service', async () => {
    const { device, irqs, r32, w32 } = await plic({ edgeTriggered: [7] });
    w32(priority(7), 1);
    w32(enable(0), 1 << 7);
    device.input(7).set(true);
    expect(r32(claim(0))).toBe(7);
    w32(claim(0), 7);
    expect(irqs[0]?.level).toBe(false); // the line is still high: no new edge
    device.input(7).set(false);
    device.input(7).set(true);
    expect(r32(claim(0))).toBe(7);
    device.input(7).set(false);
    device.input(7).set(true);
    expect(irqs[0]?.level).toBe(false);
    w32(claim(0), 7);
    expect(irqs[0]?.level).toBe(true);
  });

  it('has only the registers that its sources and contexts need', async () => {
    const { r32, w32 } = await plic({ sources: 35 });
    w32(enable(0, 0), 0xffff_ffff);
    w32(enable(0, 1), 0xffff_ffff);
    w32(enable(0, 2), 0xffff_ffff);
    expect([r32(enable(0, 0)), r32(enable(0, 1)), r32(enable(0, 2))]).toEqual([0xffff_fffe, 0xf, 0]);
    w32(priority(35), 0xffff_ffff);
    w32(priority(36), 1);
    w32(priority(0), 1);
    expect([r32(priority(35)), r32(priority(36)), r32(priority(0))]).toEqual([7, 0, 0]);
    w32(pending(0), 0xffff_ffff);
    expect(r32(pending(0))).toBe(0);
  });

  it('loses enables and requests at a reset, but not what is still asked for', async () => {
    const { device, irqs, machine, r32, w32 } = await plic();
    w32(priority(1), 1);
    w32(enable(0), 2);
    device.input(1).set(true);
    machine.reset();
    expect([irqs[0]?.level, r32(enable(0)), r32(priority(1)), r32(pending(0))]).toEqual([false, 0, 0, 2]);
  });

  it('restores a snapshot', async () => {
    const { device, irqs, machine, r32, w32 } = await plic();
    w32(priority(1), 1);
    w32(enable(2), 2);
    device.input(1).set(true);
    const state = structuredClone(device.save());
    machine.reset();
    device.restore(state);
    expect(r32(enable(2))).toBe(2);
    expect(r32(claim(2))).toBe(1);
    w32(claim(2), 1);
    expect(irqs[2]?.level).toBe(true);
  });
});
