export {
  AclintMswi,
  AclintMtimer,
  type AclintMtimerOptions,
  AclintSswi,
  CLINT_MTIME,
  CLINT_SIZE,
  MTIMER_SIZE,
  SifiveClint,
  SWI_SIZE,
} from './aclint.ts';
export { machineAndSupervisorContexts, PLIC_SIZE, Plic, type PlicContext, type PlicOptions } from './plic.ts';
