/** Names of control and status registers by number. RISC-V Privileged ISA, "CSR Listing"; Advanced Interrupt
 * Architecture, "Control and status registers"; Debug Specification, "Trigger Module Registers". */

/** `first: name name ...` gives consecutive numbers; `name{3..31}` is a numbered run. */
const LISTING = `
  001: fflags frm fcsr
  008: vstart vxsat vxrm
  00f: vcsr
  015: seed
  017: jvt
  100: sstatus
  104: sie stvec scounteren
  10a: senvcfg
  10c: sstateen{0..3}
  114: sieh
  140: sscratch sepc scause stval sip
  14d: stimecmp
  150: siselect sireg
  154: siph
  15c: stopei stimecmph
  180: satp
  200: vsstatus
  204: vsie vstvec
  214: vsieh
  240: vsscratch vsepc vscause vstval vsip
  24d: vstimecmp
  250: vsiselect vsireg
  254: vsiph
  25c: vstopei vstimecmph
  280: vsatp
  300: mstatus misa medeleg mideleg mie mtvec mcounteren
  308: mvien mvip menvcfg
  30c: mstateen{0..3} mstatush
  313: midelegh mieh
  318: mvienh mviph menvcfgh
  31c: mstateen{0..3}h mcountinhibit
  323: mhpmevent{3..31} mscratch mepc mcause mtval mip
  34a: mtinst mtval2
  350: miselect mireg
  354: miph
  35c: mtopei
  3a0: pmpcfg{0..15} pmpaddr{0..63}
  5a8: scontext
  600: hstatus
  602: hedeleg hideleg hie htimedelta hcounteren hgeie hvien hvictl henvcfg
  60c: hstateen{0..3}
  613: hidelegh
  615: htimedeltah
  618: hvienh
  61a: henvcfgh
  61c: hstateen{0..3}h
  643: htval hip hvip hviprio{1..2}
  64a: htinst
  655: hviph hviprio{1..2}h
  680: hgatp
  6a8: hcontext
  723: mhpmevent{3..31}h
  747: mseccfg
  757: mseccfgh
  7a0: tselect tdata{1..3} tinfo tcontrol
  7a8: mcontext
  7aa: mscontext
  7b0: dcsr dpc dscratch{0..1}
  b00: mcycle
  b02: minstret mhpmcounter{3..31}
  b80: mcycleh
  b82: minstreth mhpmcounter{3..31}h
  c00: cycle time instret hpmcounter{3..31} vl vtype vlenb
  c80: cycleh timeh instreth hpmcounter{3..31}h
  da0: scountovf
  db0: stopi
  e12: hgeip
  eb0: vstopi
  f11: mvendorid marchid mimpid mhartid mconfigptr
  fb0: mtopi
`;

function expand(word: string): readonly string[] {
  const [, prefix = '', first, last, suffix = ''] = /^(\w+)\{(\d+)\.\.(\d+)\}(\w*)$/.exec(word) ?? [];
  if (first === undefined || last === undefined) return [word];
  const count = Number(last) - Number(first) + 1;
  return Array.from({ length: count }, (_, index) => `${prefix}${Number(first) + index}${suffix}`);
}

function parseListing(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.trim().split('\n')) {
    const [first = '', list = ''] = line.split(': ');
    for (const [index, name] of list.split(' ').flatMap(expand).entries())
      names.set(Number.parseInt(first, 16) + index, name);
  }
  return names;
}

/** Name of each CSR that the manuals define, by its 12-bit number. */
export const CSR_NAMES: ReadonlyMap<number, string> = parseListing(LISTING);
