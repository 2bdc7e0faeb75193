/** What a run is warned of whose output the platform gave back different. The outbox counts runs by these words. */
export const outputDiffers = 'the output came back different from what was sent';
/** The same of one that was sent and is not there at all. */
export const nothingCameBack = `${outputDiffers}: nothing came back`;
