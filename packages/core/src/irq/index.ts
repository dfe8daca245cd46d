export { OrGate, Splitter } from './gates.ts';
export { type IrqHandler, IrqInput, IrqOutput } from './irq-line.ts';
