export { ETHERNET_HEADER, LARGEST_FRAME, type NetBackend } from './net-backend.ts';
export { NetTable } from './net-table.ts';
export { isNetworkCard, type NetworkCard } from './network-card.ts';
export { StreamNet } from './stream-net.ts';
