// A guest for the virt board, started as firmware: prints `hello`, echoes what it receives, and at `q` ends with status 7.

/** lui s0, UART; lui s1, finisher; then the loops. Assembled with riscv64-linux-gnu-gcc, -march=rv64g, at 0x80000000. */
const CODE = [
  0x10000437, // lui   s0, 0x10000
  0x001004b7, // lui   s1, 0x100
  0x00000917, // auipc s2, 0
  0x04c90913, // addi  s2, s2, 76     the text
  0x00094503, // lbu   a0, 0(s2)      print:
  0x00050863, // beqz  a0, echo
  0x00a40023, // sb    a0, 0(s0)
  0x00190913, // addi  s2, s2, 1
  0xff1ff06f, // j     print
  0x00544583, // lbu   a1, 5(s0)      echo: line status
  0x0015f593, // andi  a1, a1, 1
  0xfe058ce3, // beqz  a1, echo
  0x00044503, // lbu   a0, 0(s0)
  0x07100613, // li    a2, 'q'
  0x00c50663, // beq   a0, a2, end
  0x00a40023, // sb    a0, 0(s0)
  0xfe5ff06f, // j     echo
  0x00073537, // lui   a0, 0x73       end: status 7, fail
  0x3335051b, // addiw a0, a0, 0x333
  0x00a4a023, // sw    a0, 0(s1)
  0x0000006f, // j     .
];

/** The file's bytes. */
export function guestProgram(): Uint8Array {
  const text = new TextEncoder().encode('hello\n\0');
  const bytes = new Uint8Array(CODE.length * 4 + text.length);
  const view = new DataView(bytes.buffer);
  for (const [i, instruction] of CODE.entries()) view.setUint32(i * 4, instruction, true);
  bytes.set(text, CODE.length * 4);
  return bytes;
}
