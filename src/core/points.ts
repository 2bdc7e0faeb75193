/**
 * The named points of a run's life at which a process can die and leave something half done. Crash drills stop the
 * process at each of them; see service/crashDrill.ts.
 */
export const lifecyclePoints = [
  'claimed',
  'ticketGiven',
  'putDone',
  'uploaded',
  'intended',
  'postSent',
  'postAnswered',
  'tracked',
  'resultFetched',
  'final',
  'resultWritten',
  'recorded',
] as const;
export type LifecyclePoint = (typeof lifecyclePoints)[number];
export type PassPoint = (point: LifecyclePoint) => void;
