export { SCSI_BUS, ScsiBus, type ScsiCommand, ScsiDevice, type ScsiHost } from './scsi-bus.ts';
export { ScsiDisk } from './scsi-disk.ts';
export { type ScsiEnd, type Sense, STATUS_CHECK_CONDITION, STATUS_GOOD, senseData } from './sense.ts';
