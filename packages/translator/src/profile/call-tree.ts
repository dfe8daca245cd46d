/** Samples of a program as a tree of calls, and the files that flame-graph viewers read. */

interface Frame {
  readonly id: number;
  readonly name: string;
  readonly parent: Frame | undefined;
  readonly callees: Map<string, Frame>;
  samples: number;
}

/** A function and its share of the samples. */
export interface FunctionShare {
  readonly name: string;
  /** Samples in the function itself, and in it or in what it called. */
  readonly self: number;
  readonly total: number;
}

/** Calls that samples were taken in. */
export class CallTree {
  readonly #frames: Frame[] = [];
  readonly #root: Frame;
  /** Ids of frames in the order of the samples. */
  readonly #samples: number[] = [];

  constructor() {
    this.#root = this.#make('(root)', undefined);
  }

  get samples(): number {
    return this.#samples.length;
  }

  /** @param stack names of functions, the outermost caller first */
  add(stack: readonly string[]): void {
    let frame = this.#root;
    for (const name of stack) frame = frame.callees.get(name) ?? this.#make(name, frame);
    frame.samples++;
    this.#samples.push(frame.id);
  }

  /** Functions, those with the most samples of their own first. */
  functions(): readonly FunctionShare[] {
    const shares = new Map<string, { name: string; self: number; total: number }>();
    for (const frame of this.#frames.slice(1)) {
      if (frame.samples === 0) continue;
      const seen = new Set<string>();
      for (let at: Frame | undefined = frame; at?.parent !== undefined; at = at.parent) {
        const share = shares.get(at.name) ?? { name: at.name, self: 0, total: 0 };
        shares.set(at.name, share);
        if (at === frame) share.self += frame.samples;
        if (!seen.has(at.name)) share.total += frame.samples;
        seen.add(at.name);
      }
    }
    return [...shares.values()].sort((a, b) => b.self - a.self || b.total - a.total);
  }

  /** A line for each stack, `outer;inner count`: what flamegraph.pl, inferno and speedscope read. */
  folded(): string {
    const lines = this.#frames.filter((f) => f.samples > 0).map((f) => `${this.#path(f).join(';')} ${f.samples}`);
    return lines.map((line) => `${line}\n`).join('');
  }

  /**
   * A CPU profile as V8 writes it: browsers' developer tools, editors and speedscope open it.
   * @param microseconds of one sample
   */
  cpuProfile(microseconds: number): object {
    return {
      nodes: this.#frames.map((frame) => ({
        id: frame.id,
        callFrame: { functionName: frame.name, scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 },
        hitCount: frame.samples,
        children: [...frame.callees.values()].map((callee) => callee.id),
      })),
      startTime: 0,
      endTime: this.#samples.length * microseconds,
      samples: this.#samples,
      timeDeltas: this.#samples.map(() => microseconds),
    };
  }

  #path(frame: Frame): string[] {
    const names: string[] = [];
    for (let at: Frame | undefined = frame; at?.parent !== undefined; at = at.parent) names.push(at.name);
    // A semicolon separates frames in this format.
    return names.reverse().map((name) => name.replaceAll(';', ':'));
  }

  #make(name: string, parent: Frame | undefined): Frame {
    const frame = { id: this.#frames.length + 1, name, parent, callees: new Map(), samples: 0 };
    this.#frames.push(frame);
    parent?.callees.set(name, frame);
    return frame;
  }
}
