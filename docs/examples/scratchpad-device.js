// A device from outside the monorepo, for `-device scratchpad,addr=0x30000000`: 16 bytes that a guest can write and read.
import { Device, MemoryRegion, typeOfClass } from '@boardwalk/core';

const SIZE = 16;

class Scratchpad extends Device {
  static typeName = 'scratchpad';
  /** @type {readonly import('@boardwalk/core').PropertySpec[]} */
  static properties = [{ name: 'addr', type: 'uint64', description: 'physical address', required: true }];
  /** @type {readonly import('@boardwalk/core').StateField[]} */
  static state = [{ name: 'bytes', type: 'bytes', reset: 0 }];

  bytes = new Uint8Array(SIZE);
  region = this.addRegion(
    MemoryRegion.io('scratchpad', SIZE, {
      impl: { max: 1 },
      read: (offset) => this.bytes[offset] ?? 0,
      write: (offset, _size, value) => {
        this.bytes[offset] = value;
      },
    }),
  );

  realize() {
    super.realize();
    this.machine.map(Number(this.getProperty('addr')), this.region, 1);
  }
}

export const scratchpad = typeOfClass(Scratchpad, {
  description: '16 bytes of storage',
  create: () => new Scratchpad(),
});
