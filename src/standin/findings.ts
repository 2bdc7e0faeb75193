/**
 * What a run's documents say about it: key figures, assets, and whether they are what they were declared to be. Found
 * once, when the run is made, so that reading it back opens no document (platform contract: documents).
 */
import { inlineOutputBytesMax, type ContentFormat, type CreateRunRequest } from '../platform/wire.ts';
import type { ArtefactFiles, StoredFile } from './artefacts.ts';
import type { Faults } from './faults.ts';
import { isDeeperThan } from './nesting.ts';
import { Refusal } from './refusal.ts';
import type { Storage } from './storage.ts';

export interface AssetEntry {
  readonly name: string;
  readonly contentType: string;
  readonly description: string | null;
  readonly visual: unknown;
  /** Of its content, as JSON; 0 where that is nested too deep to be told. */
  readonly bytes: number;
}

export interface Findings {
  readonly inputFormat: ContentFormat;
  readonly outputFormat: ContentFormat;
  /** It can stand in an answer as it is. Documents too large to be answered inline are not looked into. */
  readonly inputIsJson: boolean;
  readonly outputIsJson: boolean;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly statistics: Readonly<Record<string, unknown>>;
  readonly assets: readonly AssetEntry[];
  /** The artefact whose document holds the assets. */
  readonly assetsIn: 'output' | 'assets';
}

/** Metrics, statistics and assets are small; an asset may have 1 MB, and thirty of them are many. */
const separateDocumentBytesMax = 32 * 1024 * 1024;
/** What is deeper may not be possible to write again. */
const levelsMax = 1_000;

/** Throws a refusal where a document is not what it is declared to be. */
export async function examine(
  request: CreateRunRequest,
  files: ArtefactFiles,
  storage: Storage,
  faults: Faults,
): Promise<Findings> {
  const declared = request.configuration?.format;
  const inputFormat = declared?.input?.type ?? 'json';
  const input =
    inputFormat === 'json' ? await smallDocument(files.input, storage, inlineOutputBytesMax) : undefined;
  if (faults.notJson === 'refuse') refuseUnlessJson('input', input);

  const output = await smallDocument(files.output, storage, inlineOutputBytesMax);
  if (declared?.output?.type === 'json' && faults.notJson === 'refuse') refuseUnlessJson('output', output);
  // The official CLI does not say what its output is.
  const outputFormat = declared?.output?.type ?? likelyFormat(output, inputFormat);
  const outputIsJson = outputFormat === 'json' && isJson(output);

  const separate = isArchive(outputFormat);
  const own = outputFormat === 'json' ? asObject(output) : {};
  const [metrics, statistics, assets] = separate
    ? await Promise.all([
        separateDocument('metrics', files.metrics, storage),
        separateDocument('statistics', files.statistics, storage),
        separateDocument('assets', files.assets, storage),
      ])
    : [own['metrics'], own, own];
  return {
    inputFormat,
    outputFormat,
    inputIsJson: isJson(input),
    outputIsJson,
    metrics: storable(metrics),
    statistics: storable(asObject(statistics)['statistics']),
    assets: assetEntries(asObject(assets)['assets']),
    assetsIn: separate ? 'assets' : 'output',
  };
}

/** The content of one asset, by its place. */
export async function assetContent(file: StoredFile, place: number, storage: Storage): Promise<unknown> {
  const document = parseJson(await storage.read(file));
  const assets = asObject(document)['assets'];
  return Array.isArray(assets) ? asObject(assets[place])['content'] : undefined;
}

export function isArchive(format: ContentFormat): boolean {
  return format === 'multi-file' || format === 'csv-archive';
}

function likelyFormat(output: unknown, inputFormat: ContentFormat): ContentFormat {
  const unknown = output === undefined && isArchive(inputFormat);
  return output === notJson || unknown ? inputFormat : 'json';
}

const notJson = Symbol('not JSON');

function isJson(document: unknown): boolean {
  return document !== undefined && document !== notJson;
}

/** Undefined: there is none, or it is too large to be looked into. */
async function smallDocument(
  file: StoredFile | undefined,
  storage: Storage,
  bytesMax: number,
): Promise<unknown> {
  if (file === undefined || file.bytes > bytesMax) return undefined;
  return parseJson(await storage.read(file));
}

async function separateDocument(
  role: string,
  file: StoredFile | undefined,
  storage: Storage,
): Promise<unknown> {
  const document = await smallDocument(file, storage, separateDocumentBytesMax);
  refuseUnlessJson(role, document);
  return document;
}

function parseJson(bytes: Buffer): unknown {
  try {
    // A byte order mark is kept, and so refused: the document has to fit into an answer as it is.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown;
  } catch {
    return notJson;
  }
}

function refuseUnlessJson(role: string, document: unknown): void {
  if (document !== notJson) return;
  throw new Refusal(
    400,
    `the ${role} is declared JSON but is not: check the document, or declare its format`,
  );
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

/** Figures nested so deep that they could not be written again are left out. */
function storable(figures: unknown): Readonly<Record<string, unknown>> {
  return isDeeperThan(levelsMax, figures) ? {} : asObject(figures);
}

function assetEntries(assets: unknown): AssetEntry[] {
  if (!Array.isArray(assets)) return [];
  return assets.map((entry: unknown) => {
    const asset = asObject(entry);
    const { name, content_type: contentType, description, visual } = asset;
    return {
      name: typeof name === 'string' ? name : '',
      contentType: typeof contentType === 'string' ? contentType : 'json',
      description: typeof description === 'string' ? description : null,
      visual: isDeeperThan(levelsMax, visual) ? null : (visual ?? null),
      bytes: isDeeperThan(levelsMax, asset['content'])
        ? 0
        : Buffer.byteLength(JSON.stringify(asset['content'] ?? null)),
    };
  });
}
