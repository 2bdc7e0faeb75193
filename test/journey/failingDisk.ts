/** A disk that fails on request, for the daemon alone; where there is none to be had, that is said. */
import { whyUnfailing } from '../../bench/oracle/failingDisk.mjs';
import { said } from './mounts.ts';

export { FailingDisk } from '../../bench/oracle/failingDisk.mjs';

export const isUnfailing = said('a disk that fails', whyUnfailing());
