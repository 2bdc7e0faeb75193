/** Runs for the page to show: a rich one, one with archives, and one whose every word is an attack. */
import { create } from 'tar';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { temporaryFolder, type Client } from '../harness.ts';

/** Closes what it may be in: an attribute, a script, a text, a comment. */
export const attack = `--></title></textarea></script></pre>"'><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;

export const visuals = {
  chartjs: { schema: 'chartjs', type: 'custom-tab', label: 'Loads' },
  plotly: { schema: 'plotly', type: 'custom-tab', label: 'Costs' },
  geojson: { schema: 'geojson', type: 'custom-tab', label: 'Map' },
};

export const chart = {
  type: 'bar',
  data: {
    labels: ['v1', 'v2'],
    datasets: [{ label: 'load', data: [7.25, 6.5], backgroundColor: '#0b5c6b' }],
  },
};

/** With a text in bold, which Plotly draws by a style attribute. */
export const figure = {
  data: [{ type: 'bar', x: ['Mon', 'Tue'], y: [5200, 4900], name: 'cost' }],
  layout: { title: { text: 'Cost <b>by day</b>' } },
};

/** The ring runs the way the standard prescribes. */
export const area = {
  type: 'FeatureCollection',
  features: [
    {
      type: 'Feature',
      properties: { name: 'delivery area', color: '#c2410c' },
      geometry: {
        type: 'Polygon',
        coordinates: [[[8.4, 49], [8.6, 49], [8.6, 49.1], [8.4, 49.1], [8.4, 49]]], // prettier-ignore
      },
    },
    { type: 'Feature', properties: null, geometry: { type: 'Point', coordinates: [8.5, 49.05] } },
  ],
};

export const statistics = {
  schema: 'v1',
  run: { duration: 41.2 },
  series_data: {
    value: { name: 'objective', data_points: [{ x: 0, y: 40 }, { x: 1, y: 27.5 }] }, // prettier-ignore
    custom: [{ name: 'gap', data_points: [{ x: 0, y: 0.4 }, { x: 1, y: 0.01 }] }], // prettier-ignore
  },
};

export function asset(name: string, content: unknown, visual?: unknown) {
  return { name, content_type: 'json', content, ...(visual === undefined ? {} : { visual }) };
}

/** One of each kind of asset. */
export const allAssets = [
  asset('loads', chart, visuals.chartjs),
  asset('costs', [figure], visuals.plotly),
  asset('area', area, visuals.geojson),
  asset('heat', { data: [{ type: 'heatmap', z: [[1]] }] }, visuals.plotly),
  asset('odd', { type: 'bar', data: { datasets: [{ type: 'nonsense', data: [1, 2] }] } }, visuals.chartjs),
  asset('plain', { monday: ['anna'] }),
];

export async function richRun(client: Client, assets: readonly unknown[] = allAssets): Promise<string> {
  const output = { solution: {}, metrics: { result: { value: 27381.25, gap: 0.0123 } }, statistics, assets };
  const [outputId, logId] = await Promise.all([
    client.upload(JSON.stringify(output)),
    client.upload('reading the model\noptimal\n'),
  ]);
  return client.track({
    name: 'weekly plan',
    description: 'from line 2',
    options: { solver: 'highs' },
    result: {
      status: 'succeeded',
      execution_duration: 41_235,
      output_upload_id: outputId,
      error_upload_id: logId,
    },
  });
}

/** The files, and the folder `sub`. */
export async function archiveOf(names: readonly string[]): Promise<Buffer> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'sub'));
  for (const name of names) writeFileSync(join(folder, name), 'x'.repeat(5_000));
  return buffer(create({ gzip: true, cwd: folder }, ['.']));
}

export async function failedRunOfArchives(client: Client): Promise<string> {
  const archive = await archiveOf(['plan.csv', 'sub/<b>routes.csv']);
  const [input, output] = await Promise.all([client.upload(archive), client.upload(archive)]);
  const body = {
    upload_id: input,
    configuration: { format: { input: { type: 'multi-file' }, output: { type: 'multi-file' } } },
    result: { status: 'failed', error_message: 'depot 3 is <closed>', output_upload_id: output },
  };
  const made = await client.call('POST', '/runs', body);
  return String(made.json['run_id']);
}

/** @param elsewhere a server that nothing must be asked of */
export async function hostileRun(client: Client, elsewhere = 'http://127.0.0.1:9'): Promise<string> {
  const output = {
    [attack]: attack,
    metrics: { [attack]: attack },
    statistics: { series_data: { value: { name: attack, data_points: [{ x: 1, y: 1 }] } }, [attack]: attack },
    assets: [
      asset(
        attack,
        { type: 'bar', data: { labels: [attack], datasets: [{ label: attack, data: [1] }] } },
        { ...visuals.chartjs, label: attack },
      ),
      asset(
        attack,
        {
          data: [{ x: [attack], y: [1], type: 'bar', name: attack, text: [attack] }],
          layout: {
            title: { text: `<a href="javascript:window.hacked=1">${attack}</a>` },
            images: [{ source: `${elsewhere}/spy.png`, x: 0, y: 0, sizex: 1, sizey: 1 }],
          },
        },
        visuals.plotly,
      ),
      asset(
        attack,
        {
          type: 'Feature',
          properties: { name: attack, color: `#fff" onload="window.hacked=1` },
          geometry: { type: 'Point', coordinates: [1, 2] },
        },
        visuals.geojson,
      ),
      asset(attack, attack, { schema: attack, label: attack }),
    ],
  };
  // A key that JSON may have and that an object literal cannot say.
  const text = JSON.stringify(output)
    .replace('"metrics":{', '"metrics":{"__proto__":{"polluted":1},')
    .replace(
      '"data":{',
      '"options":{"__proto__":{"polluted":1},"scales":{"__proto__":{"polluted":1},"x":{"__proto__":{"polluted":1}}}},"data":{"__proto__":{"polluted":1},',
    )
    .replace('"layout":{', '"layout":{"__proto__":{"polluted":1},"xaxis":{"__proto__":{"polluted":1}},');
  const [outputId, logId] = await Promise.all([client.upload(text), client.upload(`${attack}\u001b[2J\n`)]);
  return client.track({
    input: { [attack]: attack },
    name: attack.slice(0, 128),
    description: attack,
    options: { [attack]: attack },
    batch_experiment_id: attack,
    result: {
      status: 'failed',
      error_message: attack,
      output_upload_id: outputId,
      error_upload_id: logId,
    },
  });
}
