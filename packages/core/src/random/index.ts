export { RngBackend, RngBuiltin, registerRngBackends } from './rng-backend.ts';
