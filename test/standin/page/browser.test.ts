/**
 * The pages in a real browser, Debian's Chromium: charts are drawn, the policy holds and nothing runs into it, nobody is
 * kept out (axe-core), and everything fits on a phone. Skipped where that browser is not installed.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { app, started, type Client } from '../harness.ts';
import { allAssets, asset, failedRunOfArchives, hostileRun, richRun, visuals } from './recorded.ts';

const executablePath = '/usr/bin/chromium';
const isMissing = !existsSync(executablePath);
if (isMissing) {
  console.warn(
    `SKIPPED: tests of the pages in a browser, because ${executablePath} is missing (apt-get install chromium)`,
  );
}

let browser: Browser;

interface Seen {
  readonly page: Page;
  /** Whatever a page has to be free of: errors, warnings, violations of its policy, requests elsewhere. */
  readonly troubles: string[];
}

interface Look {
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  readonly javaScriptEnabled?: boolean;
}

async function open(client: Client, path: string, look: Look = {}): Promise<Seen> {
  const { colorScheme = 'light', width = 1280, javaScriptEnabled = true } = look;
  const context = await browser.newContext({
    viewport: { width, height: 844 },
    colorScheme,
    javaScriptEnabled,
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => void troubles.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => void troubles.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => void troubles.push(`dialog: ${dialog.message()}`));
  page.on('response', (response) => {
    const isOwn = response.url().startsWith(client.standIn.endpoint);
    if (!isOwn || response.status() >= 400) troubles.push(`${response.status()} ${response.url()}`);
  });
  await page.addInitScript(`
    window.violations = [];
    addEventListener('securitypolicyviolation', (event) =>
      violations.push(event.violatedDirective + ' ' + event.blockedURI));
  `);
  await page.goto(client.standIn.endpoint + path);
  if (javaScriptEnabled)
    await page.waitForFunction(`document.querySelector('[data-chart]:not([data-done])') === null`);
  return { page, troubles };
}

const ask = <T>(page: Page, expression: string): Promise<T> => page.evaluate<T>(expression);

describe.skipIf(isMissing)('in a browser', () => {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  afterAll(() => browser.close());

  test('charts are drawn: series, chart.js, Plotly and maps, without trouble', async () => {
    const client = await started();
    const run = await richRun(client);
    const { page, troubles } = await open(client, `/apps/${app}/runs/${run}`);
    const painted = await ask<number[]>(
      page,
      `[...document.querySelectorAll('figure:not([hidden]) canvas')].map((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, at) => at % 4 === 3 && value > 0).length;
      })`,
    );
    expect(painted).toHaveLength(3);
    expect(Math.min(...painted)).toBeGreaterThan(1_000);

    expect(await ask(page, `document.querySelectorAll('.plotly svg .bars path').length`)).toBe(2);
    // Plotly's own rules are in force: without them its layers would lie in each other's way.
    expect(await ask(page, `getComputedStyle(document.querySelector('.plotly .main-svg')).position`)).toBe(
      'absolute',
    );
    expect(
      await ask(page, `getComputedStyle(document.querySelector('.plotly .gtitle tspan[style]')).fontWeight`),
    ).toBe('700');

    const box = await page.locator('svg.map .area').boundingBox();
    expect(box?.width).toBeGreaterThan(100);
    expect(box?.height).toBeGreaterThan(100);
    expect(await ask(page, 'violations')).toStrictEqual([]);
    expect(troubles).toStrictEqual([]);
  });

  test('a chart that cannot be drawn says so, shows its JSON, and keeps no other from being drawn', async () => {
    const client = await started();
    const odd = asset(
      'odd',
      { type: 'bar', data: { datasets: [{ type: 'nonsense', data: [1] }] } },
      visuals.chartjs,
    );
    const run = await richRun(client, [odd, ...allAssets.slice(0, 1)]);
    const { page } = await open(client, `/apps/${app}/runs/${run}`);
    const [broken, drawn] = [page.locator('.asset').nth(0), page.locator('.asset').nth(1)];
    expect(await broken.locator('canvas').isVisible()).toBe(false);
    expect(await broken.getByText('could not be drawn').isVisible()).toBe(true);
    expect(await broken.locator('details.json pre').isVisible()).toBe(true);
    expect(await drawn.locator('canvas').isVisible()).toBe(true);
    expect(await drawn.getByText('could not be drawn').isVisible()).toBe(false);
    expect(await drawn.locator('details.json pre').isVisible()).toBe(false);
  });

  test('what others sent does not run, and fetches nothing', async () => {
    const client = await started();
    const asked: (string | undefined)[] = [];
    const elsewhere = createServer(({ url }, response) => {
      asked.push(url);
      response.end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void elsewhere.close());
    await once(elsewhere, 'listening');
    const origin = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    const run = await hostileRun(client, origin);
    for (const path of ['/', `/apps/${app}`, `/apps/${app}/runs/${run}`]) {
      const { page, troubles } = await open(client, path);
      expect(await ask(page, 'window.hacked')).toBeUndefined();
      expect(await ask(page, '({}).polluted')).toBeUndefined();
      expect(await ask(page, `document.querySelectorAll('main img, main script[src]').length`)).toBe(0);
      // The one picture that a figure wants from elsewhere is refused by the policy, with an error on the console.
      const others = troubles.filter((trouble) => !trouble.includes(`${origin}/spy.png`));
      expect(others, path).toStrictEqual([]);
      if (path.includes(run)) {
        expect(troubles.join()).toContain('img-src');
        expect(await page.locator('figure:not([hidden])').count()).toBe(4);
      }
    }
    expect(asked).toStrictEqual([]);
  });

  test('without script all data is there as tables', async () => {
    const client = await started();
    const run = await richRun(client);
    const { page } = await open(client, `/apps/${app}/runs/${run}`, { javaScriptEnabled: false });
    for (const row of ['objective 1 27.5', 'load v2 6.5', 'cost Tue 4900']) {
      const cells = row.split(' ');
      const found = page.locator('tr').filter({ has: page.getByText(cells[0] ?? '', { exact: true }) });
      const rows = (await found.allInnerTexts()).map((text) => text.split(/\s+/).join(' '));
      expect(rows).toContain(row);
    }
    expect(await page.locator('svg.map .area').isVisible()).toBe(true);
  });

  test('by keyboard: the first stop leads past the head, and everything that scrolls can be reached', async () => {
    const client = await started();
    const run = await richRun(client);
    const { page } = await open(client, `/apps/${app}/runs/${run}`);
    await page.keyboard.press('Tab');
    expect(await ask(page, 'document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await ask(page, 'document.activeElement.id')).toBe('content');
    const unreachable = `[...document.querySelectorAll('main *')].filter((element) =>
      /auto|scroll/.test(getComputedStyle(element).overflowY + getComputedStyle(element).overflowX) &&
      element.tabIndex < 0).map((element) => element.className)`;
    expect(await ask(page, unreachable)).toStrictEqual([]);
  });

  test('the key is asked for once, and the page that was wanted is shown', async () => {
    const client = await started({ apiKey: 'some-key' });
    const run = await richRun(client, []);
    const { page } = await open(client, `/apps/${app}/runs/${run}`);
    await page.getByLabel('API key').fill('some-key');
    await page.getByRole('button').click();
    await page.waitForURL(`**/runs/${run}`);
    expect(await page.locator('h1').innerText()).toBe('weekly plan');
    expect(await ask(page, 'document.cookie')).toBe('');
  });

  const paths = async (client: Client) => ({
    start: '/',
    app: `/apps/${app}`,
    'no run of a status': `/apps/${app}?status=canceled`,
    'empty app': '/apps/another-app',
    run: `/apps/${app}/runs/${await richRun(client)}`,
    'failed run': `/apps/${app}/runs/${await failedRunOfArchives(client)}`,
    'hostile run': `/apps/${app}/runs/${await hostileRun(client)}`,
    missing: `/apps/${app}/runs/none`,
  });

  test.each(['light', 'dark'] as const)('axe-core finds nothing on any page, in %s', async (colorScheme) => {
    const client = await started();
    for (const [name, path] of Object.entries(await paths(client))) {
      const { page } = await open(client, path, { colorScheme });
      expect(await axeFindings(page), name).toStrictEqual([]);
    }
    const locked = await started({ apiKey: 'some-key' });
    const empty = await started();
    for (const other of [locked, empty]) {
      const { page } = await open(other, '/', { colorScheme });
      expect(await axeFindings(page)).toStrictEqual([]);
    }
  });

  test.each([320, 390])('no page is wider than a phone of %d pixels', async (width) => {
    const client = await started();
    for (const [name, path] of Object.entries(await paths(client))) {
      const { page } = await open(client, path, { width });
      expect(await ask(page, 'document.documentElement.scrollWidth'), name).toBe(width);
      expect(await ask(page, 'document.body.scrollWidth'), name).toBe(width);
    }
  });
});

/** Run from outside: the page's own policy would not let it in. */
async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await ask<axe.AxeResults>(
    page,
    'axe.run(document, { resultTypes: ["violations"] })',
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
