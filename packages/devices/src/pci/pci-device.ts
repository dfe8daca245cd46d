// What every device on a PCI bus has: a configuration space, up to six windows (BARs), interrupts as messages.
// After: "PCI Local Bus Specification, Revision 3.0", chapter 6. A device has one function, and no interrupt pin that reaches anybody.

import {
  AddressSpace,
  Device,
  type MemoryRegion,
  type PciFunctionInfo,
  type PciWindowInfo,
  type PropertySpec,
  type StateField,
  UserError,
} from '@boardwalk/core';
import { CONFIG, ConfigSpace, type PciIdentity } from './config-space.ts';
import type { Msix } from './msix.ts';
import type { PciBus } from './pci-bus.ts';

/** What a window is: ports, or memory below 4 GiB or anywhere. */
export type BarKind = 'io' | 'memory32' | 'memory64';

/** Low bits of a base address register. */
const BAR_BITS: Readonly<Record<BarKind, number>> = { io: 1, memory32: 0, memory64: 0x0c };

/** A window that a driver places. */
export interface PciBar {
  readonly kind: BarKind;
  /** What is seen in it; its size is a power of two. */
  readonly region: MemoryRegion;
}

const BARS = 6;

/** Bits of the command register that let windows answer. */
const COMMAND_IO = 1;
const COMMAND_MEMORY = 2;

/** The base of PCI devices. */
export abstract class PciDevice extends Device {
  static override readonly typeName: string = 'pci-device';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'addr',
      type: 'str',
      description: 'Slot and optional function number, example: 06.0 or 06',
      reportedType: 'int32',
      validate: (value) => addressProblem(String(value)),
    },
  ];
  static override readonly state: readonly StateField[] = [
    { name: 'configBytes', type: 'bytes' },
    { name: 'msixTable', type: 'bytes' },
    { name: 'msixPending', type: 'bytes' },
  ];

  readonly busType = 'PCI';
  readonly #bars: (PciBar | undefined)[] = Array.from({ length: BARS }, () => undefined);
  readonly #windows: (AddressSpace | undefined)[] = [];
  #config: ConfigSpace | undefined;
  #bus: PciBus | undefined;
  #slot = -1;
  protected msix: Msix | undefined;

  /** What the device is. Asked once, when it is realized. */
  protected abstract identity(): PciIdentity;

  /** Makes windows and capabilities, before the device is on the bus. @throws UserError for an option that cannot be */
  protected abstract addWindows(): void;

  /** @internal the bus takes it */
  plugInto(bus: PciBus): void {
    this.#bus = bus;
  }

  override realize(): void {
    super.realize();
    this.#config = new ConfigSpace(this.identity());
    this.addWindows();
    const wanted = this.getProperty('addr');
    this.#slot = this.bus.claim(this, typeof wanted === 'string' ? slotOf(wanted) : undefined);
    try {
      this.bus.host.pciPlugged(this);
    } catch (error) {
      this.bus.release(this);
      throw error;
    }
  }

  override requestUnplug(): boolean {
    return this.bus.host.pciUnplugRequested(this);
  }

  override unplug(): void {
    super.unplug();
    this.bus.host.pciUnplugged(this);
    this.bus.release(this);
  }

  override dispose(): void {
    for (const window of this.#windows) window?.dispose();
    super.dispose();
  }

  override resetHold(): void {
    super.resetHold();
    this.config.reset();
    this.msix?.reset();
  }

  /** @throws UserError when it has not been plugged in */
  get bus(): PciBus {
    if (this.#bus === undefined) throw new UserError(`No 'PCI' bus found for device '${this.type}'`);
    return this.#bus;
  }

  /** Its place on the bus. */
  get slot(): number {
    return this.#slot;
  }

  /** @throws Error before it is realized */
  get config(): ConfigSpace {
    if (this.#config === undefined) throw new Error(`${this.type} is used before it is realized`);
    return this.#config;
  }

  /** Vectors of messages that it has; 0 without. */
  get vectors(): number {
    return this.msix?.vectors ?? 0;
  }

  // State that lies in parts.
  get configBytes(): Uint8Array {
    return this.#config?.bytes ?? new Uint8Array(0);
  }

  set configBytes(bytes: Uint8Array) {
    this.config.bytes.set(bytes.subarray(0, this.config.bytes.length));
  }

  get msixTable(): Uint8Array {
    return this.msix?.table ?? new Uint8Array(0);
  }

  set msixTable(bytes: Uint8Array) {
    this.msix?.table.set(bytes.subarray(0, this.msix.table.length));
  }

  get msixPending(): Uint8Array {
    return this.msix?.pending ?? new Uint8Array(0);
  }

  set msixPending(bytes: Uint8Array) {
    this.msix?.pending.set(bytes.subarray(0, this.msix.pending.length));
  }

  /** The windows, by the number of their register. */
  get bars(): readonly (PciBar | undefined)[] {
    return this.#bars;
  }

  /** Gives the device a window. One of `memory64` takes two registers. */
  protected addBar(number: number, bar: PciBar): void {
    const { size } = bar.region;
    const bits = BAR_BITS[bar.kind];
    const offset = CONFIG.bar0 + 4 * number;
    this.#bars[number] = bar;
    this.config.define(offset, 4, bits, -size >>> 0);
    if (bar.kind === 'memory64') this.config.define(offset + 4, 4, 0, 0xffff_ffff);
  }

  /** Its id, or the name that its place gives it. */
  get name(): string {
    return this.parent?.id === 'peripheral' ? this.id : `auto_00:${this.slot.toString(16).padStart(2, '0')}.0`;
  }

  /** What monitors tell of it. */
  get info(): PciFunctionInfo {
    const { config } = this;
    return {
      device: this,
      slot: this.slot,
      function: 0,
      id: this.name,
      classCode: config.read(CONFIG.classCode, 2),
      vendorId: config.read(CONFIG.vendorId, 2),
      deviceId: config.read(CONFIG.deviceId, 2),
      subsystemVendorId: config.read(CONFIG.subsystemVendorId, 2),
      subsystemId: config.read(CONFIG.subsystemId, 2),
      interruptPin: config.read(CONFIG.interruptPin, 1),
      interruptLine: config.read(CONFIG.interruptLine, 1),
      windows: this.#bars.flatMap((bar, number) => (bar === undefined ? [] : [this.#windowInfo(number, bar)])),
    };
  }

  #windowInfo(bar: number, { kind, region: { size } }: PciBar): PciWindowInfo {
    const type = kind === 'io' ? 'io' : 'memory';
    const is64Bit = kind === 'memory64';
    const at = CONFIG.bar0 + 4 * bar;
    const upper = is64Bit ? this.config.read(at + 4, 4) : 0;
    const address = upper * 2 ** 32 + Math.floor(this.config.read(at, 4) / size) * size;
    // It is nowhere while the command register has it off, or where it would begin at 0.
    const isOn = (this.config.read(CONFIG.command, 2) & (type === 'io' ? COMMAND_IO : COMMAND_MEMORY)) !== 0;
    const placed = isOn && address !== 0 ? address : undefined;
    return { bar, type, address: placed, size, prefetchable: is64Bit, is64Bit };
  }

  /** A window's contents, addressed from its start; undefined where there is none. */
  window(number: number): AddressSpace | undefined {
    const bar = this.#bars[number];
    if (bar === undefined) return undefined;
    this.#windows[number] ??= new AddressSpace(`${this.type}-bar${number}`, bar.region, this.machine.space);
    return this.#windows[number];
  }

  /** Reads configuration space, little-endian. */
  readConfig(offset: number, size: 1 | 2 | 4): number {
    return this.config.read(offset, size);
  }

  /** Writes configuration space. */
  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    this.config.write(offset, size, value);
    this.msix?.controlWritten();
  }
}

/** The slot of `06.0`, `6`. */
function slotOf(address: string): number {
  return Number.parseInt(address, 16);
}

function addressProblem(text: string): string | undefined {
  const match = /^([0-9a-f]{1,2})(?:\.([0-7]))?$/i.exec(text);
  const slot = Number.parseInt(match?.[1] ?? '', 16);
  if (!(slot < 32)) return `Property 'addr' doesn't take value '${text}'`;
  return Number(match?.[2] ?? 0) === 0 ? undefined : `addr=${text}: devices have one function, 0`;
}
