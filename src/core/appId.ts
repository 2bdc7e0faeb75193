/** The form of an app's id: 3 to 30 of lowercase letters, digits, dot and dash, with no dot or dash at an end. */
export const appIdPattern = /^[a-z0-9][a-z0-9.-]{1,28}[a-z0-9]$/;
