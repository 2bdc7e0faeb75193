/**
 * The platform as a bench needs it: the requests of an external run and nothing else, answered from memory over bare
 * sockets, so that it is not what limits whoever is measured. With a latency that can be set, and with what it saw.
 *
 *   node bench/stub.mjs        prints its endpoint; ends with its standard input
 *
 * `GET /bench/seen` tells what came, and was answered, since the last `POST /bench/forget`, `GET /bench/requests` each request;
 * `POST /bench/latency/20` makes each answer wait.
 * Times are of the monotonic clock, which all processes of a machine share.
 */
import { Buffer } from 'node:buffer';
import { createServer } from 'node:net';
import { clearInterval, setInterval, setTimeout } from 'node:timers';

/** Larger ones are counted and thrown away. */
const keptBytesMax = 256 * 1024;
const headBytesMax = 64 * 1024;
const pageSize = 200;
const headEnd = Buffer.from('\r\n\r\n');

/** @returns the endpoint, and an end for it */
export async function startStub() {
  const platform = new Stub();
  const server = createServer({ noDelay: true }, (socket) => serve(socket, platform));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
  platform.endpoint = `http://127.0.0.1:${server.address().port}`;
  const clock = setInterval(() => platform.tick(), 500);
  return {
    endpoint: platform.endpoint,
    close: () => {
      clearInterval(clock);
      server.close();
    },
  };
}

const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

class Stub {
  endpoint = '';
  latencyMs = 0;
  #date = new Date().toUTCString();
  #uploads = new Map();
  #runs = [];
  #byId = new Map();
  #number = 0;
  #seen = fresh();
  /** Kind and time of each, since the last `forget`. */
  #requests = [];

  tick() {
    this.#date = new Date().toUTCString();
  }

  get date() {
    return this.#date;
  }

  /**
   * @param body null where it was too large to be kept
   * @returns status and body of the answer, and what is to be noted as soon as it is written
   */
  answer(method, target, body, bytes) {
    const [path, query = ''] = target.split('?');
    const parts = path.split('/');
    if (parts[1] === 'bench') return this.#bench(method, parts);
    this.#seen.bytesIn += bytes;
    if (parts[1] === 'storage' && method === 'PUT') {
      this.#count('put');
      this.#uploads.set(parts[2], body);
      return [200, ''];
    }
    const [, version, , , runs, run, document] = parts;
    if (version !== 'v1') return [404, '{}'];
    if (method === 'GET' && runs === undefined) {
      this.#count('application');
      return [200, JSON.stringify({ id: parts[3], name: parts[3] })];
    }
    if (method === 'POST' && run === 'uploadurl') {
      this.#count('uploadurl');
      const id = `upload-${(this.#number += 1)}`;
      return [200, `{"upload_id":"${id}","upload_url":"${this.endpoint}/storage/${id}?signature=s"}`];
    }
    if (method === 'POST') return this.#make(body, parts[3]);
    if (run === undefined) return this.#list(query);
    this.#count('run');
    const seen = this.#seen;
    const known = this.#byId.get(run);
    if (known === undefined) return [404, '{}'];
    const output = document === 'metadata' ? null : known.output;
    const note = () => {
      seen.lastAnsweredMs = nowMs();
      seen.runAnswers += 1;
    };
    return [200, metadataOf(known, output), note];
  }

  #count(kind) {
    this.#requests.push([kind, nowMs()]);
    this.#seen.requests[kind] = (this.#seen.requests[kind] ?? 0) + 1;
    if (kind === 'uploadurl') this.#seen.firstUploadMs ??= nowMs();
  }

  #make(body, app) {
    this.#count('create');
    const order = JSON.parse(body?.toString() ?? '{}');
    const id = `run-${(this.#number += 1)}`;
    const { name = '', description = '', result } = order;
    const output = this.#uploads.get(result.output_upload_id)?.toString() ?? '{}';
    this.#uploads.delete(order.upload_id);
    this.#uploads.delete(result.output_upload_id);
    this.#uploads.delete(result.error_upload_id);
    const run = {
      id,
      app,
      name,
      description,
      status: result.status,
      output,
      createdAt: new Date().toISOString(),
    };
    this.#runs.push(run);
    this.#byId.set(id, run);
    const { made } = this.#seen;
    return [200, `{"run_id":"${id}"}`, () => made.push([name, nowMs()])];
  }

  /** Newest first, as the platform does. */
  #list(query) {
    this.#count('list');
    const token = /pagetoken=(\d+)/.exec(query)?.[1];
    const end = token === undefined ? this.#runs.length : Number(token);
    const begin = Math.max(0, end - pageSize);
    const runs = this.#runs.slice(begin, end).toReversed();
    const items = runs.map(({ id, name, description, createdAt, status }) => ({
      id,
      name,
      description,
      created_at: createdAt,
      run_type: { type: 'external' },
      status_v2: status,
    }));
    return [200, JSON.stringify({ runs: items, ...(begin > 0 ? { next_page_token: String(begin) } : {}) })];
  }

  #bench(method, parts) {
    if (method === 'GET') return [200, JSON.stringify(parts[2] === 'requests' ? this.#requests : this.#seen)];
    if (parts[2] === 'latency') this.latencyMs = Number(parts[3]);
    if (parts[2] === 'forget') {
      this.#seen = fresh();
      this.#requests = [];
    }
    return [200, '{}'];
  }
}

/**
 * `made`: each run by its name, and when the answer was written that says so, in order; `runAnswers`, `lastAnsweredMs`: those
 * with a run's state or result.
 */
const fresh = () => ({
  requests: {},
  bytesIn: 0,
  firstUploadMs: null,
  runAnswers: 0,
  lastAnsweredMs: null,
  made: [],
});

/** As the official SDK requires it. */
function metadataOf({ id, app, name, description, status, createdAt }, output) {
  const metadata = JSON.stringify({
    application_id: app,
    application_instance_id: 'devint',
    application_version_id: '',
    created_at: createdAt,
    duration: 1_000,
    error: '',
    input_size: 0,
    output_size: output?.length ?? 0,
    format: { input: { type: 'json' }, output: { type: 'json' } },
    run_type: { type: 'external', definition_id: '', reference_id: '' },
    status,
    status_v2: status,
  });
  const words = `"id":"${id}","user_email":"bench@localhost","name":${JSON.stringify(name)},"description":${JSON.stringify(description)}`;
  return `{${words},"metadata":${metadata}${output === null ? '' : `,"output":${output}`}}`;
}

/** HTTP/1.1 as far as clients that know their lengths speak it. */
function serve(socket, platform) {
  let head = Buffer.alloc(0);
  let request = null;
  socket.on('error', () => socket.destroy());
  socket.on('data', (piece) => {
    let rest = piece;
    while (rest.length > 0 || request?.left === 0) {
      if (request === null) {
        head = head.length === 0 ? rest : Buffer.concat([head, rest]);
        const end = head.indexOf(headEnd);
        if (end === -1) {
          if (head.length > headBytesMax) socket.destroy();
          return;
        }
        request = requestOf(head.toString('latin1', 0, end));
        rest = head.subarray(end + headEnd.length);
        head = Buffer.alloc(0);
        if (request.expects && request.left > 0) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      }
      const taken = Math.min(request.left, rest.length);
      if (request.pieces !== null && taken > 0) request.pieces.push(rest.subarray(0, taken));
      request.left -= taken;
      rest = rest.subarray(taken);
      if (request.left > 0) return;
      const { method, target, pieces, bytes } = request;
      request = null;
      const body = pieces === null ? null : Buffer.concat(pieces);
      const write = ([status, text, noteWritten]) => {
        const content = Buffer.byteLength(text);
        const lines = `HTTP/1.1 ${status} ${status === 200 ? 'OK' : 'No'}\r\ndate: ${platform.date}\r\ncontent-type: application/json\r\ncontent-length: ${content}\r\n\r\n`;
        if (!socket.destroyed) socket.write(lines + text);
        noteWritten?.();
      };
      const answer = platform.answer(method, target, body, bytes);
      if (platform.latencyMs === 0 || target.startsWith('/bench/')) write(answer);
      else setTimeout(write, platform.latencyMs, answer);
    }
  });
}

function requestOf(text) {
  const [method, target] = text.split(' ', 2);
  const bytes = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
  const pieces = bytes <= keptBytesMax ? [] : null;
  return { method, target, left: bytes, bytes, pieces, expects: /\r\nexpect: *100/i.test(text) };
}

if (process.argv[1] === import.meta.filename) {
  const { endpoint } = await startStub();
  console.log(endpoint);
  process.stdin.on('end', () => process.exit()).resume();
}
