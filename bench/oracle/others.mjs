/** What others do on the platform meanwhile. */
import { request } from 'undici';
import { app } from './stage.mjs';

/** A run that somebody else records, without any fingerprint of ours. */
export async function foreignRun(stage) {
  stage.isOthersTurn = true;
  const { run_id: id } = await asked(stage, 'POST', '/runs', {
    input: { a: 1 },
    name: 'of somebody else',
    result: { status: 'succeeded' },
  }).finally(() => (stage.isOthersTurn = false));
  stage.foreign.push(id);
  return id;
}

/** Over the API, beside the daemon. @returns the answer */
export async function asked(stage, method, path, body) {
  const { statusCode, body: said } = await request(`${stage.endpoint}/v1/applications/${app}${path}`, {
    method,
    headers: { authorization: 'Bearer key', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await said.text();
  if (statusCode !== 200) throw new Error(`${method} ${path}: ${statusCode} ${text}`);
  return JSON.parse(text);
}
