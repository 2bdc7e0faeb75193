/**
 * The status page in a real browser, Debian's Chromium: it is live, usable without script and by keyboard, fits on a phone,
 * and keeps nobody out (axe-core). Skipped where that browser is not installed.
 */
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished } from 'vitest';
import { plan } from '../../journey/folders.ts';
import { test, type Scene } from '../../journey/scene.ts';
import { listening } from './visiting.ts';

const executablePath = '/usr/bin/chromium';
const isMissing = !existsSync(executablePath);
if (isMissing)
  console.warn(`SKIPPED: tests of the status page in a browser, because ${executablePath} is missing`);

/** The machine may have other things to do. */
const patienceMs = 90_000;

let browser: Browser;

async function opened(scene: Scene, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patienceMs);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => void troubles.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => void troubles.push(`error: ${error.message}`));
  const { stdout } = await scene.command('status', '--open');
  await page.goto(stdout.trim());
  await page.waitForURL((url) => url.pathname === '/');
  return { page, troubles };
}

/** One run that is recorded, and one folder that needs a person. */
async function started(scene: Scene) {
  scene.configure({ http: { listen: '127.0.0.1:0' } });
  scene.drop('monday-plan');
  scene.drop('broken-plan', plan('broken-plan', { status: 'sucesful' }));
  const daemon = await scene.daemon();
  await scene.result('monday-plan');
  await scene.state(daemon, 'broken-plan', 'rejected');
  return { daemon, origin: await listening(daemon) };
}

/** Run from outside: the page's own policy would not let it in. */
async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>(
    'axe.run(document, { resultTypes: ["violations"] })',
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

describe.skipIf(isMissing)('in a browser', () => {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    });
  });
  afterAll(() => browser.close());

  test('what happens is put into the page by itself, and nothing runs into its policy', async ({ scene }) => {
    await started(scene);
    const { page, troubles } = await opened(scene);
    await page.locator('#live', { hasText: /^live$/ }).waitFor();
    scene.drop('tuesday-plan');
    await page.locator('#live-newest', { hasText: 'tuesday-plan' }).waitFor();
    expect(troubles).toEqual([]);
  });

  test('by keyboard, and without script, a folder that needs a person is skipped', async ({ scene }) => {
    const { daemon } = await started(scene);
    const { page } = await opened(scene, { javaScriptEnabled: false });
    const stops: string[] = [];
    for (let stop = ''; stop !== 'Skip broken-plan' && stops.length < 40; stops.push(stop)) {
      await page.keyboard.press('Tab');
      stop = (await page.locator(':focus').textContent())?.replaceAll(/\s+/g, ' ').trim() ?? '';
    }
    expect(stops.at(-1)).toBe('Skip broken-plan');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/confirm\?/);
    await page.getByRole('button', { name: 'Skip', exact: true }).press('Enter');
    await page.waitForURL(/\/folders\?/);
    await scene.state(daemon, 'broken-plan', 'skipped');
  });

  test('axe-core finds nothing, and a phone is wide enough, in light and in dark', async ({ scene }) => {
    const { origin } = await started(scene);
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await opened(scene, { colorScheme, viewport: { width: 390, height: 844 } });
      const folder = encodeURIComponent(scene.folder('broken-plan'));
      const paths = [
        '/',
        '/runs',
        '/runs/1',
        `/folders?path=${folder}`,
        `/confirm?word=retry&folder=${folder}`,
        '/runs/99',
      ];
      for (const path of paths) {
        await page.goto(origin + path);
        expect([path, await axeFindings(page)]).toEqual([path, []]);
        expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 390]);
      }
    }
  });
});
