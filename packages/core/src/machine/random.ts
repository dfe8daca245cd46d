// Random numbers for devices: the host's, or with a seed a sequence that is the same in every run.

/** SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. Eight bytes a step. */
export class SeededRandom {
  /** Where the sequence is. */
  state: bigint;

  constructor(seed: bigint) {
    this.state = BigInt.asUintN(64, seed);
  }

  /** Fills `bytes` with what comes next. */
  fill(bytes: Uint8Array): void {
    const word = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < bytes.length; i++) {
      if (i % 8 === 0) word.setBigUint64(0, this.#next(), true);
      bytes[i] = word.getUint8(i % 8);
    }
  }

  #next(): bigint {
    this.state = BigInt.asUintN(64, this.state + 0x9e37_79b9_7f4a_7c15n);
    let z = this.state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
    return z ^ (z >> 31n);
  }
}
