/** The assets of a run: drawn where they say how, as JSON where they do not or where it cannot be done. */
import { html } from 'hono/html';
import { z } from 'zod';
import { indentJson } from '../../core/indentJson.ts';
import type { AssetEntry } from '../findings.ts';
import type { Platform } from '../platform.ts';
import type { RecordedRun } from '../records.ts';
import { shownBytesMax } from './beginning.ts';
import { chartFigure } from './chart.ts';
import { preformatted } from './documents.ts';
import { count, size, visible, type Markup } from '../../markup/wording.ts';
import type { GeoMap } from './geoMap.ts';
import { runPath } from './paths.ts';
import type { Library } from './served.ts';
import { visualLabel, visualOf, type Visual } from './visual.ts';

/** The document that holds the assets has to be read whole, unlike all others. */
const documentBytesMax = 16 * 1024 * 1024;
/** The platform takes no larger asset. */
const assetBytesMax = 1_000_000;
/** Of all that is put into one page to be drawn. */
const drawnBytesMax = 8 * 1024 * 1024;
const assetsMax = 50;

export interface AssetsView {
  readonly markup: Markup;
  readonly libraries: readonly Library[];
}

export async function assetsView(platform: Platform, run: RecordedRun): Promise<AssetsView> {
  const { assets } = run.findings;
  const contents = await contentsOf(platform, run);
  let drawnBytes = 0;
  const views = assets.slice(0, assetsMax).map((asset, place) => {
    const content = contents?.[place];
    const isSmall = asset.bytes <= assetBytesMax && drawnBytes + asset.bytes <= drawnBytesMax;
    if (content === undefined || !isSmall) return { place, asset, content: null, visual: tooLarge };
    drawnBytes += asset.bytes;
    return { place, asset, content, visual: visualOf(asset, content, labelOf(asset, place)) };
  });
  const markup = html`${views.map(({ place, asset, content, visual }) => article(run, asset, place, content, visual))}
  ${
    assets.length > assetsMax
      ? html`<p class="hint">These are the first ${count(assetsMax)} of ${count(assets.length)} assets.</p>`
      : ''
  }`;
  const libraries = views.flatMap(({ visual }) =>
    visual.kind === 'charts' ? visual.charts.map(({ library }) => library) : [],
  );
  return { markup, libraries };
}

const tooLarge: Visual = { kind: 'not drawn', why: 'It is too large to be shown here: download it.' };

const holder = z.looseObject({
  assets: z.array(z.looseObject({ content: z.unknown() }).catch({ content: null })),
});

/** Null: the document is too large, or is not there any more. */
async function contentsOf(platform: Platform, run: RecordedRun): Promise<unknown[] | null> {
  const file = run.files[run.findings.assetsIn];
  if (file === undefined || file.bytes > documentBytesMax) return null;
  try {
    const document: unknown = JSON.parse((await platform.storage.read(file)).toString());
    return holder.parse(document).assets.map(({ content }) => content ?? null);
  } catch {
    return null;
  }
}

function labelOf(asset: AssetEntry, place: number): string {
  return `Asset ${place + 1}: ${visible(asset.name) || 'without a name'}`;
}

function article(
  run: RecordedRun,
  asset: AssetEntry,
  place: number,
  content: unknown,
  visual: Visual,
): Markup {
  const label = labelOf(asset, place);
  const tab = visualLabel(asset);
  const json = content === null ? '' : asJson(content, label, isAllThereIs(visual));
  return html`<article class="asset" aria-labelledby="asset-${place}">
    <h3 id="asset-${place}"><bdi>${visible(asset.name) || 'An asset without a name'}</bdi></h3>
    <p class="about">
      ${tab === null || tab === asset.name ? '' : html`<span class="tab"><bdi>${visible(tab)}</bdi></span>`}
      ${size(asset.bytes)}
      <a href="${runPath(run.app, run.id)}/assets/${place}" download
        >Download<span class="unseen"> asset ${place + 1}</span></a
      >
    </p>
    ${asset.description === null ? '' : html`<p><bdi>${visible(asset.description)}</bdi></p>`}
    ${pictured(visual, json)}
  </article>`;
}

/** Without a picture, or where the script has to draw it and there is no table either. */
function isAllThereIs(visual: Visual): boolean {
  switch (visual.kind) {
    case 'none':
    case 'not drawn':
      return true;
    case 'charts':
      return visual.charts.every(({ points }) => points.length === 0);
    case 'maps':
      return false;
  }
}

function pictured(visual: Visual, json: Markup | ''): Markup {
  switch (visual.kind) {
    case 'none':
      return html`${json}`;
    case 'not drawn':
      return html`<p class="hint">${visible(visual.why)}</p>
        ${json}`;
    case 'charts':
      // The JSON is shown with the first: it is that of the whole asset.
      return html`${visual.charts.map((chart, at) => chartFigure(chart, at === 0 ? json : ''))}`;
    case 'maps':
      return html`${visual.maps.map(mapFigure)}${json}`;
  }
}

function mapFigure({ drawing, extent }: GeoMap): Markup {
  return html`<figure class="plain">
    ${drawing}
    <figcaption class="hint">
      ${extent} There is no map beneath, because that would have to come from another server.
    </figcaption>
  </figure>`;
}

function asJson(content: unknown, label: string, isOpen: boolean): Markup {
  const json = JSON.stringify(content);
  const isWhole = json.length <= shownBytesMax;
  const text = visible(isWhole ? indentJson(json) : json.slice(0, shownBytesMax));
  return html`<details class="json" ${isOpen ? 'open' : ''}>
    <summary>The content as JSON<span class="unseen">: ${label}</span></summary>
    ${isWhole ? '' : html`<p class="hint">Its beginning:</p>`} ${preformatted(text, label)}
  </details>`;
}
