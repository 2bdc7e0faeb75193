/** What the stand-in calls its things in its data folder: whatever else lies there is somebody else's. */

export const uploadsName = 'uploads';
/** What is not whole yet ends with this. */
export const partEnding = '.part';
/** What `newFileName` makes. */
export const uploadForm = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(\.part)?$/;

export const keyFileName = 'tls-key.pem';
export const certificateFileName = 'tls-certificate.pem';

/** @param names those on the way from the data folder, the first one first */
export function isStandInData([name = '', ...below]: readonly string[]): boolean {
  const [file, ...deeper] = below;
  if (name === uploadsName) return deeper.length === 0 && (file === undefined || uploadForm.test(file));
  // Records and lock, with what the database puts beside them, and the process that holds them.
  const isRecord = name.startsWith('stand-in.');
  const isOfPair = [keyFileName, certificateFileName].some(
    (own) => name === own || name === own + partEnding,
  );
  return file === undefined && (isRecord || isOfPair);
}
