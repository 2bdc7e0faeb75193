/**
 * What a request is about, told from its method and path alone, before anything is looked up: faults are aimed by it
 * and a test is told of it. The query is never part of it, since that is where signatures are.
 */

export const requestKinds = [
  'application',
  'uploadurl',
  'put',
  'create',
  'list',
  'run',
  'metadata',
  'output',
  'input',
  'logs',
  'assets',
  'update',
  'cancel',
  'delete',
  'download',
  'other',
] as const;

export type RequestKind = (typeof requestKinds)[number];

/** A request as its first line tells it. `target` is the app of an API request, the file of a storage request. */
export interface RequestShape {
  readonly kind: RequestKind;
  readonly target: string | null;
}

const app = '/v1/applications/([^/]+)';
const run = `${app}/runs/[^/]+`;

const shapes: readonly (readonly [method: string, path: RegExp, kind: RequestKind])[] = [
  ['GET', new RegExp(`^${app}$`), 'application'],
  ['POST', new RegExp(`^${app}/runs/uploadurl$`), 'uploadurl'],
  ['POST', new RegExp(`^${app}/runs$`), 'create'],
  ['GET', new RegExp(`^${app}/runs$`), 'list'],
  ['GET', new RegExp(`^${run}$`), 'run'],
  ['GET', new RegExp(`^${run}/metadata$`), 'metadata'],
  ['GET', new RegExp(`^${run}/output$`), 'output'],
  ['GET', new RegExp(`^${run}/input$`), 'input'],
  ['GET', new RegExp(`^${run}/logs(?:/live)?$`), 'logs'],
  ['GET', new RegExp(`^${run}/assets(?:/[^/]+)?$`), 'assets'],
  ['PUT', new RegExp(`^${run}$`), 'update'],
  ['PATCH', new RegExp(`^${run}/cancel$`), 'cancel'],
  ['DELETE', new RegExp(`^${run}$`), 'delete'],
  ['PUT', /^\/storage\/([^/]+)$/, 'put'],
  ['GET', /^\/storage\/([^/]+)\/[^/]+$/, 'download'],
];

export function shapeOf(method: string, path: string): RequestShape {
  for (const [shapeMethod, pattern, kind] of shapes) {
    if (shapeMethod !== method) continue;
    const found = pattern.exec(path);
    if (found !== null) return { kind, target: found[1] ?? null };
  }
  return { kind: 'other', target: null };
}
