/** What a run is warned of whose output the platform gave back different. The outbox counts runs by these words. */
export const outputDiffers = 'the output came back different from what was sent';
