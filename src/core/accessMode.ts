/** How those who look at the daemon prove that they may see contents: by a link, by a password, or not at all. */
export const accessModes = ['link', 'password', 'open'] as const;
export type AccessMode = (typeof accessModes)[number];
