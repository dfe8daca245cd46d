/**
 * The text form of the intermediate code, for people and tests:
 *
 *   ---- 0000000080000000
 *   %1 = add.i64 x5, 0x10
 *   set x5, %1
 *   %2 = load.i64.4s %1 mmu=3
 *   goto 0x80000010
 */
import type { MemAccess, Node } from './nodes.ts';

/** Text of statements, a line each. */
export function printIr(statements: readonly Node[]): string {
  const printer = new Printer();
  printer.list(statements, '');
  return printer.lines.join('\n');
}

class Printer {
  readonly lines: string[] = [];
  readonly #names = new Map<Node, string>();

  list(statements: readonly Node[], indent: string): void {
    for (const node of statements) this.#statement(node, indent);
  }

  #statement(node: Node, indent: string): void {
    const d = node.detail;
    if (d.kind === 'if') {
      this.lines.push(`${indent}if ${this.#args(node)} {`);
      this.list(d.taken, `${indent}  `);
      if (d.otherwise.length > 0) {
        this.lines.push(`${indent}} else {`);
        this.list(d.otherwise, `${indent}  `);
      }
      this.lines.push(`${indent}}`);
    } else if (d.kind === 'loop') {
      this.lines.push(`${indent}loop {`);
      this.list(d.body, `${indent}  `);
      this.lines.push(`${indent}}`);
    } else {
      const text = this.#operation(node);
      this.lines.push(node.type === undefined ? indent + text : `${indent}${this.#name(node)} = ${text}`);
    }
  }

  #operation(node: Node): string {
    const d = node.detail;
    const args = this.#args(node);
    switch (d.kind) {
      case 'insn':
        return `---- ${hex64(d.pcLo, d.pcHi).padStart(16, '0')}${d.restart.length > 0 ? ` ${d.restart.join(' ')}` : ''}`;
      case 'pure':
        return `${d.op.name} ${args}`;
      case 'get':
        return `get ${d.slot.name}`;
      case 'set':
        return `set ${d.slot.name}, ${args}`;
      case 'local':
        return `local ${node.ty}`;
      case 'getLocal':
        return `getLocal ${this.#name(d.local)}`;
      case 'setLocal':
        return `setLocal ${this.#name(d.local)}, ${args}`;
      case 'load':
      case 'hostLoad':
        return `${d.kind}.${node.ty}.${shape(d.access)} ${args}${regime(d.kind, d.access)}`;
      case 'store':
      case 'hostStore':
        return `${d.kind}.${shape(d.access)} ${args}${regime(d.kind, d.access)}`;
      case 'rmw':
        return `rmw.${d.op}.${shape(d.access)} ${args} mmu=${d.access.mmu}`;
      case 'cas':
        return `cas.${shape(d.access)} ${args} mmu=${d.access.mmu}`;
      case 'probe':
        return `probe.${d.write ? 'write' : 'read'} ${args} mmu=${d.mmu}`;
      case 'call':
        return `call ${d.helper.name}${args === '' ? '' : ` ${args}`}`;
      case 'goto':
        return `goto 0x${hex64(d.pcLo, d.pcHi)}`;
      case 'gotoIf':
        return `gotoIf ${args}, 0x${hex64(d.takenLo, d.takenHi)}, 0x${hex64(d.fallLo, d.fallHi)}`;
      case 'param':
        return `param ${d.index} ${node.ty}`;
      case 'hostRmw':
        return `hostRmw.${d.op}.${d.size} ${args}`;
      case 'hostCas':
        return `hostCas.${d.size} ${args}`;
      default:
        return args === '' ? d.kind : `${d.kind} ${args}`;
    }
  }

  #args(node: Node): string {
    return node.args.map((a) => this.#operand(a)).join(', ');
  }

  #operand(node: Node): string {
    if (node.detail.kind !== 'const') return this.#name(node);
    return node.ty === 'i32' ? `${node.lo}` : `0x${hex64(node.lo, node.hi)}`;
  }

  #name(node: Node): string {
    let name = this.#names.get(node);
    if (name === undefined) {
      name = `%${this.#names.size + 1}`;
      this.#names.set(node, name);
    }
    return name;
  }
}

function shape(access: MemAccess): string {
  const natural = access.align === 'natural' ? '.natural' : '';
  return `${access.size}${access.signed ? 's' : ''}${access.endian === 'big' ? '.big' : ''}${natural}`;
}

function regime(kind: string, access: MemAccess): string {
  return kind.startsWith('host') ? '' : ` mmu=${access.mmu}`;
}

/** A 64-bit number given by its halves, in hexadecimal without leading zeros. */
export function hex64(lo: number, hi: number): string {
  const low = (lo >>> 0).toString(16);
  return hi === 0 ? low : (hi >>> 0).toString(16) + low.padStart(8, '0');
}
