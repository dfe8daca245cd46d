import { type BlockBackend, MemoryBlock } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { VERSION_1, virtioMachine } from '../../test/virtio-driver.ts';
import { VirtioBlk } from './virtio-blk.ts';

const IN = 0;
const OUT = 1;
const FLUSH = 4;
const GET_ID = 8;
const DISCARD = 11;
const WRITE_ZEROES = 13;

/** A backend that finishes its calls when it is told to, in any order. */
class SlowBlock implements BlockBackend {
  readonly readonly = false;
  inner: MemoryBlock;
  readonly waiting: (() => void)[] = [];
  flushes = 0;

  constructor(size: number) {
    this.inner = new MemoryBlock(size);
  }

  get size(): number {
    return this.inner.size;
  }

  async read(offset: number, dst: Uint8Array): Promise<void> {
    await this.#turn();
    await this.inner.read(offset, dst);
  }

  async write(offset: number, src: Uint8Array): Promise<void> {
    await this.#turn();
    await this.inner.write(offset, src);
  }

  async flush(): Promise<void> {
    this.flushes++;
  }

  async close(): Promise<void> {}

  #turn(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

function header(type: number, sector = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return bytes;
}

async function disk(backend: BlockBackend, properties: Record<string, unknown> = {}, features?: bigint) {
  const device = new VirtioBlk();
  device.setProperty('drive', backend);
  for (const [name, value] of Object.entries(properties)) device.setProperty(name, value);
  const driver = await virtioMachine(device, { size: 128 });
  const offered = driver.offered;
  driver.negotiate(features ?? offered);
  const queue = driver.queue(0);
  driver.start();
  /** Sends a request and waits; returns its status and what the device wrote before it. */
  const request = async (type: number, sector: number, data: Uint8Array | number = 0) => {
    const hasData = typeof data === 'number' ? data > 0 : data.length > 0;
    const places = queue.add([header(type, sector), ...(hasData ? [data] : []), 1]);
    queue.notify();
    await settled();
    const used = queue.takeUsed();
    const status = queue.bytes(places.at(-1) ?? 0, 1)[0];
    const answer = typeof data === 'number' && data > 0 ? queue.bytes(places[0] ?? 0, data) : new Uint8Array(0);
    return { status, used, answer };
  };
  return { device, driver, queue, offered, request };
}

const pattern = (length: number, start = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (start + i) & 0xff);

describe('virtio-blk', () => {
  it('tells its geometry', async () => {
    const { driver } = await disk(new MemoryBlock(10 * 512 + 100), {
      logical_block_size: 512,
      physical_block_size: 4096,
    });
    expect(driver.read(0x100)).toBe(10);
    expect(driver.read(0x104)).toBe(0);
    expect(driver.read(0x100 + 12)).toBe(254);
    expect(driver.read(0x100 + 20)).toBe(512);
    expect(driver.test.r8(0x1000_1000 + 0x100 + 24)).toBe(3);
  });

  it('tells of another capacity', async () => {
    const block = new SlowBlock(8 * 512);
    const { device, driver } = await disk(block);
    block.inner = new MemoryBlock(10 * 512);
    device.capacityChanged();
    expect(driver.takeInterrupts()).toBe(2);
    expect(driver.read(0x100)).toBe(10);
  });

  it('reads and writes sectors, across the pieces of a chain', async () => {
    const block = new MemoryBlock(8 * 512);
    const { driver, queue, request } = await disk(block);
    const data = pattern(1024);
    expect(await request(OUT, 2, data)).toMatchObject({ status: 0, used: [[expect.any(Number), 1]] });
    expect(block.contents.subarray(1024, 2048)).toEqual(data);
    const read = await request(IN, 2, 1024);
    expect(read.status).toBe(0);
    expect(read.answer).toEqual(data);
    expect(read.used[0]?.[1]).toBe(1025);
    const places = queue.add([header(IN, 3), 100, 412, 1]);
    queue.notify();
    await settled();
    expect(queue.bytes(places[1] ?? 0, 412)).toEqual(data.subarray(612));
    expect(driver.takeInterrupts()).toBe(1);
  });

  it('fails what lies outside, and what is no whole sector', async () => {
    const { request } = await disk(new MemoryBlock(4 * 512));
    expect((await request(IN, 4, 512)).status).toBe(1);
    expect((await request(IN, 3, 1024)).status).toBe(1);
    expect((await request(IN, 2 ** 52, 512)).status).toBe(1);
    expect((await request(IN, 0, 100)).status).toBe(1);
    expect((await request(OUT, 0, pattern(100))).status).toBe(1);
    expect((await request(99, 0)).status).toBe(2);
    expect((await request(IN, 3, 512)).status).toBe(0);
  });

  it('finishes several requests in the order of the backend', async () => {
    const block = new SlowBlock(16 * 512);
    const { driver, queue } = await disk(block);
    for (const sector of [1, 2, 3]) queue.add([header(IN, sector), 512, 1]);
    queue.notify();
    await settled();
    expect(block.waiting).toHaveLength(3);
    block.waiting[2]?.();
    await settled();
    expect(queue.takeUsed()).toEqual([[6, 513]]);
    block.waiting[0]?.();
    block.waiting[1]?.();
    await settled();
    expect(queue.takeUsed().map(([head]) => head)).toEqual([0, 3]);
    expect(driver.irq.level).toBe(true);
  });

  it('finishes nothing after a reset, and works again', async () => {
    const block = new SlowBlock(16 * 512);
    const { driver, queue } = await disk(block);
    const [place = 0] = queue.add([header(IN, 1), 512, 1]);
    block.inner.contents.fill(7);
    queue.notify();
    await settled();
    driver.write(0x070, 0);
    block.waiting[0]?.();
    await settled();
    expect(queue.bytes(place, 512).every((byte) => byte === 0)).toBe(true);
    expect([queue.takeUsed(), driver.irq.level]).toEqual([[], false]);
  });

  it('starts requests that were in flight again after a snapshot', async () => {
    const block = new SlowBlock(16 * 512);
    const { device, queue } = await disk(block);
    block.inner.contents.fill(9);
    const [place = 0] = queue.add([header(IN, 1), 512, 1]);
    queue.notify();
    await settled();
    const state = structuredClone(device.save());
    device.setStatus(0);
    device.restore(state);
    await settled();
    for (const finish of block.waiting) finish();
    await settled();
    expect(queue.takeUsed()).toEqual([[0, 513]]);
    expect(queue.bytes(place, 512).every((byte) => byte === 9)).toBe(true);
  });

  it('refuses writes to a read-only disk', async () => {
    const block = new MemoryBlock(4 * 512, { readonly: true });
    const { offered, request } = await disk(block);
    expect(offered & (1n << 5n)).not.toBe(0n);
    expect((await request(OUT, 0, pattern(512))).status).toBe(1);
    expect((await request(IN, 0, 512)).status).toBe(0);
  });

  it('flushes when asked, and after each write without a cache', async () => {
    const block = new SlowBlock(4 * 512);
    const { driver, queue, request } = await disk(block);
    expect((await request(FLUSH, 0)).status).toBe(0);
    expect(block.flushes).toBe(1);
    driver.test.w8(0x1000_1000 + 0x100 + 32, 0);
    expect(driver.test.r8(0x1000_1000 + 0x100 + 32)).toBe(0);
    queue.add([header(OUT, 0), pattern(512), 1]);
    queue.notify();
    await settled();
    block.waiting[0]?.();
    await settled();
    expect(block.flushes).toBe(2);
  });

  it('writes through for a driver that cannot flush, until the next one comes', async () => {
    const { device } = await disk(new MemoryBlock(512), {}, VERSION_1);
    expect(device.writeback).toBe(0);
    device.setStatus(0);
    expect(device.writeback).toBe(1);
  });

  it('has no write cache where it is to have none; a driver may switch it on where that is left to it', async () => {
    const block = new SlowBlock(4 * 512);
    const write = async ({ queue }: Awaited<ReturnType<typeof disk>>) => {
      queue.add([header(OUT, 0), pattern(512), 1]);
      queue.notify();
      await settled();
      block.waiting.shift()?.();
      await settled();
      return block.flushes;
    };
    const fixed = await disk(block, { 'write-cache': 'off', 'config-wce': false });
    expect(fixed.offered & ((1n << 9n) | (1n << 11n))).toBe(0n);
    expect(await write(fixed)).toBe(1);
    const chosen = await disk(block, { 'write-cache': 'off' });
    expect(chosen.offered & (1n << 9n)).not.toBe(0n);
    expect(await write(chosen)).toBe(2);
    chosen.driver.test.w8(0x1000_1000 + 0x100 + 32, 1);
    expect(await write(chosen)).toBe(2);
  });

  it('gives its serial number', async () => {
    const { request } = await disk(new MemoryBlock(512), { serial: 'a serial number of more than 20' });
    const { status, answer } = await request(GET_ID, 0, 20);
    expect([status, new TextDecoder().decode(answer)]).toEqual([0, 'a serial number of m']);
  });

  it('writes zeroes and takes discards', async () => {
    const block = new MemoryBlock(pattern(8 * 512));
    const { request } = await disk(block);
    const range = (sector: number, count: number, flags = 0): Uint8Array => {
      const bytes = new Uint8Array(16);
      const view = new DataView(bytes.buffer);
      view.setBigUint64(0, BigInt(sector), true);
      view.setUint32(8, count, true);
      view.setUint32(12, flags, true);
      return bytes;
    };
    expect((await request(WRITE_ZEROES, 0, range(2, 2, 1))).status).toBe(0);
    expect(block.contents.subarray(1024, 2048).every((byte) => byte === 0)).toBe(true);
    expect(block.contents[1022]).not.toBe(0);
    expect((await request(DISCARD, 0, range(0, 8))).status).toBe(0);
    expect((await request(DISCARD, 0, range(0, 8, 1))).status).toBe(2);
    expect((await request(WRITE_ZEROES, 0, range(7, 2))).status).toBe(1);
    expect((await request(WRITE_ZEROES, 0, pattern(8))).status).toBe(1);
  });

  it('moves a request that is larger than one step', async () => {
    const block = new MemoryBlock(2048 * 512);
    const { driver, queue } = await disk(block);
    // The same half MiB of RAM three times: 1.5 MiB in one request.
    const head = queue.add([header(OUT, 0), 1]);
    queue.notify();
    await settled();
    queue.takeUsed();
    const status = head[0] ?? 0;
    const first = 10;
    const at = queue.bytes(queue.desc, 16);
    const headerAddress = Number(new DataView(at.buffer).getBigUint64(0, true));
    queue.descriptor(queue.desc, first, headerAddress, 16, 1, first + 1);
    for (let i = 1; i <= 3; i++)
      queue.descriptor(queue.desc, first + i, 0x8008_0000, 0x8_0000 - 512 * 342, 1, first + i + 1);
    queue.descriptor(queue.desc, first + 4, status, 1, 2, 0);
    driver.as.writeBytes(0x8008_0000, pattern(4096));
    queue.publish(first);
    queue.notify();
    await settled();
    expect(queue.bytes(status, 1)).toEqual(Uint8Array.of(0));
    const length = 0x8_0000 - 512 * 342;
    expect(block.contents.subarray(2 * length, 2 * length + 4096)).toEqual(pattern(4096));
  });

  it('needs a drive', async () => {
    await expect(virtioMachine(new VirtioBlk())).rejects.toThrow('drive property not set');
  });
});
