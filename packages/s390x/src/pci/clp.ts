/**
 * CALL LOGICAL PROCESSOR, as far as it is about PCI functions: which there are, what they are, enabling them. Layouts after Linux
 * (arch/s390/include/asm/pci_clp.h, clp.h), values as qemu-system-s390x 7.2 gives them (observed).
 */
import { CONFIG, type PciDevice } from '@boardwalk/devices';
import { type Outcome, PGM_OPERAND, programInterruption } from '../cpu/services.ts';
import {
  FIRST_DMA,
  HANDLE_ENABLED,
  HANDLE_KIND_MASK,
  LAST_DMA,
  MAX_INTERRUPTS,
  MAX_STORE_BLOCK,
  MEASUREMENT_MS,
  MESSAGE_ADDRESS_HIGH,
  WINDOWS,
} from './words.ts';
import type { ZpciFunction } from './zpci-function.ts';

const COMMAND = { list: 2, queryFunction: 3, queryGroup: 4, setFunction: 5 } as const;

const RESPONSE = {
  ok: 0x0010,
  unknownCommand: 0x0020,
  requestLength: 0x0050,
  responseLength: 0x0060,
  noFunction: 0x0101,
  wrongOperation: 0x0102,
  noDmaSpaces: 0x0103,
  unknownToken: 0x010a,
  unknownGroup: 0x010b,
} as const;

const PAGE = 4096;
const REQUEST_BYTES = 32;
const HEADER = 16;

const LIST_HEADER = 32;
const LIST_ENTRY = 16;
const MAX_FUNCTIONS = 4096;
/** Every function has a number of the user's of its own. */
const LIST_UNIQUE_UIDS = 1;
const ENTRY_CONFIGURED = 0x8000_0000;

/** The group that all functions are of. */
const GROUP = 0xff;
/** Flag of the group: translations must be refreshed. */
const GROUP_REFRESH = 1;
/** Format of I/O translation tables: region and segment tables. */
const GROUP_TABLES = 0x40;

const ENABLE = 0;
const DISABLE = 1;

/** The functions, as far as commands ask or change them. */
export interface ClpTarget {
  /** The functions that have a device, in the order of their handles. */
  readonly functions: readonly (ZpciFunction & { readonly device: PciDevice })[];
}

/** Carries out the command in a page; the response is behind the request. */
export function callLogicalProcessor(target: ClpTarget, page: DataView): Outcome {
  const length = page.getUint16(0);
  if (length < HEADER || length % 8 !== 0 || length + HEADER > PAGE) return programInterruption(PGM_OPERAND);
  const room = page.getUint16(length);
  if (room < HEADER || room % 8 !== 0 || length + room > PAGE) return programInterruption(PGM_OPERAND);
  const response = new DataView(page.buffer, page.byteOffset + length, room);
  const respond = (code: number): Outcome => {
    response.setUint16(2, code);
    return 0;
  };
  if (length !== REQUEST_BYTES) return respond(RESPONSE.requestLength);
  switch (page.getUint16(2)) {
    case COMMAND.list:
      return list(target, page, response, respond);
    case COMMAND.queryFunction:
      return respond(queryFunction(target, page, response));
    case COMMAND.queryGroup:
      return respond(queryGroup(page, response));
    case COMMAND.setFunction:
      return respond(setFunction(target, page, response));
    default:
      respond(RESPONSE.unknownCommand);
      return 3;
  }
}

/** As many as there is room for, from the one that the token of the last response names. */
function list(target: ClpTarget, page: DataView, response: DataView, respond: (code: number) => Outcome): Outcome {
  const room = response.byteLength - LIST_HEADER;
  if (room <= 0) return respond(RESPONSE.responseLength);
  if (room % LIST_ENTRY !== 0) return programInterruption(PGM_OPERAND);
  const { functions } = target;
  const token = Number(page.getBigUint64(16));
  const first = token === 0 ? 0 : functions.findIndex(({ index }) => index === token);
  if (first < 0) return respond(RESPONSE.unknownToken);
  const told = functions.slice(first, first + room / LIST_ENTRY);
  const next = functions[first + told.length];
  response.setUint16(0, LIST_HEADER + LIST_ENTRY * told.length);
  response.setBigUint64(16, BigInt(next?.index ?? 0));
  response.setUint32(24, HANDLE_KIND_MASK);
  response.setUint16(28, MAX_FUNCTIONS);
  response.setUint8(30, LIST_UNIQUE_UIDS);
  response.setUint8(31, LIST_ENTRY);
  for (const [n, { device, fid, handle, configured }] of told.entries()) {
    const at = LIST_HEADER + LIST_ENTRY * n;
    response.setUint16(at, device.config.read(CONFIG.deviceId, 2));
    response.setUint16(at + 2, device.config.read(CONFIG.vendorId, 2));
    response.setUint32(at + 4, configured ? ENTRY_CONFIGURED : 0);
    response.setUint32(at + 8, fid);
    response.setUint32(at + 12, handle);
  }
  return respond(RESPONSE.ok);
}

/** Fields beyond the end of the response are left out. */
class Fields {
  readonly #view: DataView;

  constructor(view: DataView) {
    this.#view = view;
  }

  set(offset: number, size: 1 | 2 | 4 | 8, value: number | bigint): void {
    if (offset + size > this.#view.byteLength) return;
    const bits = BigInt(value);
    for (let i = 0; i < size; i++) {
      this.#view.setUint8(offset + i, Number((bits >> BigInt(8 * (size - 1 - i))) & 0xffn));
    }
  }
}

function queryFunction(target: ClpTarget, page: DataView, response: DataView): number {
  const found = target.functions.find(({ handle }) => handle === page.getUint32(16));
  if (found === undefined) return RESPONSE.noFunction;
  const { device } = found;
  const fields = new Fields(response);
  fields.set(0x13, 1, GROUP);
  fields.set(0x14, 4, found.fid);
  for (let n = 0; n < WINDOWS; n++) {
    const bar = device.bars[n];
    fields.set(0x18 + n, 1, bar === undefined ? 0 : Math.log2(bar.region.size));
    fields.set(0x20 + 4 * n, 4, device.config.read(CONFIG.bar0 + 4 * n, 4));
  }
  fields.set(0x40, 8, FIRST_DMA);
  fields.set(0x48, 8, LAST_DMA);
  fields.set(0x7c, 4, found.uid);
  return RESPONSE.ok;
}

function queryGroup(page: DataView, response: DataView): number {
  if (page.getUint8(19) !== GROUP) return RESPONSE.unknownGroup;
  const fields = new Fields(response);
  fields.set(0x10, 2, MAX_INTERRUPTS);
  fields.set(0x13, 1, GROUP_REFRESH);
  fields.set(0x14, 2, MAX_STORE_BLOCK);
  fields.set(0x16, 2, MEASUREMENT_MS);
  fields.set(0x18, 1, GROUP_TABLES);
  fields.set(0x28, 4, MESSAGE_ADDRESS_HIGH);
  return RESPONSE.ok;
}

/** A function's handle changes when it is enabled or disabled: the response has the new one. */
function setFunction(target: ClpTarget, page: DataView, response: DataView): number {
  const found = target.functions.find(({ handle }) => handle === page.getUint32(16));
  if (found === undefined) return RESPONSE.noFunction;
  const isEnabled = (found.handle & HANDLE_ENABLED) !== 0;
  switch (page.getUint8(22)) {
    case ENABLE:
      if (page.getUint8(23) === 0) return RESPONSE.noDmaSpaces;
      if (isEnabled || !found.configured) return RESPONSE.wrongOperation;
      found.enabled = true;
      break;
    case DISABLE:
      if (!isEnabled) return RESPONSE.wrongOperation;
      found.disable();
      break;
    default:
      return RESPONSE.wrongOperation;
  }
  new Fields(response).set(0x10, 4, found.handle);
  return RESPONSE.ok;
}
