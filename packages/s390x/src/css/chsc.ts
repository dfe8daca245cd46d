/**
 * CHANNEL SUBSYSTEM CALL. The commands are those that an operating system needs to find its devices; formats and codes after what
 * Linux (drivers/s390/cio/chsc.h) and qemu-system-s390x 7.2 (observed) have in common.
 */
import { type Outcome, PGM_SPECIFICATION, programInterruption } from '../cpu/services.ts';
import { CHANNEL_PATH_VIRTIO, PMCW } from './words.ts';

const OK = 0x0001;
const REQUEST_ERROR = 0x0003;
const UNKNOWN_COMMAND = 0x0004;
const NO_EVENT = 0x0005;
const WRONG_FORMAT = 0x0007;
const NO_CHANNEL_SUBSYSTEM = 0x0008;

const CHSC_PATH_DESCRIPTION = 0x0002;
const CHSC_SUBCHANNEL_DESCRIPTION = 0x0004;
const CHSC_EVENT_INFORMATION = 0x000e;
const CHSC_CHARACTERISTICS = 0x0010;
const CHSC_DOMAIN_ATTRIBUTE = 0x0031;

/** Facilities that SET DOMAIN ATTRIBUTE enables. */
const MULTIPLE_CHANNEL_SUBSYSTEMS = 0;
const MULTIPLE_SUBCHANNEL_SETS = 2;

/** Kinds of events that the program asks for; the one that it is told of, and what that is about. */
const EVENTS_OF_PCI = 0x2000_0000;
const EVENT_KIND_PCI = 2;
const EVENT_ERROR = 1;
const EVENT_AVAILABILITY = 2;
const EVENT_MORE = 0x80;
/** Where an event is told, in bytes from the start of the response (Linux: struct chsc_sei, struct zpci_ccdf_avail, struct zpci_ccdf_err). */
const EVENT = { flags: 8, content: 11, handle: 68, fid: 72, address: 80, code: 94 } as const;

const PAGE = 4096;
const HEADER = 8;

/** Words of general characteristics that are not 0 (bit 45 multiple channel subsystems, 46 fabrics, 48 measurement ...), and of CHSC's. */
const GENERAL_CHARACTERISTICS: readonly (readonly [number, number])[] = [
  [0, 0x0300_0000],
  [1, 0x0007_9000],
  [3, 0x0008_0000],
];
const CHSC_CHARACTERISTICS_WORDS: readonly (readonly [number, number])[] = [
  [0, 0x4000_0000],
  [3, 0x0004_0000],
];
const GENERAL_BYTES = 2040;
const CHARACTERISTICS_BYTES = 0x0ff0;

/** What has happened to which PCI function: an error, or that it comes or goes. */
export interface PciEvent {
  readonly isError: boolean;
  readonly handle: number;
  readonly fid: number;
  /** A number of `PCI_EVENT` or `PCI_ERROR`. */
  readonly code: number;
  /** Of an error: the address that it was about. */
  readonly address: bigint;
}

/** The channel subsystem, as far as these commands ask or change it. */
export interface ChscTarget {
  /** Number of the channel subsystem that the program sees. */
  readonly defaultCssid: number;
  /** Channel paths that are installed. */
  channelPaths(cssid: number): readonly number[];
  /** Whether there is such a channel subsystem. */
  hasCss(cssid: number): boolean;
  /** Takes the oldest event of a PCI function; `more`: others wait. */
  takePciEvent(): (PciEvent & { readonly more: boolean }) | undefined;
  /** The SCHIB of a subchannel of the default channel subsystem. */
  subchannelBlock(ssid: number, number: number): Uint8Array | undefined;
  enableChannelSubsystems(): void;
  enableSubchannelSets(): void;
}

interface Response {
  readonly code: number;
  /** The word behind the code. */
  readonly word?: number;
  readonly data?: Uint8Array | undefined;
}

/** Carries out the command in a page and puts the response behind it. */
export function channelSubsystemCall(target: ChscTarget, page: DataView): Outcome {
  const length = page.getUint16(0);
  if (length < 16 || length > PAGE - HEADER || length % 8 !== 0) return programInterruption(0x15);
  if (page.byteLength < PAGE) return programInterruption(PGM_SPECIFICATION);
  const { code, word = 0, data } = respond(target, page, length);
  const bytes = data?.subarray(0, PAGE - length - HEADER);
  page.setUint16(length, HEADER + (bytes?.length ?? 0));
  page.setUint16(length + 2, code);
  page.setUint32(length + 4, word);
  for (const [i, byte] of (bytes ?? []).entries()) page.setUint8(length + HEADER + i, byte);
  return 0;
}

function respond(target: ChscTarget, page: DataView, length: number): Response {
  switch (page.getUint16(2)) {
    case CHSC_PATH_DESCRIPTION:
      return length === 16 ? pathDescription(target, page) : { code: REQUEST_ERROR };
    case CHSC_SUBCHANNEL_DESCRIPTION:
      return length === 16 ? subchannelDescription(target, page) : { code: REQUEST_ERROR };
    case CHSC_EVENT_INFORMATION:
      return length === 16 ? eventInformation(target, page) : { code: REQUEST_ERROR };
    case CHSC_CHARACTERISTICS:
      return length === 16 ? characteristics() : { code: REQUEST_ERROR };
    case CHSC_DOMAIN_ATTRIBUTE:
      return length === 0x400 ? domainAttribute(target, page) : { code: REQUEST_ERROR };
    default:
      return { code: UNKNOWN_COMMAND };
  }
}

/** STORE EVENT INFORMATION: of the kinds that the program asks for those of PCI alone occur. */
function eventInformation(target: ChscTarget, page: DataView): Response {
  const asksForPci = (page.getUint32(8) & EVENTS_OF_PCI) !== 0;
  const event = asksForPci ? target.takePciEvent() : undefined;
  if (event === undefined) return { code: NO_EVENT };
  const data = new DataView(new ArrayBuffer(PAGE - 16 - HEADER));
  // Counted from the start of the response, whose header is in front of these bytes.
  data.setUint8(EVENT.flags - HEADER, event.more ? EVENT_MORE : 0);
  data.setUint8(EVENT.content - HEADER, event.isError ? EVENT_ERROR : EVENT_AVAILABILITY);
  data.setUint32(EVENT.handle - HEADER, event.handle);
  data.setUint32(EVENT.fid - HEADER, event.fid);
  data.setBigUint64(EVENT.address - HEADER, event.address);
  data.setUint16(EVENT.code - HEADER, event.code);
  return { code: OK, word: EVENT_KIND_PCI, data: new Uint8Array(data.buffer) };
}

function characteristics(): Response {
  const data = new DataView(new ArrayBuffer(CHARACTERISTICS_BYTES - HEADER));
  for (const [word, value] of GENERAL_CHARACTERISTICS) data.setUint32(4 * word, value);
  for (const [word, value] of CHSC_CHARACTERISTICS_WORDS) data.setUint32(GENERAL_BYTES + 4 * word, value);
  return { code: OK, data: new Uint8Array(data.buffer) };
}

function pathDescription(target: ChscTarget, page: DataView): Response {
  const word = page.getUint32(4);
  const first = word & 0xff;
  const last = page.getUint32(8) & 0xff;
  const resultFormat = (word >>> 8) & 0x0f;
  if ((word & 0xc000_f000) !== 0 || last < first) return { code: REQUEST_ERROR };
  if ((word & 0x0f00_0000) !== 0 || resultFormat > 1) return { code: WRONG_FORMAT };
  const named = (word & 0x2000_0000) !== 0;
  const cssid = named ? (word >>> 16) & 0xff : target.defaultCssid;
  if (!target.hasCss(cssid)) return { code: NO_CHANNEL_SUBSYSTEM };
  const paths = target.channelPaths(cssid).filter((path) => first <= path && path <= last);
  const bytes = resultFormat === 0 ? 8 : 32;
  const data = new DataView(new ArrayBuffer(bytes * paths.length));
  for (const [i, path] of paths.entries()) data.setUint32(i * bytes, 0x8000_0000 | (CHANNEL_PATH_VIRTIO << 8) | path);
  return { code: OK, data: new Uint8Array(data.buffer) };
}

/** Channel paths of subchannels, and how devices lie on them. */
function subchannelDescription(target: ChscTarget, page: DataView): Response {
  const ssid = (page.getUint16(4) >>> 4) & 3;
  const first = page.getUint16(6);
  const last = page.getUint16(10);
  if (last < first) return { code: REQUEST_ERROR };
  const entries: Uint8Array[] = [];
  for (let number = first; number <= last && entries.length < (PAGE - 16 - HEADER) / 32; number++) {
    entries.push(describeSubchannel(target.subchannelBlock(ssid, number), number));
  }
  return { code: OK, data: Uint8Array.from(entries.flatMap((entry) => [...entry])) };
}

function describeSubchannel(schib: Uint8Array | undefined, number: number): Uint8Array {
  const entry = new Uint8Array(32);
  const view = new DataView(entry.buffer);
  view.setUint16(6, number);
  if (schib === undefined) return entry;
  entry[0] = 0xc0;
  entry.set(schib.subarray(PMCW.deviceNumber, PMCW.deviceNumber + 2), 2);
  entry[4] = schib[PMCW.pathInstalledMask] ?? 0;
  entry.set(schib.subarray(PMCW.channelPaths, PMCW.channelPaths + 8), 8);
  return entry;
}

function domainAttribute(target: ChscTarget, page: DataView): Response {
  if ((page.getUint8(4) & 0x0f) !== 0) return { code: WRONG_FORMAT };
  switch (page.getUint16(6)) {
    case MULTIPLE_CHANNEL_SUBSYSTEMS:
      target.enableChannelSubsystems();
      return { code: OK };
    case MULTIPLE_SUBCHANNEL_SETS:
      target.enableSubchannelSets();
      return { code: OK };
    default:
      return { code: REQUEST_ERROR };
  }
}
