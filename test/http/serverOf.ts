/** The server itself, of something that shows it to nobody: Node tells of each request which one took it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';

/** @param ask makes one request, of that server alone */
export async function serverOf(ask: () => Promise<unknown>): Promise<Server> {
  const found: Server[] = [];
  const note = (message: unknown): void => void found.push((message as { server: Server }).server);
  subscribe('http.server.request.start', note);
  try {
    await ask();
  } finally {
    unsubscribe('http.server.request.start', note);
  }
  const [server] = found;
  if (server === undefined) throw new Error('no server of this process was asked');
  return server;
}
