export { Bus, findBus, isPluggable, isTransport, OwnedBus, type Pluggable, type Transport } from './bus.ts';
export { Device } from './device.ts';
export { isPciBus, type PciBusInfo, type PciFunctionInfo, type PciWindowInfo } from './pci-info.ts';
export { type DeviceState, describeState, type StateField, type StateValue, stateFieldsOf } from './state.ts';
export { isStorageKeyHolder, type StorageKeyHolder } from './storage-keys.ts';
export { devicesOf, resetTree, restoreTree, saveTree } from './tree.ts';
export {
  type BitNames,
  type DescriptorView,
  type FeatureNames,
  isVirtioViewable,
  type QueueElementView,
  type QueueView,
  type VirtioView,
  type VirtioViewable,
} from './virtio-view.ts';
