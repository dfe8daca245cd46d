export { asCharBackend, chardevProperty, isCharBackend } from './chardev-property.ts';
export { Ns16550a, type Ns16550aOptions } from './ns16550a.ts';
