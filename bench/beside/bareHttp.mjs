/**
 * What the requests of a run cost by themselves: undici against the stub, three uploads side by side, the run, its result;
 * no folder, no outbox. Prints runs a second and ms of the processor for a run.
 *
 *   node bench/beside/bareHttp.mjs ENDPOINT RUNS SLOTS        SLOTS: so many runs at once
 */
import { performance } from 'node:perf_hooks';
import { Agent, request } from 'undici';

const [endpoint, runsText, slotsText] = process.argv.slice(2);
const [runs, slots] = [Number(runsText), Number(slotsText)];
// The uploads of a run go side by side: nothing waits for a connection.
const dispatcher = new Agent({ connections: 4 * slots, pipelining: 1 });
const headers = { authorization: 'Bearer key', 'content-type': 'application/json' };
const document = JSON.stringify({ rows: 'x'.repeat(2_000) });
const app = `${endpoint}/v1/applications/bench-app/runs`;

async function json(method, url, body) {
  const answer = await request(url, { method, headers, body, dispatcher });
  return await answer.body.json();
}

async function upload() {
  const { upload_id: id, upload_url: url } = await json('POST', `${app}/uploadurl`);
  const answer = await request(url, { method: 'PUT', body: document, dispatcher });
  await answer.body.dump();
  return id;
}

async function track(name) {
  const [input, output, log] = await Promise.all([upload(), upload(), upload()]);
  const result = { status: 'succeeded', output_upload_id: output, error_upload_id: log };
  const order = { name, upload_id: input, result };
  const { run_id: id } = await json('POST', app, JSON.stringify(order));
  await json('GET', `${app}/${id}`);
}

let next = 0;
async function slot(until) {
  while (next < until) await track(`bare-${(next += 1)}`);
}
const all = (count) => {
  next = 0;
  return Promise.all(Array.from({ length: slots }, () => slot(count)));
};

// All connections are there then.
await all(Math.max(slots, Math.min(runs, 200)));
const [beganMs, before] = [performance.now(), process.cpuUsage()];
await all(runs);
const ms = performance.now() - beganMs;
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ perSecond: runs / (ms / 1_000), cpuMs: (user + system) / 1_000 / runs }));
await dispatcher.close();
