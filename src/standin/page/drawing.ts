/**
 * Runs in the browser: draws each chart of the page from the data beside it, with chart.js or Plotly, which the page has
 * loaded before. A chart that cannot be drawn says so and leaves its table and its JSON open; the others go on.
 *
 * The few names of the browser that it needs are declared here: the rest of the program must not know them.
 */
interface Element {
  hidden: boolean;
  open: boolean;
  readonly textContent: string;
  readonly dataset: Record<string, string | undefined>;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element>;
}
declare const document: Element & { readonly documentElement: Element };
declare const getComputedStyle: (element: Element) => { getPropertyValue(name: string): string };

type Options = Record<string, unknown>;

declare const Chart: {
  new (canvas: Element, specification: { type: string; data: unknown; options: Options }): unknown;
  getChart(canvas: Element): { destroy(): void } | undefined;
  readonly defaults: Options;
};
declare const Plotly: {
  newPlot(place: Element, data: unknown, layout: Options, config: Options): Promise<unknown>;
  purge(place: Element): void;
};

async function draw(chart: Element): Promise<void> {
  const figure = needed(chart, 'figure');
  const data = JSON.parse(needed(chart, 'script').textContent) as unknown;
  // Only what is seen has a size to be drawn in.
  figure.hidden = false;
  try {
    if (chart.dataset['chart'] === 'plotly') await drawPlotly(needed(figure, '.plotly'), data);
    else drawChartjs(needed(figure, 'canvas'), data, figure);
    for (const details of chart.querySelectorAll('details')) details.open = false;
  } catch {
    figure.hidden = true;
    needed(chart, '.problem').hidden = false;
    for (const details of chart.querySelectorAll('details')) details.open = true;
  }
  chart.dataset['done'] = '';
}

function drawChartjs(canvas: Element, data: unknown, figure: Element): void {
  const specification = data as { type: string; data: unknown; options?: Options };
  const style = getComputedStyle(figure);
  Chart.defaults['color'] = style.getPropertyValue('--chart-ink');
  Chart.defaults['borderColor'] = style.getPropertyValue('--chart-line');
  const isOwn = figure.dataset['own'] !== undefined;
  try {
    new Chart(canvas, {
      ...specification,
      data: isOwn ? inAccent(specification.data, style.getPropertyValue('--accent')) : specification.data,
      // The page gives the size, and nothing moves.
      options: { ...specification.options, responsive: true, maintainAspectRatio: false, animation: false },
    });
  } catch (error) {
    Chart.getChart(canvas)?.destroy();
    throw error;
  }
}

/** Series of statistics have no colour of their own: they take the page's. */
function inAccent(data: unknown, accent: string): unknown {
  const { datasets } = data as { datasets: Options[] };
  return { datasets: datasets.map((one) => ({ ...one, borderColor: accent, backgroundColor: accent })) };
}

async function drawPlotly(place: Element, data: unknown): Promise<void> {
  const { data: traces, layout } = data as { data: unknown; layout: Options };
  try {
    // The figure takes the width of the page, whatever it was made for; its configuration is not taken from outside.
    const fitted = { margin: { t: 64, r: 24, b: 48, l: 56 }, ...layout, autosize: true, width: undefined };
    await Plotly.newPlot(place, traces, fitted, { responsive: true, displayModeBar: false, showTips: false });
  } catch (error) {
    Plotly.purge(place);
    throw error;
  }
}

function needed(element: Element, selector: string): Element {
  const found = element.querySelector(selector);
  if (found === null) throw new Error(`a chart of this page has no ${selector}`);
  return found;
}

for (const chart of document.querySelectorAll('[data-chart]')) await draw(chart);

export {};
