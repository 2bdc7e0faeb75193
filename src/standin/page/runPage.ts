/** `/apps/:app/runs/:run`: everything that was recorded of one run. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Platform } from '../platform.ts';
import type { RecordedRun } from '../records.ts';
import { statusOf } from '../runDocument.ts';
import { assetsView } from './assets.ts';
import { documentView } from './documents.ts';
import { figureTable } from '../../markup/figures.ts';
import { duration, moment, mark, visible, type Markup } from '../../markup/wording.ts';
import { framed } from './frame.ts';
import type { PageEnv } from './guard.ts';
import { appPath } from './paths.ts';
import { seriesSection } from './series.ts';
import type { Library } from './served.ts';

export async function runPage(c: Context<PageEnv>, platform: Platform, run: RecordedRun): Promise<Response> {
  const nowMs = platform.now();
  const { metrics, statistics } = run.findings;
  const assets = await assetsView(platform, run);
  const series = seriesSection(statistics);
  const parts: readonly Part[] = [
    { id: 'metrics', heading: 'Metrics', markup: figures(metrics, 'Metrics', '') },
    {
      id: 'statistics',
      heading: 'Statistics',
      markup: figures(withoutSeries(statistics), 'Statistics', series),
    },
    { id: 'assets', heading: 'Assets', markup: run.findings.assets.length === 0 ? '' : assets.markup },
    { id: 'options', heading: 'Options', markup: figures(run.request.options ?? {}, 'Options', '') },
    { id: 'output', heading: 'Output', markup: await documentView(platform, run, 'output') },
    { id: 'log', heading: 'Log', markup: await documentView(platform, run, 'logs') },
    { id: 'input', heading: 'Input', markup: await documentView(platform, run, 'input') },
  ];
  const given = parts.filter(({ markup }) => markup !== '');
  const content = html`${head(run, platform, nowMs)}
    <nav aria-label="On this page">
      <ul class="parts">
        ${given.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`)}
      </ul>
    </nav>
    ${given.map(section)}`;
  const libraries = new Set<Library>([...(series === '' ? [] : ['chartjs' as const]), ...assets.libraries]);
  c.set('drawsPlotly', libraries.has('plotly'));
  const page = framed({
    title: run.id,
    above: [
      { words: 'Stand-in', path: '/' },
      { words: run.app, path: appPath(run.app) },
    ],
    content,
    drawing: { libraries, nonce: c.get('nonce') },
  });
  return c.html(page);
}

function head(run: RecordedRun, platform: Platform, nowMs: number): Markup {
  const { request, findings } = run;
  const status = statusOf(run, nowMs, platform.faults.finalAfterMs);
  const error = request.result.error_message ?? '';
  const experiment = request.batch_experiment_id ?? '';
  return html`<h1><bdi>${visible(run.name) || run.id}</bdi></h1>
    <p class="lead">${mark(status)}</p>
    ${
      error === ''
        ? ''
        : html`<div class="problem">
            <h2>What went wrong</h2>
            <p class="words"><bdi>${visible(error)}</bdi></p>
          </div>`
    }
    <dl class="facts">
      ${fact('Run', html`<span class="id">${run.id}</span>`)}
      ${fact('App', html`<a class="id" href="${appPath(run.app)}">${run.app}</a>`)}
      ${fact('Instance', html`<span class="id">${run.instance}</span>`)}
      ${fact('Created', moment(run.createdAtMs, nowMs))}
      ${fact('Duration', duration(request.result.execution_duration ?? null))}
      ${fact('Format', html`${findings.inputFormat} in, ${findings.outputFormat} out`)}
      ${experiment === '' ? '' : fact('Batch experiment', html`<span class="id">${visible(experiment)}</span>`)}
      ${
        run.description === ''
          ? ''
          : html`<div class="long">
              <dt>Description</dt>
              <dd class="words"><bdi>${visible(run.description)}</bdi></dd>
            </div>`
      }
    </dl>`;
}

function fact(name: string, value: Markup): Markup {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

/** Left out where there is nothing: most runs have only some of these. */
interface Part {
  readonly id: string;
  readonly heading: string;
  readonly markup: Markup | '';
}

function section({ id, heading, markup }: Part): Markup {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    ${markup}
  </section>`;
}

function figures(values: Readonly<Record<string, unknown>>, label: string, charts: Markup | ''): Markup | '' {
  const table = Object.keys(values).length === 0 ? '' : figureTable(values, label);
  return table === '' && charts === '' ? '' : html`${charts}${table}`;
}

function withoutSeries(statistics: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(statistics).filter(([name]) => name !== 'series_data'));
}
