// A vCPU's thread: when it works and when it waits, what it tells the other threads and what they tell it. docs/threads.md.

import { PAGE_CODE, PAGE_SIZE } from '../memory/page-flags.ts';
import { RamSpace } from '../memory/ram-space.ts';
import type { HostOrder, VcpuInit } from './host.ts';
import {
  AT,
  CALL_ASKED,
  CALL_NONE,
  TEAM_ALONE,
  TEAM_OWNERS,
  TEAM_QUIT,
  TEAM_RESYNC,
  TEAM_WAITERS,
  TEAM_WORLD,
  TELL,
  VCPU_AT,
  VCPU_ATTENTION,
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
  VCPU_DONE,
  VCPU_FLUSH_ASKED,
  VCPU_FLUSH_DONE,
  VCPU_PROGRESS,
  VCPU_RESYNC,
  VCPU_TEXT,
  VCPU_TEXT_BYTES,
  WORLD,
} from './layout.ts';
import { lockOwners, unlockOwners } from './owners.ts';
import { type Told, VcpuBlock } from './ring.ts';
import { SharedClockSource } from './shared-clock.ts';
import { Words } from './words.ts';

/** What translates the vCPU's code, as its thread needs it. */
export interface ThreadTranslator {
  /** Stores to the pages of a range are slow from now on. */
  protect(host: number, length: number): void;
  /** Whether a vCPU, whose state is at a host offset, may store to a page without a look at its flags. */
  mayStoreTo(state: number, host: number): boolean;
  /** Code of these pages, or of all, is no longer good. */
  dropCode(host: number, length: number): void;
  dropAllCode(): void;
  /** What it has done, in lines. */
  describe(): readonly string[];
  /** Physical addresses mean something else. */
  mapChanged(): void;
  /** Virtual addresses mean something else. */
  flushTranslations(): void;
}

/** A call of the device thread. */
export interface DeviceCall {
  readonly kind: number;
  readonly pa?: number;
  readonly size?: number;
  readonly attrs?: number;
  readonly lo?: number;
  readonly hi?: number;
  readonly extra?: number;
}

/** Registers of 4 bytes that a vCPU's thread answers itself, without the device thread. */
export interface LocalRegisters {
  /** Physical address of the first. */
  readonly base: number;
  readonly count: number;
  read(register: number): number;
  write(register: number, value: number): void;
}

/** What a thread has besides its vCPU: its memory, its clock, its way to the others. */
export class VcpuThread {
  readonly init: VcpuInit;
  readonly space: RamSpace;
  readonly clock: SharedClockSource;
  readonly words: Words;
  readonly team: Words;
  readonly block: VcpuBlock;
  readonly #others: readonly { readonly block: VcpuBlock; readonly state: number }[];
  readonly #owners: number;
  readonly #othersBits: number;
  readonly #everyone: ReadonlyMap<number, VcpuBlock>;
  readonly #ring: () => void;
  #translator: ThreadTranslator | undefined;
  #local: LocalRegisters | undefined;
  /** Told within an instruction, to be dealt with between two. */
  #later: Told[] = [];
  #dropAllLater = false;
  #stopsAt: number | undefined;

  /**
   * @param doorbell makes the device thread look at this vCPU's call
   * @param now the host's monotonic clock in milliseconds, the same for every thread
   */
  constructor(init: VcpuInit, doorbell: () => void, now: () => number) {
    this.init = init;
    this.space = RamSpace.attach(init);
    this.clock = new SharedClockSource(this.space, init.team, now);
    this.words = new Words(this.space.i32, init.block);
    this.team = new Words(this.space.i32, init.team);
    this.#ring = doorbell;
    const blocks = init.all.map(({ block, exitRequest }) => new VcpuBlock(this.space, block, exitRequest));
    this.#everyone = new Map(blocks.map((block, index) => [index, block]));
    this.block = blocks[init.index] as VcpuBlock;
    this.#others = init.all
      .map(({ state }, index) => ({ state, block: blocks[index] as VcpuBlock }))
      .filter((_, index) => index !== init.index);
    this.#owners = this.team.load(TEAM_OWNERS) >>> 2;
    this.#othersBits = ~(1 << init.index);
  }

  get order(): HostOrder {
    return this.init.order;
  }

  /** Says what is to hear of other threads' news. */
  serves(translator: ThreadTranslator): void {
    this.#translator = translator;
  }

  /** Answers accesses of these registers from now on. */
  answers(local: LocalRegisters): void {
    this.#local = local;
  }

  /** Registers of this thread's at a physical address, for an access of one whole register. */
  localAt(address: number, size: number): LocalRegisters | undefined {
    const local = this.#local;
    if (local === undefined || size !== 4 || address % 4 !== 0) return undefined;
    return address >= local.base && address < local.base + 4 * local.count ? local : undefined;
  }

  /** An interrupt line of a vCPU's was raised from here. */
  interruptRaised(index: number): void {
    this.#everyone.get(index)?.interruptRaised();
  }

  /** Whether the vCPU should come to the end of an instruction for its thread's sake. */
  get wanted(): boolean {
    return this.words.load(VCPU_ATTENTION) !== 0 || this.#later.length > 0 || this.#dropAllLater;
  }

  /** Whether another vCPU waits for this one to forget its translations: {@link flushOthers}. */
  get #isFlushAsked(): boolean {
    return this.words.load(VCPU_FLUSH_ASKED) !== this.words.load(VCPU_FLUSH_DONE);
  }

  /** Whether somebody has changed the vCPU's state or the time since this was last asked. */
  takeResync(): boolean {
    return this.words.exchange(VCPU_RESYNC, 0) !== 0;
  }

  get quits(): boolean {
    return this.team.load(TEAM_QUIT) !== 0;
  }

  // --- safe points ---

  /** Uses nothing from now on. */
  rest(at: number): void {
    this.words.store(VCPU_AT, at);
    this.#progress();
  }

  /** Works again, as soon as the world lets it. */
  work(from: number): void {
    for (;;) {
      this.words.store(VCPU_AT, AT.work);
      const world = this.team.load(TEAM_WORLD);
      const alone = this.#aloneElsewhere;
      const isFree = world === WORLD.run || (world === WORLD.stopped && from !== AT.boundary);
      if (isFree && alone === 0) return;
      this.rest(from);
      if (alone === 0) this.team.wait(TEAM_WORLD, world, 1000);
      else this.team.wait(TEAM_ALONE, alone, 1000);
    }
  }

  /** Between two instructions: deals with all that was told, and waits while the world is stopped. */
  boundary(): void {
    while (this.wanted || this.team.load(TEAM_WORLD) !== WORLD.run) {
      this.#look();
      const later = this.#later;
      const all = this.#dropAllLater;
      this.#later = [];
      this.#dropAllLater = false;
      this.#flushIfAsked();
      if (all) this.#translator?.dropAllCode();
      else for (const { page } of later) this.#translator?.dropCode(page * PAGE_SIZE, PAGE_SIZE);
      if (this.#aloneElsewhere !== 0) {
        this.rest(AT.boundary);
        this.work(AT.boundary);
      }
      if (this.team.load(TEAM_WORLD) === WORLD.run) continue;
      this.#writeText(this.#translator?.describe().join('\n') ?? '');
      this.rest(AT.boundary);
      this.work(AT.boundary);
      if (this.quits) return;
    }
  }

  /** Calls the device thread and waits for its answer, within an instruction. @returns the result */
  call(call: DeviceCall): number {
    const { words } = this;
    const pa = call.pa ?? 0;
    words.store(VCPU_CALL_KIND, call.kind);
    words.store(VCPU_CALL_PA_LO, pa | 0);
    words.store(VCPU_CALL_PA_HI, Math.floor(pa / 2 ** 32));
    words.store(VCPU_CALL_SIZE, call.size ?? 0);
    words.store(VCPU_CALL_ATTRS, call.attrs ?? 0);
    words.store(VCPU_CALL_LO, call.lo ?? 0);
    words.store(VCPU_CALL_HI, call.hi ?? 0);
    words.store(VCPU_CALL_EXTRA, call.extra ?? 0);
    words.store(VCPU_CALL, CALL_ASKED);
    this.rest(AT.inner);
    this.#ring();
    while (words.load(VCPU_CALL) === CALL_ASKED) words.wait(VCPU_CALL, CALL_ASKED, 1000);
    words.store(VCPU_CALL, CALL_NONE);
    this.work(AT.inner);
    this.#look();
    return words.load(VCPU_CALL_RESULT);
  }

  // --- alone ---

  /** Who else is alone, as {@link TEAM_ALONE} says it; 0 for nobody. */
  get #aloneElsewhere(): number {
    const alone = this.team.load(TEAM_ALONE);
    return alone === this.init.index + 1 ? 0 : alone;
  }

  /**
   * Brings every other vCPU to a safe point and keeps it there until {@link together}, for what no atomic access of the host can do.
   * Within an instruction: what others told until then is looked at first.
   */
  alone(): void {
    const { team } = this;
    this.rest(AT.inner);
    while (!team.swap(TEAM_ALONE, 0, this.init.index + 1)) {
      const other = team.load(TEAM_ALONE);
      if (other !== 0) team.wait(TEAM_ALONE, other, 1);
    }
    team.add(TEAM_WAITERS, 1);
    for (const { block } of this.#others) {
      if (block.isSafe) continue;
      block.interrupt();
      block.words.waitUntil(VCPU_PROGRESS, () => block.isSafe);
    }
    team.add(TEAM_WAITERS, -1);
    this.work(AT.inner);
    this.#look();
  }

  /** The others go on. */
  together(): void {
    this.team.store(TEAM_ALONE, 0);
    this.team.notify(TEAM_ALONE);
  }

  // --- translations of addresses ---

  /**
   * Has every other vCPU forget its translations before its next instruction; none uses an old one any more when this is done. At
   * the end of an instruction, when it has made all its accesses.
   */
  flushOthers(): void {
    const { team } = this;
    this.rest(AT.accessed);
    team.add(TEAM_WAITERS, 1);
    const asked = this.#others.map(({ block }) => {
      const number = block.words.add(VCPU_FLUSH_ASKED, 1) + 1;
      block.interrupt();
      return { block, number };
    });
    for (const { block, number } of asked) {
      const isDone = (): boolean => {
        const at = block.words.load(VCPU_AT);
        if (at === AT.boundary || at === AT.accessed) return true;
        return ((block.words.load(VCPU_FLUSH_DONE) - number) | 0) >= 0;
      };
      block.words.waitUntil(VCPU_PROGRESS, isDone);
    }
    team.add(TEAM_WAITERS, -1);
    this.work(AT.accessed);
    this.#flushIfAsked();
    this.#look();
  }

  #flushIfAsked(): void {
    const asked = this.words.load(VCPU_FLUSH_ASKED);
    if (asked === this.words.load(VCPU_FLUSH_DONE)) return;
    this.#translator?.flushTranslations();
    this.words.store(VCPU_FLUSH_DONE, asked);
    this.#progress();
  }

  /** Executes nothing more until the machine has stopped and goes on. */
  awaitStop(): void {
    this.#stopsAt = this.team.load(TEAM_RESYNC);
  }

  /** Whether {@link awaitStop} still holds. */
  get awaitsStop(): boolean {
    return this.#stopsAt === this.team.load(TEAM_RESYNC);
  }

  /** As {@link call}, with a text. */
  callWithText(kind: number, text: string): void {
    this.#writeText(text);
    this.call({ kind });
  }

  #writeText(text: string): void {
    const at = this.init.block + VCPU_TEXT * 4;
    const bytes = new TextEncoder().encode(text).subarray(0, VCPU_TEXT_BYTES - 4);
    this.space.i32[at >>> 2] = bytes.length;
    this.space.u8.set(bytes, at + 4);
  }

  // --- code pages ---

  /** This vCPU is about to translate from a page: from now on every thread's stores there are slow. */
  claimPage(page: number): void {
    const { space, team } = this;
    this.rest(AT.inner);
    lockOwners(team);
    Atomics.or(space.i32, this.#owners + page, 1 << this.init.index);
    const before = Atomics.or(space.u8, space.pageFlags + page, PAGE_CODE);
    if ((before & PAGE_CODE) === 0) this.#tellAndWait(TELL.protect, page);
    unlockOwners(team);
    this.work(AT.inner);
    this.#translator?.protect(page * PAGE_SIZE, PAGE_SIZE);
    this.#look();
  }

  /** This vCPU has no code from a page any more. */
  releasePages(pages: Iterable<number>): void {
    const { space, team } = this;
    this.rest(AT.inner);
    lockOwners(team);
    for (const page of pages) {
      const left = Atomics.and(space.i32, this.#owners + page, this.#othersBits) & this.#othersBits;
      if (left === 0) Atomics.and(space.u8, space.pageFlags + page, ~PAGE_CODE);
    }
    unlockOwners(team);
    this.work(AT.inner);
    this.#look();
  }

  /** This vCPU has written to a page that has code: the other vCPUs' translations of it are void. */
  wrote(host: number, length: number): void {
    const { space, team } = this;
    const end = host + length;
    for (let page = Math.floor(host / PAGE_SIZE); page * PAGE_SIZE < end; page++) {
      if ((Atomics.load(space.i32, this.#owners + page) & this.#othersBits) === 0) continue;
      this.rest(AT.inner);
      lockOwners(team);
      const mine = ~this.#othersBits;
      const owners = Atomics.and(space.i32, this.#owners + page, mine);
      for (const [index, block] of this.#everyone) {
        if ((owners & this.#othersBits & (1 << index)) !== 0) block.tell(TELL.drop, page);
      }
      if ((owners & mine) === 0) Atomics.and(space.u8, space.pageFlags + page, ~PAGE_CODE);
      unlockOwners(team);
      this.work(AT.inner);
      this.#look();
    }
  }

  #tellAndWait(kind: number, page: number): void {
    const asked = this.#others
      .filter(({ state }) => this.#translator?.mayStoreTo(state, page * PAGE_SIZE) !== false)
      .map(({ block }) => ({ block, number: block.tell(kind, page) }));
    if (asked.length === 0) return;
    this.team.add(TEAM_WAITERS, 1);
    for (const { block, number } of asked) {
      const isDone = (): boolean => block.isSafe || ((block.words.load(VCPU_DONE) - number) | 0) >= 0;
      block.words.waitUntil(VCPU_PROGRESS, isDone);
    }
    this.team.add(TEAM_WAITERS, -1);
  }

  /** Does what cannot wait of what was told, and keeps the rest. */
  #look(): void {
    if (this.words.exchange(VCPU_ATTENTION, 0) === 0) return;
    const { told, upTo } = this.block.take();
    if (told === undefined) {
      // Lost messages may have said anything.
      this.#translator?.mapChanged();
      this.#dropAllLater = true;
    }
    for (const message of told ?? []) {
      if (message.kind === TELL.protect) this.#translator?.protect(message.page * PAGE_SIZE, PAGE_SIZE);
      else if (message.kind === TELL.map) this.#translator?.mapChanged();
      else this.#later.push(message);
    }
    this.words.store(VCPU_DONE, upTo);
    this.#progress();
    // What is left to do is done between two instructions: translated code that goes on now has to end.
    const isLeft = this.#later.length > 0 || this.#dropAllLater || this.#isFlushAsked;
    const isWaitedFor = this.team.load(TEAM_WORLD) !== WORLD.run || this.#aloneElsewhere !== 0;
    if (isLeft || isWaitedFor) this.block.interrupt();
  }

  #progress(): void {
    if (this.team.load(TEAM_WAITERS) === 0) return;
    this.words.add(VCPU_PROGRESS, 1);
    this.words.notify(VCPU_PROGRESS);
  }
}
