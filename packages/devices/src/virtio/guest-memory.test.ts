import { expect, it } from 'vitest';
import { RAM_BASE, testMachine } from '../../test/machine.ts';
import { GuestFault, GuestMemory } from './guest-memory.ts';

const PAGE = 4096;

it('an address of a device goes through its tables, page by page, as far as they let it', async () => {
  const { machine } = await testMachine(() => {});
  const as = machine.addressSpace;
  // Pages change places in pairs; the fourth cannot be written, the sixth is not there.
  const memory = new GuestMemory(as, (address, forWrite) => {
    const page = Math.floor(address / PAGE) - 2 ** 20;
    if (page < 0 || page > 7 || page === 5 || (forWrite && page === 3)) return undefined;
    return RAM_BASE + (page ^ 1) * PAGE + (address % PAGE);
  });
  const base = 2 ** 32;
  const bytes = Uint8Array.from({ length: 2 * PAGE }, (_, n) => n % 251);
  memory.write(base + 100, bytes.subarray(0, PAGE));
  const found = new Uint8Array(PAGE);
  memory.read(base + 100, found);
  expect(found).toEqual(bytes.subarray(0, PAGE));
  const first = new Uint8Array(PAGE - 100);
  as.readBytes(RAM_BASE + PAGE + 100, first);
  expect(first).toEqual(bytes.subarray(0, PAGE - 100));
  memory.setU32(base + 2 * PAGE + 8, 0x1234_5678);
  expect([as.load(RAM_BASE + 3 * PAGE + 8, 4), memory.u32(base + 2 * PAGE + 8)]).toEqual([0x1234_5678, 0x1234_5678]);
  const refused = [
    () => memory.u16(100),
    () => memory.setU16(base + 3 * PAGE, 1),
    () => memory.read(base + 4 * PAGE, new Uint8Array(PAGE + 1)),
    () => memory.u32(base + PAGE - 2),
  ];
  for (const access of refused) expect(access).toThrow(GuestFault);
  expect(memory.u16(base + 3 * PAGE)).toBe(0);
});
