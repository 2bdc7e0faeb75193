/** Where the API key is read: a file, which is read again when it changes, or the environment. */
export type ApiKeySource = { readonly file: string } | { readonly environment: 'NEXTMV_API_KEY' };
