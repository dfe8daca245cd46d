// The table that a flash chip answers to a CFI query. After: JEDEC JESD68.01, section 3 (identification, interface and geometry);
// Intel P30 datasheet 306666, appendix B (the primary vendor-specific extended query of command set 0001).

/** The geometry of one chip. Sizes in bytes, powers of two. */
export interface CfiGeometry {
  readonly chipSize: number;
  readonly blocks: number;
  readonly chipBlockSize: number;
  readonly writeBuffer: number;
  /** Device interface code: 0 is x8, 1 is x16, 3 is x32. */
  readonly interface: 0 | 1 | 3;
}

const EXTENDED_QUERY = 0x31;

/** The query structure by word address, one byte each. */
export function cfiQuery(geometry: CfiGeometry): Uint8Array {
  const table = new Uint8Array(0x40);
  const view = new DataView(table.buffer);
  const text = (at: number, characters: string): void => {
    for (let i = 0; i < characters.length; i++) table[at + i] = characters.charCodeAt(i);
  };
  // 0x10: identification; command set 0001 and where its own table is. No alternate command set.
  text(0x10, 'QRY');
  view.setUint16(0x13, 0x0001, true);
  view.setUint16(0x15, EXTENDED_QUERY, true);
  // 0x1b: supply 4.5 V to 5.5 V, no separate programming supply; typical and maximum times as powers of two.
  table.set([0x45, 0x55, 0x00, 0x00], 0x1b);
  table.set([0x07, 0x07, 0x0a, 0x00, 0x04, 0x04, 0x04, 0x00], 0x1f);
  // 0x27: geometry, with one region of equal erase blocks.
  table[0x27] = Math.log2(geometry.chipSize);
  view.setUint16(0x28, geometry.interface, true);
  view.setUint16(0x2a, Math.log2(geometry.writeBuffer), true);
  table[0x2c] = 1;
  view.setUint16(0x2d, (geometry.blocks - 1) & 0xffff, true);
  view.setUint16(0x2f, (geometry.chipBlockSize / 256) & 0xffff, true);
  // 0x31: the command set's own table, version 1.0: nothing optional. It always has one protection register field, here of no size.
  text(EXTENDED_QUERY, 'PRI');
  text(EXTENDED_QUERY + 3, '10');
  table[0x3f] = 0x01;
  return table;
}
