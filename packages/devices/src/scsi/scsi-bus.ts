// A SCSI bus: targets with logical units, as a host adapter addresses them. After: SPC-4 (INCITS 513), 6.33 (REPORT LUNS); SAM-5, 4.7.

import { Device, isPluggable, OwnedBus, type PropertySpec, UserError } from '@boardwalk/core';
import { transportPath } from '../block/boot-index.ts';
import { check, good, type ScsiEnd, SENSE } from './sense.ts';

export const SCSI_BUS = 'SCSI';

const REPORT_LUNS = 0xa0;
const INQUIRY = 0x12;
/** Peripheral qualifier and type where there is no such logical unit. */
const NO_UNIT = 0x7f;
const INQUIRY_BYTES = 36;

/** Bytes of a command descriptor block, whatever its command has of them. */
export const CDB_BYTES = 32;

/** A command with its buffers, as the host adapter passes it on. */
export interface ScsiCommand {
  /** Of {@link CDB_BYTES}. */
  readonly cdb: Uint8Array;
  /** Bytes that the initiator sends, and room for what it receives. */
  readonly outBytes: number;
  readonly inBytes: number;
  /** Takes what the initiator sends. @returns false when nobody wants it any more */
  readonly take: (offset: number, into: Uint8Array) => boolean;
  /** Gives the initiator data, which nobody changes from then on; what has no room is lost. */
  readonly give: (offset: number, bytes: Uint8Array) => boolean;
}

/** A logical unit on a bus. */
export abstract class ScsiDevice extends Device {
  static override readonly typeName: string = 'scsi-device';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'channel', type: 'uint32', description: 'channel that it is on', default: 0 },
    { name: 'scsi-id', type: 'uint32', description: 'target that it belongs to; the first free one if not given' },
    { name: 'lun', type: 'uint32', description: 'number of the logical unit; the first free one if not given' },
  ];

  /** The bus that it fits. */
  readonly busType = SCSI_BUS;
  #bus: ScsiBus | undefined;
  #target = 0;
  #unit = 0;

  /** Carries a command out; never rejects. */
  abstract execute(command: ScsiCommand): Promise<ScsiEnd>;

  /** @internal the bus takes it */
  plugInto(bus: ScsiBus): void {
    this.#bus = bus;
  }

  /** @throws UserError for a place that there is not, or that is taken */
  override realize(): void {
    super.realize();
    if (this.#bus === undefined) throw new UserError(`No '${SCSI_BUS}' bus found for device '${this.type}'`);
    const number = (name: string) => {
      const value = this.getProperty(name);
      return typeof value === 'number' ? value : undefined;
    };
    const place = this.#bus.join(this, number('channel') ?? 0, number('scsi-id'), number('lun'));
    this.#target = place.target;
    this.#unit = place.unit;
  }

  override get hotpluggable(): boolean {
    return true;
  }

  override unplug(): void {
    super.unplug();
    this.#bus?.leave(this);
  }

  /** Path of its channel, as Open Firmware writes it. */
  protected get busPath(): string {
    return this.#bus?.firmwarePath ?? '';
  }

  /** Number of its target. */
  get target(): number {
    return this.#target;
  }

  /** Its number in the target. */
  get unit(): number {
    return this.#unit;
  }
}

/** What a bus tells its host adapter of. */
export interface ScsiHost {
  unitChanged(device: ScsiDevice, change: 'added' | 'removed'): void;
}

/** A bus with its limits. */
export class ScsiBus extends OwnedBus {
  static override readonly typeName: string = 'SCSI';
  readonly busType = SCSI_BUS;
  readonly full = false;
  readonly #units: ScsiDevice[] = [];
  readonly #host: ScsiHost;
  readonly maxTarget: number;
  readonly maxUnit: number;

  constructor(host: ScsiHost, limits: { readonly maxTarget: number; readonly maxUnit: number }) {
    super();
    this.#host = host;
    this.maxTarget = limits.maxTarget;
    this.maxUnit = limits.maxUnit;
  }

  get firmwarePath(): string {
    const host = this.parent;
    return `${transportPath(host instanceof Device ? host.parentBus : undefined)}/channel@0`;
  }

  plug(device: Device): void {
    if (!(isPluggable(device) && device instanceof ScsiDevice))
      throw new UserError(`Device '${device.type}' can't go on ${SCSI_BUS} bus`);
    device.plugInto(this);
  }

  /** @internal @throws UserError */
  join(device: ScsiDevice, channel: number, wantedTarget?: number, wantedUnit?: number) {
    if (channel !== 0) throw new UserError(`bad scsi channel id: ${channel}`);
    if (wantedTarget !== undefined && wantedTarget > this.maxTarget)
      throw new UserError(`bad scsi device id: ${wantedTarget}`);
    if (wantedUnit !== undefined && wantedUnit > this.maxUnit)
      throw new UserError(`bad scsi device lun: ${wantedUnit}`);
    const target = wantedTarget ?? this.#freeTarget(wantedUnit ?? 0);
    const unit = wantedUnit ?? this.#freeUnit(target);
    const taken = this.unitAt(target, unit);
    if (taken !== undefined) throw new UserError(`lun already used by '${taken.id}'`);
    this.#units.push(device);
    if (device.hotplugged) queueMicrotask(() => this.#host.unitChanged(device, 'added'));
    return { target, unit };
  }

  /** @internal */
  leave(device: ScsiDevice): void {
    this.#units.splice(this.#units.indexOf(device), 1);
    this.#host.unitChanged(device, 'removed');
  }

  unitAt(target: number, unit: number): ScsiDevice | undefined {
    return this.#units.find((device) => device.target === target && device.unit === unit);
  }

  hasTarget(target: number): boolean {
    return this.#units.some((device) => device.target === target);
  }

  /**
   * Carries a command out: the logical unit does, or the target for one that there is not. Never rejects.
   * @param target one that there is
   */
  async execute(target: number, unit: number, command: ScsiCommand): Promise<ScsiEnd> {
    if (command.cdb[0] === REPORT_LUNS) return this.#reportUnits(target, command);
    const device = this.unitAt(target, unit);
    if (device !== undefined) return device.execute(command);
    if (command.cdb[0] !== INQUIRY) return check(SENSE.noSuchUnit);
    const bytes = new Uint8Array(INQUIRY_BYTES);
    bytes.set([NO_UNIT, 0, 5, 2, INQUIRY_BYTES - 5]);
    return reply(command, bytes, fields(command).getUint16(3));
  }

  #reportUnits(target: number, command: ScsiCommand): ScsiEnd {
    const units = this.#units.filter((device) => device.target === target).map(({ unit }) => unit);
    // Logical unit 0 answers for the target, be it there or not.
    const numbers = [...new Set([0, ...units])].sort((a, b) => a - b);
    const bytes = new Uint8Array(8 + 8 * numbers.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 8 * numbers.length);
    for (const [i, number] of numbers.entries()) view.setUint16(8 + 8 * i, number < 256 ? number : 0x4000 | number);
    return reply(command, bytes, fields(command).getUint32(6));
  }

  #freeTarget(unit: number): number {
    for (let target = 0; target <= this.maxTarget; target++) {
      if (this.unitAt(target, unit) === undefined) return target;
    }
    throw new UserError('no free target');
  }

  #freeUnit(target: number): number {
    for (let unit = 0; unit <= this.maxUnit; unit++) if (this.unitAt(target, unit) === undefined) return unit;
    throw new UserError('no free lun');
  }
}

const fields = ({ cdb }: ScsiCommand): DataView => new DataView(cdb.buffer, cdb.byteOffset, cdb.byteLength);

/** Answers with data, no more of it than the command allows. */
export function reply(command: ScsiCommand, bytes: Uint8Array, allocated: number): ScsiEnd {
  const part = bytes.subarray(0, Math.min(bytes.length, allocated, command.inBytes));
  command.give(0, part);
  return good(part.length);
}
