export * from './fw-cfg.ts';
export { addBootItems } from './fw-cfg-boot.ts';
export { Semihosting, type SemihostingGuest } from './semihosting.ts';
export { FINISHER_FAIL, FINISHER_PASS, FINISHER_RESET, FINISHER_SIZE, SifiveTest } from './sifive-test.ts';
