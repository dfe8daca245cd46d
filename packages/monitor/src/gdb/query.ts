/** The packets q and Q. GDB manual, "General Query Packets"; `qemu.` ones as QEMU's documents describe them. */
import { fromHex, hexNumber, PACKET_BYTES, textBytes, toHex } from './packet.ts';
import { ERROR, type GdbState } from './state.ts';
import { threadText } from './threads.ts';

/** What a query needs of the session besides its state. */
export interface QueryContext {
  readonly state: GdbState;
  /** Performs a monitor command, and gives what it printed. */
  readonly monitorCommand: (line: string) => string | Promise<string>;
  /** Sends a packet before the answer. */
  send(data: string): void;
  /** From now on packets are not acknowledged. */
  stopAcknowledging(): void;
  /** Features of this session beyond the usual, for qSupported. */
  readonly features: readonly string[];
}

type Query = (context: QueryContext, text: string) => string | Promise<string>;

function supported({ state, features }: QueryContext, text: string): string {
  if (text.split(';').includes('multiprocess+')) state.multiprocess = true;
  const all = [`PacketSize=${PACKET_BYTES.toString(16)}`, 'QStartNoAckMode+', 'vContSupported+', 'multiprocess+'];
  if (state.target !== undefined) all.push('qXfer:features:read+');
  return [...all, ...features].join(';');
}

/** qXfer:features:read:ANNEX:OFFSET,LENGTH */
function transfer({ state }: QueryContext, text: string): string {
  const [, object, annex, first, second] = /^([\w-]+):read:([^:]*):([0-9a-fA-F]+),([0-9a-fA-F]+)$/.exec(text) ?? [];
  const xml = state.target?.xml;
  if (object !== 'features' || xml === undefined) return '';
  if (annex !== 'target.xml') return 'E00';
  const offset = Number(hexNumber(first) ?? 0n);
  const length = Math.min(Number(hexNumber(second) ?? 0n), PACKET_BYTES / 2);
  const part = xml.slice(offset, offset + length);
  return `${offset + length < xml.length ? 'm' : 'l'}${part}`;
}

function threadList({ state }: QueryContext): string {
  return `m${state.cpus.map((cpu) => threadText(cpu, state.multiprocess)).join(',')}`;
}

function threadInfo({ state }: QueryContext, text: string): string {
  const id = state.thread(text);
  if (id?.kind !== 'cpu') return ERROR.invalid;
  const { cpu } = id;
  return toHex(textBytes(`CPU#${cpu.index} [${cpu.halted ? 'halted ' : 'running'}]`));
}

async function monitor({ monitorCommand, send }: QueryContext, text: string): Promise<string> {
  const bytes = fromHex(text);
  if (bytes === undefined) return ERROR.invalid;
  const output = textBytes(await monitorCommand(new TextDecoder().decode(bytes)));
  const piece = PACKET_BYTES / 2 - 1;
  for (let at = 0; at < output.length; at += piece) send(`O${toHex(output.subarray(at, at + piece))}`);
  return 'OK';
}

function setStepFlags({ state }: QueryContext, text: string): string {
  const flags = hexNumber(text);
  if (flags === undefined || flags > 7n) return ERROR.invalid;
  state.sstep = Number(flags);
  return 'OK';
}

function setPhysical({ state }: QueryContext, text: string): string {
  if (text !== '0' && text !== '1') return ERROR.invalid;
  state.physical = text === '1';
  return 'OK';
}

/** By what a packet begins with; what follows is the query's text. Longer names first. */
const QUERIES: readonly (readonly [prefix: string, query: Query])[] = [
  ['qSupported', (context, text) => supported(context, text.replace(/^:/, ''))],
  ['qXfer:', transfer],
  ['qfThreadInfo', threadList],
  ['qsThreadInfo', () => 'l'],
  ['qThreadExtraInfo,', threadInfo],
  [
    'qC',
    ({ state }) => (state.generalCpu === undefined ? '' : `QC${threadText(state.generalCpu, state.multiprocess)}`),
  ],
  ['qAttached', () => '1'],
  ['qRcmd,', monitor],
  ['qemu.sstepbits', () => 'ENABLE=1,NOIRQ=2,NOTIMER=4'],
  ['qemu.sstep=', setStepFlags],
  ['qemu.sstep', ({ state }) => `0x${state.sstep.toString(16)}`],
  ['qemu.PhyMemMode:', setPhysical],
  ['qemu.PhyMemMode', ({ state }) => (state.physical ? '1' : '0')],
  ['qemu.Supported', () => 'sstepbits;sstep;PhyMemMode'],
  [
    'QStartNoAckMode',
    (context) => {
      context.stopAcknowledging();
      return 'OK';
    },
  ],
];

/** Answers a packet that begins with q or Q; the empty text where nobody knows it. */
export async function answerQuery(context: QueryContext, packet: string): Promise<string> {
  // gdb's own queries are known by their whole name, QEMU's follow the letter.
  const name = /^[qQ]qemu\./.test(packet) ? packet.slice(1) : packet;
  for (const [prefix, query] of QUERIES) {
    if (!name.startsWith(prefix)) continue;
    if (prefix === 'qC' && name !== 'qC') continue;
    return query(context, name.slice(prefix.length));
  }
  return '';
}
