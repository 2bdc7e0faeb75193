/**
 * The real platform, by hand: RUNTRACKD_LIVE_APP names an app to record runs in, and a key is found by the usual rules.
 * Only runs that the suite made itself are touched, and they are deleted again.
 */
import { test } from 'vitest';
import { Application, Client } from '../../src/index.ts';
import { behavesLikeThePlatform } from './platform.ts';

const liveApp = process.env['RUNTRACKD_LIVE_APP'] ?? '';

if (liveApp === '') {
  const why = 'RUNTRACKD_LIVE_APP names no app: the contract suite is NOT run over the real platform';
  console.warn(why);
  test.skip(why);
} else {
  behavesLikeThePlatform({
    name: `the platform, in app ${liveApp}`,
    client: () => {
      const client = new Client();
      const application = new Application({ client, id: liveApp });
      return Promise.resolve({ application, cleanup: () => client.close() });
    },
  });
}
