/**
 * GeoJSON as a drawing: shapes on a plane in Mercator's projection, with no map beneath, since tiles would have to be
 * asked for somewhere else. d3's projections work on the sphere, where a ring that runs the way GeoJSON prescribes means
 * everything outside of it; on the plane its direction does not matter.
 */
import { geoPath, geoTransform, type GeoPermissibleObjects } from 'd3-geo';
import { html } from 'hono/html';
import { z } from 'zod';
import { visible, type Markup } from '../../markup/wording.ts';

const width = 800;
const heightMin = 220;
const heightMax = 480;
const margin = 18;
/** Mercator's poles are infinitely far away; what lies beyond this is drawn at the edge. */
const latitudeMax = 85;
const featuresMax = 5_000;
const titleCharsMax = 200;

export interface GeoMap {
  readonly drawing: Markup;
  /** How far it reaches, in words. */
  readonly extent: string;
}

const feature = z.looseObject({
  type: z.literal('Feature'),
  geometry: z.looseObject({ type: z.string() }),
  properties: z.looseObject({}).nullish(),
});
type Feature = z.infer<typeof feature>;

/** Null: it is no GeoJSON, or nothing of it can be drawn. */
export function mapOf(content: unknown, label: string): GeoMap | null {
  const features = featuresOf(content).slice(0, featuresMax);
  try {
    return drawn(features, label);
  } catch {
    // Coordinates that are none, or geometries nested without end: the library has no word for these.
    return null;
  }
}

/** A collection, a feature, or a bare geometry. Features may lack a place; they are passed over. */
function featuresOf(content: unknown): Feature[] {
  if (typeof content !== 'object' || content === null) return [];
  const { type, features } = content as { type?: unknown; features?: unknown };
  const candidates =
    type === 'FeatureCollection' && Array.isArray(features)
      ? (features as unknown[])
      : [type === 'Feature' ? content : { type: 'Feature', geometry: content }];
  return candidates.flatMap((candidate) => feature.safeParse(candidate).data ?? []);
}

function drawn(features: readonly Feature[], label: string): GeoMap | null {
  const shapes = features.map(shapeOf);
  const onPlane = geoPath(placed(1, 0, 0));
  const bounds = shapes
    .map((shape) => onPlane.bounds(shape))
    .filter((found) => found.flat().every(Number.isFinite));
  if (bounds.length === 0) return null;
  const left = Math.min(...bounds.map(([[x]]) => x));
  const top = Math.min(...bounds.map(([[, y]]) => y));
  const right = Math.max(...bounds.map(([, [x]]) => x));
  const bottom = Math.max(...bounds.map(([, [, y]]) => y));

  const inside = width - 2 * margin;
  const shapeHeight = right > left ? (inside * (bottom - top)) / (right - left) : heightMax;
  const height = Math.min(heightMax, Math.max(heightMin, shapeHeight + 2 * margin));
  // A single point has no extent to be fitted.
  const fit = Math.min(inside / (right - left), (height - 2 * margin) / (bottom - top));
  const scale = Number.isFinite(fit) ? fit : 1;
  const path = geoPath(
    placed(scale, width / 2 - (scale * (left + right)) / 2, height / 2 - (scale * (top + bottom)) / 2),
  )
    .pointRadius(8)
    .digits(1);

  const markup = features.map((one) => {
    const line = path(shapeOf(one));
    return line === null || line.includes('NaN') ? '' : shapeMarkup(line, one);
  });
  const drawing = html`<svg
    class="map"
    viewBox="0 0 ${width} ${Math.round(height)}"
    role="img"
    aria-label="${label}"
  >
    ${markup}
  </svg>`;
  return { drawing, extent: extentOf(left, bottom, right, top) };
}

/** The library says itself what it cannot draw. */
function shapeOf({ geometry }: Feature): GeoPermissibleObjects {
  return geometry as unknown as GeoPermissibleObjects;
}

function shapeMarkup(line: string, { geometry, properties }: Feature): Markup {
  const kind = kindOf(geometry.type);
  const colour = colourOf(properties ?? {}) ?? 'currentColor';
  const title = titleOf(properties ?? {});
  return html`<path
    class="${kind}"
    d="${line}"
    fill="${kind === 'line' ? 'none' : colour}"
    ${kind === 'point' ? '' : html`stroke="${colour}"`}
    >${title === null ? '' : html`<title>${title}</title>`}</path
  >`;
}

function kindOf(geometry: string): 'area' | 'point' | 'line' {
  if (geometry.endsWith('Polygon')) return 'area';
  return geometry.endsWith('Point') ? 'point' : 'line';
}

/** Degrees to the plane, north up. */
function placed(scale: number, right: number, down: number) {
  return geoTransform({
    point(longitude, latitude) {
      this.stream.point(longitude * scale + right, -mercator(latitude) * scale + down);
    },
  });
}

const degrees = 180 / Math.PI;

function mercator(latitude: number): number {
  const within = Math.max(-latitudeMax, Math.min(latitudeMax, latitude));
  return degrees * Math.log(Math.tan(Math.PI / 4 + within / degrees / 2));
}

function latitudeAt(y: number): number {
  return degrees * (2 * Math.atan(Math.exp(-y / degrees)) - Math.PI / 2);
}

function extentOf(left: number, bottom: number, right: number, top: number): string {
  const said = (degree: number) => `${degree.toFixed(3)}°`;
  return `Longitude ${said(left)} to ${said(right)}, latitude ${said(latitudeAt(bottom))} to ${said(latitudeAt(top))}.`;
}

/** Only in the form of numbers: it becomes part of the drawing. */
function colourOf(properties: Readonly<Record<string, unknown>>): string | null {
  const style = z.looseObject({}).safeParse(properties['style']).data ?? {};
  const named = [style['color'], properties['color'], properties['stroke'], properties['fill']];
  const found = named.find(
    (value) => typeof value === 'string' && /^#(?:[\da-f]{3}|[\da-f]{6})$/i.test(value),
  );
  return typeof found === 'string' ? found : null;
}

function titleOf(properties: Readonly<Record<string, unknown>>): string | null {
  const found = [properties['name'], properties['title'], properties['popupContent']].find(
    (value) => typeof value === 'string' && value !== '',
  );
  return typeof found === 'string' ? visible(found.slice(0, titleCharsMax)) : null;
}
