/**
 * The stand-in's own routes, below `/stand-in`: what is no part of the platform. Settings and faults are read and
 * changed here while it runs; no fault ever happens to these requests.
 */
import { Hono, type MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { jsonBody, readBody } from './body.ts';
import { FaultProblem, faultCharsMax, faultText, parseFault } from './faultText.ts';
import type { Faults, Rule } from './faults.ts';
import type { Platform, StandInEnv } from './platform.ts';
import { problemsOf, Refusal } from './refusal.ts';
import { settingsDocument, settingsPatch } from './settings.ts';

/** Each request asks all of them; more are a test gone wild. */
const rulesMax = 100;
const bodyBytesMax = 1024 * 1024;

export function adminRoutes({ faults, records }: Platform): Hono<StandInEnv> {
  const routes = new Hono<StandInEnv>();
  routes.use(readBody(bodyBytesMax));
  for (const method of ['POST', 'PUT', 'PATCH']) routes.on(method, '*', jsonOnly);
  routes
    .get('/health', (c) => c.json({ status: 'ok', id: records.id }))
    .get('/settings', (c) => c.json(settingsDocument(faults)))
    .patch('/settings', (c) => {
      Object.assign(faults, checked(settingsPatch, c.get('body')));
      return c.json(settingsDocument(faults));
    })
    .get('/faults', (c) => c.json(faultsDocument(faults)))
    .post('/faults', (c) => {
      const added = checked(newFaults, c.get('body')).faults;
      if (faults.rules.length + added.length > rulesMax) {
        throw new Refusal(409, `there are at most ${rulesMax} faults at a time: remove some first`);
      }
      for (const { aim, misbehaviour, times } of added) faults.next(aim, misbehaviour, times);
      return c.json(faultsDocument(faults));
    })
    .delete('/faults', (c) => {
      faults.removeAll();
      return c.json(faultsDocument(faults));
    })
    .delete('/faults/:id', (c) => {
      const id = c.req.param('id');
      if (!faults.remove(Number(id))) {
        throw new Refusal(404, `there is no fault ${id}: it was removed, or used up`);
      }
      return c.json(faultsDocument(faults));
    });
  return routes;
}

/** A form of a web page cannot send it, so no page that is open in a browser changes anything unasked. */
const jsonOnly: MiddlewareHandler<StandInEnv> = async (c, next) => {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json *(;|$)/i.test(type)) throw new Refusal(415, 'send content-type: application/json');
  await next();
};

const newFaults = z.strictObject({
  faults: z
    .array(
      z
        .string()
        .max(faultCharsMax)
        .transform((text, context) => {
          try {
            return parseFault(text);
          } catch (error) {
            if (!(error instanceof FaultProblem)) throw error;
            context.addIssue(error.message);
            return z.NEVER;
          }
        }),
    )
    .min(1)
    .max(rulesMax),
});

function checked<T>(schema: z.ZodType<T>, body: Buffer): T {
  const read = schema.safeParse(jsonBody(body));
  if (!read.success) throw new Refusal(400, problemsOf(read.error));
  return read.data;
}

/** Those that are not used up. */
function faultsDocument(faults: Faults) {
  return {
    faults: faults.rules.map((rule: Rule) => ({
      id: rule.id,
      fault: faultText(rule),
      left: rule.left === Infinity ? 'always' : rule.left,
    })),
  };
}
