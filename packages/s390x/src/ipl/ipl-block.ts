/**
 * The IPL parameter block: from which device the machine is loaded, as DIAGNOSE 0x308 sets and stores it. Layout after Linux
 * arch/s390/include/uapi/asm/ipl.h.
 */
import { SUBCHANNEL_SETS } from '../css/device-id.ts';
import { ebcdicName, fromEbcdic } from '../sclp/ebcdic.ts';

/** Bytes that a block can have. */
export const IPL_BLOCK_BYTES = 4096;
/** Length of a block for a device on a subchannel. */
const CCW_BLOCK_LENGTH = 200;
const HEADER_BYTES = 8;
const LENGTH = 0;
const PART_LENGTH = 8;
const PART_TYPE = 12;
const FLAGS = 13;
const FLAG_LOAD_PARAMETER = 0x80;
const LOAD_PARAMETER = 16;
const CCW_SSID = 109;
const CCW_DEVICE_NUMBER = 110;

const TYPE_CCW = 0x02;

/** Where a machine is loaded from. */
export interface IplDevice {
  readonly ssid: number;
  readonly deviceNumber: number;
  /** Up to 8 characters; empty: none. */
  readonly loadParameter: string;
}

/** The block for a device on a subchannel. */
export function encodeIplBlock({ ssid, deviceNumber, loadParameter }: IplDevice): Uint8Array {
  const block = new Uint8Array(IPL_BLOCK_BYTES);
  const view = new DataView(block.buffer);
  view.setUint32(LENGTH, CCW_BLOCK_LENGTH);
  view.setUint32(PART_LENGTH, CCW_BLOCK_LENGTH - HEADER_BYTES);
  block[PART_TYPE] = TYPE_CCW;
  if (loadParameter !== '') {
    block[FLAGS] = FLAG_LOAD_PARAMETER;
    block.set(ebcdicName(loadParameter.toUpperCase(), 8), LOAD_PARAMETER);
  }
  block[CCW_SSID] = ssid;
  view.setUint16(CCW_DEVICE_NUMBER, deviceNumber);
  return block;
}

/** The device that a block names; undefined if it is no block for one on a subchannel. */
export function decodeIplBlock(block: Uint8Array): IplDevice | undefined {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const length = view.getUint32(LENGTH);
  const ssid = view.getUint8(CCW_SSID) & 7;
  if (length < CCW_BLOCK_LENGTH || length > IPL_BLOCK_BYTES || view.getUint8(PART_TYPE) !== TYPE_CCW) return undefined;
  if (ssid >= SUBCHANNEL_SETS) return undefined;
  const given = (view.getUint8(FLAGS) & FLAG_LOAD_PARAMETER) !== 0;
  const loadParameter = given
    ? new TextDecoder('latin1').decode(fromEbcdic(block.subarray(LOAD_PARAMETER, LOAD_PARAMETER + 8))).trimEnd()
    : '';
  return { ssid, deviceNumber: view.getUint16(CCW_DEVICE_NUMBER), loadParameter };
}
