/**
 * What an asset says should be seen of it (platform contract: documents): a chart for chart.js, figures for Plotly, a
 * map from GeoJSON. The content is one of these, or a list of them. It was sent by others, so it is looked at first; what
 * passes may still be too odd for a library, and then the script says so.
 */
import { z } from 'zod';
import type { AssetEntry } from '../findings.ts';
import type { Chart, Point } from './chart.ts';
import { mapOf, type GeoMap } from './geoMap.ts';

export type Visual =
  | { readonly kind: 'none' }
  | { readonly kind: 'charts'; readonly charts: readonly Chart[] }
  | { readonly kind: 'maps'; readonly maps: readonly GeoMap[] }
  | { readonly kind: 'not drawn'; readonly why: string };

/** One asset that is a list of more is no picture any more. */
const partsMax = 12;

const visualShape = z.looseObject({ schema: z.string(), label: z.string().optional() });

export function visualLabel(asset: AssetEntry): string | null {
  return visualShape.safeParse(asset.visual).data?.label ?? null;
}

/** @param label what the asset is called, different for each of a page */
export function visualOf(asset: AssetEntry, content: unknown, label: string): Visual {
  if (asset.visual === null) return { kind: 'none' };
  const { schema } = visualShape.safeParse(asset.visual).data ?? { schema: null };
  if (schema === null) return notDrawn('Its visual names no schema, so this is its content as it was sent.');
  const parts = Array.isArray(content) ? (content as unknown[]) : [content];
  if (parts.length === 0) return notDrawn('It has a visual, but its content is an empty list.');
  const labelled = parts
    .slice(0, partsMax)
    .map((part, at) => ({ part, label: parts.length === 1 ? label : `${label}, part ${at + 1}` }));
  switch (schema) {
    case 'chartjs': {
      const charts = labelled.map(({ part, label }) => chartjsChart(part, label));
      return charts.every((chart) => chart !== null)
        ? { kind: 'charts', charts }
        : notDrawn(
            'It is said to be a chart for chart.js, but has no known type or no datasets. Its content:',
          );
    }
    case 'plotly': {
      const charts = labelled.map(({ part, label }) => plotlyChart(part, label));
      return charts.every((chart) => chart !== null)
        ? { kind: 'charts', charts }
        : notDrawn(
            'It is said to be a figure for Plotly, but is none that can be drawn here: the local page knows traces of scatter, bar and pie. Its content:',
          );
    }
    case 'geojson': {
      const maps = labelled.map(({ part, label }) => mapOf(part, label));
      return maps.every((map) => map !== null)
        ? { kind: 'maps', maps }
        : notDrawn('It is said to be GeoJSON, but no shape could be drawn from it. Its content:');
    }
    default:
      return notDrawn(
        `Its visual has the schema “${schema.slice(0, 100)}”, which is none of chartjs, plotly and geojson. Its content:`,
      );
  }
}

function notDrawn(why: string): Visual {
  return { kind: 'not drawn', why };
}

const chartjsTypes = ['bar', 'line', 'scatter', 'bubble', 'pie', 'doughnut', 'polarArea', 'radar'] as const;
const chartjsShape = z.looseObject({
  type: z.enum(chartjsTypes),
  data: z.looseObject({
    labels: z.array(z.unknown()).optional(),
    datasets: z.array(z.looseObject({ label: z.unknown().optional(), data: z.unknown() })),
  }),
  options: z.looseObject({}).optional(),
});

function chartjsChart(content: unknown, label: string): Chart | null {
  const read = chartjsShape.safeParse(content);
  if (!read.success) return null;
  const { type, data, options = {} } = read.data;
  const points = data.datasets.flatMap((dataset, at): Point[] => {
    const series = named(dataset.label, at);
    if (!Array.isArray(dataset.data)) return [];
    return (dataset.data as unknown[]).map((value, place) =>
      isPoint(value)
        ? { series, x: value.x, y: value.y }
        : { series, x: data.labels?.[place] ?? place + 1, y: value },
    );
  });
  return { library: 'chartjs', label, specification: { type, data, options }, points, onPaper: true };
}

/** What the basic bundle of Plotly has; a trace without a type is a scatter. */
const plotlyTypes = ['scatter', 'bar', 'pie'] as const;
const plotlyShape = z.looseObject({
  data: z.array(z.looseObject({ type: z.enum(plotlyTypes).optional(), name: z.unknown().optional() })),
  layout: z.looseObject({}).optional(),
});

function plotlyChart(content: unknown, label: string): Chart | null {
  const read = plotlyShape.safeParse(content);
  if (!read.success) return null;
  const { data, layout = {} } = read.data;
  const points = data.flatMap((trace, at): Point[] => {
    const [xs, ys] = trace.type === 'pie' ? [trace['labels'], trace['values']] : [trace['x'], trace['y']];
    // Arrays may also be packed as base64; the picture and the JSON have those.
    if (!Array.isArray(ys)) return [];
    return (ys as unknown[]).map((y, place) => ({
      series: named(trace.name, at),
      x: Array.isArray(xs) ? (xs as unknown[])[place] : place,
      y,
    }));
  });
  return { library: 'plotly', label, specification: { data, layout }, points, onPaper: true };
}

function named(name: unknown, at: number): string {
  return typeof name === 'string' && name !== '' ? name : `${at + 1}`;
}

function isPoint(value: unknown): value is { x: unknown; y: unknown } {
  return typeof value === 'object' && value !== null && 'x' in value && 'y' in value;
}
