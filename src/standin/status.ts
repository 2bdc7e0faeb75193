/** What a run can be at a moment. */
export const runStatuses = ['succeeded', 'failed', 'queued', 'running', 'canceled'] as const;

export type RunStatus = (typeof runStatuses)[number];
