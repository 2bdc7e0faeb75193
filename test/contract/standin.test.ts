/** The stand-in is held to the contract by the same suite as the platform. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Application, Client } from '../../src/index.ts';
import { startStandIn } from '../../src/standin/standin.ts';
import { behavesLikeThePlatform } from './platform.ts';

behavesLikeThePlatform({
  name: 'the stand-in',
  client: async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'contract-stand-in-'));
    const standIn = await startStandIn({ port: 0, apps: null, apiKey: null, dataDir });
    const client = new Client({ apiKey: 'some-key', endpoint: standIn.endpoint });
    return {
      application: new Application({ client, id: 'hare-app' }),
      cleanup: async () => {
        await client.close();
        await standIn.close();
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  },
});
