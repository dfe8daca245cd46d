// Jobs in the background, and the snapshots of images that are made by some (qapi/job.json, qapi/migration.json).
import { command, enumeration, int, list, opt, str, struct } from './dsl.ts';

export const JobStatus = enumeration('JobStatus', [
  'undefined',
  'created',
  'running',
  'paused',
  'ready',
  'standby',
  'waiting',
  'pending',
  'aborting',
  'concluded',
  'null',
]);
export const JobType = enumeration('JobType', ['snapshot-load', 'snapshot-save', 'snapshot-delete']);
export const JobInfo = struct('JobInfo', {
  id: str,
  type: JobType,
  status: JobStatus,
  'current-progress': int,
  'total-progress': int,
  error: opt(str),
});

const id = { id: str } as const;
const snapshot = { 'job-id': str, tag: str, devices: list(str) } as const;
const needsPlace = 'The job fails where no image can hold one, and no raw image can.';

export const jobCommands = {
  'query-jobs': command({ doc: 'Jobs in the background, the newest first.', returns: list(JobInfo) }),
  'job-pause': command({ doc: 'Lets a job rest.', args: id }),
  'job-resume': command({ doc: 'Lets a job go on that rests.', args: id }),
  'job-cancel': command({ doc: 'Ends a job.', args: id }),
  'job-complete': command({ doc: 'Ends a job that goes on until it is told.', args: id }),
  'job-dismiss': command({ doc: 'Forgets a job that has ended.', args: id }),
  'job-finalize': command({ doc: 'Does the last step of a job that waits for that.', args: id }),
  'snapshot-save': command({
    doc: `Saves the machine into images. ${needsPlace}`,
    args: { ...snapshot, vmstate: str },
  }),
  'snapshot-load': command({ doc: `Goes back to what was saved. ${needsPlace}`, args: { ...snapshot, vmstate: str } }),
  'snapshot-delete': command({ doc: `Takes a snapshot out of images. ${needsPlace}`, args: snapshot }),
} as const;
