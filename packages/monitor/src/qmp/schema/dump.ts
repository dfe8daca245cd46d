// Guest memory into files that debuggers open (qapi/dump.json), and the device tree into one (qapi/machine.json).
import { bool, command, enumeration, int, list, opt, str, struct } from './dsl.ts';

const DumpGuestMemoryFormat = enumeration('DumpGuestMemoryFormat', ['elf']);
const DumpStatus = enumeration('DumpStatus', ['none', 'active', 'completed', 'failed']);

export const DumpQueryResult = struct('DumpQueryResult', { status: DumpStatus, completed: int, total: int });

export const dumpCommands = {
  'dump-guest-memory': command({
    doc: 'Writes RAM and registers to an ELF core file for gdb, by physical addresses or (`paging`) as page tables map them. The machine stands still meanwhile; with `detach` the answer comes at once.',
    args: {
      paging: bool,
      protocol: str,
      detach: opt(bool),
      begin: opt(int),
      length: opt(int),
      format: opt(DumpGuestMemoryFormat),
    },
  }),
  'query-dump': command({ doc: 'How far the last dump is, or how it ended.', returns: DumpQueryResult }),
  'query-dump-guest-memory-capability': command({
    doc: 'The formats of dumps.',
    returns: struct('DumpGuestMemoryCapability', { formats: list(DumpGuestMemoryFormat) }),
  }),
  dumpdtb: command({
    doc: 'Writes the device tree that the guest is given to a file, as a blob.',
    args: { filename: str },
  }),
  'dump-skeys': command({
    doc: 'Writes the storage keys of a mainframe to a file, a line for each 4 KiB.',
    args: { filename: str },
  }),
} as const;
