// The device thread's side of a machine whose vCPUs run on threads: it starts them, lets them run, stops them, answers their calls
// of devices, and tells them of what changes. docs/threads.md explains the whole.

import type { DebugPoints } from '../machine/debug.ts';
import type { AddressSpace, RamSpace } from '../memory/index.ts';
import { PAGE_CODE, PAGE_SIZE } from '../memory/index.ts';
import { UserError } from '../object/index.ts';
import type { VcpuThreadHandle, VcpuThreads } from './host.ts';
import {
  AT,
  CALL,
  CALL_ANSWERED,
  CALL_ASKED,
  TEAM_BYTES,
  TEAM_FENCE,
  TEAM_OWNERS,
  TEAM_POINT_WORDS,
  TEAM_POINTS,
  TEAM_POINTS_COUNT,
  TEAM_POINTS_MOST,
  TEAM_POINTS_VERSION,
  TEAM_QUIT,
  TEAM_RESYNC,
  TEAM_WAITERS,
  TEAM_WORLD,
  TELL,
  VCPU_AT,
  VCPU_BYTES,
  VCPU_CALL,
  VCPU_CALL_ATTRS,
  VCPU_CALL_EXTRA,
  VCPU_CALL_HI,
  VCPU_CALL_KIND,
  VCPU_CALL_LO,
  VCPU_CALL_PA_HI,
  VCPU_CALL_PA_LO,
  VCPU_CALL_RESULT,
  VCPU_CALL_SIZE,
  VCPU_GO,
  VCPU_PROGRESS,
  VCPU_RATE,
  VCPU_RESYNC,
  VCPU_TEXT,
  WATCH_KINDS,
  WORLD,
} from './layout.ts';
import { lockOwners, unlockOwners } from './owners.ts';
import { VcpuBlock } from './ring.ts';
import { Words } from './words.ts';

/** Most vCPUs on threads: the owners of a page are the bits of a word. */
export const MOST_VCPU_THREADS = 32;
const DEFAULT_ARENA = 32 * 2 ** 20;
/** Beside the code cache: the block hash and tier 1's counters. */
const SLICE_REST = 8 * 2 ** 20;

/** What a vCPU of the machine gives the team. */
export interface TeamVcpu {
  readonly index: number;
  /** Host offsets of its state, and of the word that makes it leave translated code. */
  readonly state: number;
  readonly exitRequest: number;
  /** What its thread makes it from. */
  readonly description: unknown;
  /** Code that its thread need not make again, for {@link VcpuInit}. */
  code(): unknown;
  /** How it goes on when the machine does: one of {@link GO}. */
  goes(): number;
  /** Answers a call of the architecture's own. */
  service(number: number): void;
  /** A profile looks at it: so many instructions have passed. */
  sample(): void;
  /** Its thread came to a breakpoint, a watchpoint or the end of a step. */
  debugStopped?(reason: number, watchpoint: number): void;
}

/** What the team asks of the machine. */
export interface TeamOwner {
  readonly space: RamSpace;
  readonly addressSpace: AddressSpace;
  readonly arch: string;
  readonly tier1: 'off' | { readonly threshold: number } | undefined;
  readonly logCategories: readonly string[];
  /** Runs device code for a vCPU. */
  serve(index: number, access: () => void): void;
  log(text: string): void;
  fail(error: Error): void;
}

interface Member {
  readonly vcpu: TeamVcpu;
  readonly blockAt: number;
  readonly block: VcpuBlock;
  readonly slice: { readonly offset: number; readonly bytes: number };
  handle: VcpuThreadHandle | undefined;
}

/** The vCPU threads of a machine, seen by its device thread. */
export class VcpuTeam {
  readonly threads: VcpuThreads;
  /** Host offset of the machine's block. */
  readonly at: number;
  readonly words: Words;
  readonly #owner: TeamOwner;
  readonly #owners: number;
  readonly #members: Member[] = [];
  readonly #stopListening: () => void;
  #started = false;

  constructor(owner: TeamOwner, threads: VcpuThreads) {
    const { space } = owner;
    this.threads = threads;
    this.#owner = owner;
    this.at = space.reserve(TEAM_BYTES);
    this.#owners = space.reserve((space.size / PAGE_SIZE) * 4);
    this.words = new Words(space.i32, this.at);
    this.words.store(TEAM_OWNERS, this.#owners);
    this.words.store(TEAM_WORLD, WORLD.stopped);
    this.#stopListening = space.onWriteFlagged((host, length, flags) => {
      if ((flags & PAGE_CODE) !== 0) this.#dropCode(host, length);
    });
    space.beforeFlagsLook = () => this.words.add(TEAM_FENCE, 1);
  }

  /** Takes in a vCPU, before {@link start}. @returns host offset of its block */
  add(vcpu: TeamVcpu): number {
    const { space } = this.#owner;
    const blockAt = space.reserve(VCPU_BYTES);
    const slice = { offset: 0, bytes: DEFAULT_ARENA + SLICE_REST };
    const block = new VcpuBlock(space, blockAt, vcpu.exitRequest);
    block.words.store(VCPU_AT, AT.boundary);
    this.#members.push({
      vcpu,
      blockAt,
      block,
      handle: undefined,
      slice: { ...slice, offset: space.reserve(slice.bytes) },
    });
    return blockAt;
  }

  /** Starts the threads; done when every vCPU waits to run. */
  async start(): Promise<void> {
    const { space, arch, tier1, logCategories } = this.#owner;
    const all = this.#members.map(({ blockAt, vcpu }) => ({
      block: blockAt,
      state: vcpu.state,
      exitRequest: vcpu.exitRequest,
    }));
    this.#started = true;
    for (const member of this.#members) {
      const { vcpu, blockAt, slice } = member;
      member.handle = this.threads.start(
        {
          memory: space.memory,
          indexBits: space.indexBits,
          pageFlags: space.pageFlags,
          team: this.at,
          block: blockAt,
          state: vcpu.state,
          slice,
          arenaBytes: DEFAULT_ARENA,
          index: vcpu.index,
          cpus: this.#members.length,
          all,
          arch,
          description: vcpu.description,
          code: vcpu.code(),
          tier1,
          logCategories,
          order: this.threads.order,
        },
        { called: () => this.#serve(member), failed: (error) => this.#owner.fail(error) },
      );
    }
    await Promise.all(this.#members.map(({ handle }) => handle?.ready));
  }

  /** Number of a vCPU's thread on the host, where it is known. */
  threadId(index: number): number | undefined {
    return this.#member(index)?.handle?.threadId;
  }

  /** The block of a vCPU. */
  blockOf(index: number): VcpuBlock | undefined {
    return this.#member(index)?.block;
  }

  /** Guest instructions per second of all vCPUs together, as measured lately. */
  get instructionsPerSecond(): number {
    const { view } = this.#owner.space;
    return this.#members.reduce((sum, { blockAt }) => sum + view.getFloat64(blockAt + VCPU_RATE * 4, true), 0);
  }

  get isStopped(): boolean {
    return this.words.load(TEAM_WORLD) === WORLD.stopped;
  }

  /** Lets the vCPUs run. Somebody may have changed their state: each looks anew. */
  resume(): void {
    for (const { block, vcpu } of this.#members) block.words.store(VCPU_GO, vcpu.goes());
    this.words.add(TEAM_RESYNC, 1);
    this.words.store(TEAM_WORLD, WORLD.run);
    this.words.notify(TEAM_WORLD);
  }

  /** Breakpoints and watchpoints of all vCPUs, from when they next go on. @throws UserError for more than there is room for */
  setPoints({ breakpoints, watchpoints }: DebugPoints): void {
    const points = [
      ...[...breakpoints].map((address) => ({ address, length: 0n, kind: 0 })),
      ...watchpoints.map(({ address, length, kind }) => ({ address, length, kind: WATCH_KINDS.indexOf(kind) + 1 })),
    ];
    if (points.length > TEAM_POINTS_MOST)
      throw new UserError(`more than ${TEAM_POINTS_MOST} breakpoints and watchpoints`);
    const { view } = this.#owner.space;
    for (const [i, { address, length, kind }] of points.entries()) {
      const at = this.at + (TEAM_POINTS + i * TEAM_POINT_WORDS) * 4;
      view.setBigUint64(at, BigInt.asUintN(64, address), true);
      view.setBigUint64(at + 8, length, true);
      view.setUint32(at + 16, kind, true);
    }
    this.words.store(TEAM_POINTS_COUNT, points.length);
    this.words.add(TEAM_POINTS_VERSION, 1);
  }

  /** What a vCPU's translator has done, in lines, as it was when the vCPU last stood still. */
  describeTranslation(index: number): readonly string[] {
    const member = this.#member(index);
    return member === undefined ? [] : readText(this.#owner.space, member.blockAt).split('\n');
  }

  /** Brings every vCPU to the end of an instruction and keeps it there. Devices are served meanwhile. Only outside of device code. */
  stop(): void {
    this.words.store(TEAM_WORLD, WORLD.stopped);
    if (!this.#started) return;
    for (const { block } of this.#members) {
      block.interrupt();
      block.wake();
    }
    for (const member of this.#members) this.#awaitMember(member, () => this.#isAtBoundary(member));
  }

  /** Changes something that running code relies on, while no vCPU uses anything; from within device code too. */
  freeze(change: () => void): void {
    const before = this.words.load(TEAM_WORLD);
    const isOuter = before !== WORLD.frozen;
    if (isOuter) {
      this.words.store(TEAM_WORLD, WORLD.frozen);
      for (const { block } of this.#members) if (!block.isSafe) block.interrupt();
      for (const member of this.#members) this.#awaitMember(member, () => member.block.isSafe);
    }
    try {
      change();
    } finally {
      if (isOuter) {
        this.words.store(TEAM_WORLD, before);
        this.words.notify(TEAM_WORLD);
      }
    }
  }

  /**
   * Changes the state of a vCPU; from within device code too. @returns false, and nothing is changed, where it is in the middle of an
   * instruction
   */
  changeState(index: number, change: () => void): boolean {
    const block = this.blockOf(index);
    if (block === undefined) return false;
    let isDone = false;
    this.freeze(() => {
      if (block.words.load(VCPU_AT) !== AT.boundary) return;
      isDone = true;
      change();
      this.resync(index);
    });
    return isDone;
  }

  /** Has a vCPU look anew at its state and the time before it goes on. */
  resync(index: number): void {
    const block = this.blockOf(index);
    block?.words.store(VCPU_RESYNC, 1);
    block?.interrupt();
    block?.wake();
  }

  /** Tells every vCPU that physical addresses mean something else; within {@link freeze}. */
  tellMapChanged(): void {
    for (const { block } of this.#members) block.tell(TELL.map, 0);
  }

  /** Ends the threads; no vCPU runs any more. */
  async stopThreads(): Promise<void> {
    this.words.store(TEAM_QUIT, 1);
    this.words.store(TEAM_WORLD, WORLD.stopped);
    for (const { block } of this.#members) {
      block.interrupt();
      block.wake();
    }
    this.words.notify(TEAM_WORLD);
    await Promise.all(this.#members.map(({ handle }) => handle?.end()));
  }

  /** Gives the team's memory back, after {@link stopThreads}. */
  dispose(): void {
    this.#stopListening();
    const { space } = this.#owner;
    space.beforeFlagsLook = undefined;
    for (const { blockAt, slice } of this.#members) {
      space.release(blockAt, VCPU_BYTES);
      space.release(slice.offset, slice.bytes);
    }
    space.release(this.#owners, (space.size / PAGE_SIZE) * 4);
    space.release(this.at, TEAM_BYTES);
  }

  #member(index: number): Member | undefined {
    return this.#members.find(({ vcpu }) => vcpu.index === index);
  }

  #isAtBoundary(member: Member): boolean {
    // It may wait for another that waits for an answer.
    for (const one of this.#members) this.#serve(one);
    return member.block.words.load(VCPU_AT) === AT.boundary;
  }

  #awaitMember({ block }: Member, holds: () => boolean): void {
    this.words.add(TEAM_WAITERS, 1);
    block.words.waitUntil(VCPU_PROGRESS, holds);
    this.words.add(TEAM_WAITERS, -1);
  }

  /** A device wrote to pages that vCPUs have code from. */
  #dropCode(host: number, length: number): void {
    const { space } = this.#owner;
    lockOwners(this.words);
    const end = host + length;
    for (let page = Math.floor(host / PAGE_SIZE); page * PAGE_SIZE < end; page++) {
      const owners = Atomics.exchange(space.i32, (this.#owners >>> 2) + page, 0);
      if (owners === 0) continue;
      for (const { vcpu, block } of this.#members) {
        if ((owners & (1 << vcpu.index)) !== 0) block.tell(TELL.drop, page);
      }
      Atomics.and(space.u8, space.pageFlags + page, ~PAGE_CODE);
    }
    unlockOwners(this.words);
  }

  #serve(member: Member): void {
    const { words } = member.block;
    if (words.load(VCPU_CALL) !== CALL_ASKED) return;
    this.#owner.serve(member.vcpu.index, () => {
      words.store(VCPU_CALL_RESULT, this.#perform(member));
      words.store(VCPU_CALL, CALL_ANSWERED);
      words.notify(VCPU_CALL);
    });
  }

  #perform({ vcpu, block, blockAt }: Member): number {
    const { addressSpace } = this.#owner;
    const { words } = block;
    const pa = words.load(VCPU_CALL_PA_HI) * 2 ** 32 + (words.load(VCPU_CALL_PA_LO) >>> 0);
    const size = words.load(VCPU_CALL_SIZE);
    const attrs = words.load(VCPU_CALL_ATTRS);
    switch (words.load(VCPU_CALL_KIND)) {
      case CALL.load: {
        if (size === 8) {
          const result = addressSpace.loadPair(pa, attrs);
          words.store(VCPU_CALL_LO, addressSpace.lo);
          words.store(VCPU_CALL_HI, addressSpace.hi);
          return result;
        }
        const value = addressSpace.load(pa, size as 1 | 2 | 4, attrs);
        words.store(VCPU_CALL_LO, value);
        words.store(VCPU_CALL_HI, 0);
        return Math.min(value, 0);
      }
      case CALL.store: {
        const lo = words.load(VCPU_CALL_LO) >>> 0;
        if (size === 8) return addressSpace.storePair(pa, lo, words.load(VCPU_CALL_HI) >>> 0, attrs);
        return addressSpace.store(pa, size as 1 | 2 | 4, lo, attrs);
      }
      case CALL.probe:
        return addressSpace.probe(pa, words.load(VCPU_CALL_LO), {
          size,
          write: words.load(VCPU_CALL_EXTRA) !== 0,
          attrs,
        });
      case CALL.debugStop:
        vcpu.debugStopped?.(size, words.load(VCPU_CALL_EXTRA));
        return 0;
      case CALL.service:
        vcpu.service(size);
        return 0;
      case CALL.sample:
        vcpu.sample();
        return 0;
      default:
        this.#owner.log(readText(this.#owner.space, blockAt));
        return 0;
    }
  }
}

function readText(space: RamSpace, blockAt: number): string {
  const at = blockAt + VCPU_TEXT * 4;
  const length = space.i32[at >>> 2] ?? 0;
  return new TextDecoder().decode(space.u8.slice(at + 4, at + 4 + length));
}
