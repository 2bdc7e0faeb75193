/**
 * The status page and `/api`: rendered here, usable without script, live with it. What is shown to whom is decided in
 * this file alone: everything below `member` is for those with proof, the rest is health and counts.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context, type Next } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import type { Clock } from '../../system/clock.ts';
import type { Log } from '../../system/log.ts';
import {
  Unanswerable,
  type ListQuery,
  type Operations,
  type RunView,
  type Selector,
  type StatusView,
} from '../operations.ts';
import { entrance, ownPath } from './entrance.ts';
import { files, framed, type Page } from './frame.ts';
import { listContent } from './listPage.ts';
import { LiveView } from './liveView.ts';
import { look } from './look.ts';
import {
  fieldsOf,
  placeOf,
  runsPerAnswerMax,
  runsPerPage,
  storyPath,
  turnOf,
  turnPath,
  type Turn,
} from './paths.ts';
import { selectorOfFolder, selectorOfRun, wantedOf } from './selectors.ts';
import { daysOf } from './pictures.ts';
import type { PageQuestions } from './questions.ts';
import { Rate } from './rates.ts';
import { runContent } from './runPage.ts';
import {
  answersTo,
  nameOf,
  overviewOf,
  rootsPicturedMax,
  sectionNames,
  strangersView,
  type Overview,
  type Sections,
} from './sections.ts';
import { sessionMsMax, type Sessions } from './sessions.ts';

/** Of the overview: the list has all. */
const underWayShownMax = 10;
const newestShownMax = 15;
const daysShown = 14;
/** Pictures change slowly, and cost more than numbers. */
const picturesKeptMs = 30_000;
/** Requests of all members together, and of all strangers: neither can take the other's. */
const memberRate = { atOnce: 60, perSecond: 20 };
const strangerRate = { atOnce: 30, perSecond: 5 };
/** Ages are shown as of the last full ten seconds: what has not changed reads the same, and is not sent again. */
const agesToMs = 10_000;

export interface PageParts {
  readonly operations: () => Operations;
  readonly questions: PageQuestions;
  readonly sessions: Sessions;
  readonly changes: { readonly count: number; next(seen: number, msMax: number): Promise<void> };
  readonly clock: Clock;
  readonly log: Log;
  readonly host: string;
  readonly version: string;
}

interface PageEnv {
  Variables: { isMember: boolean };
  Bindings: HttpBindings;
}

export function pageRoutes(parts: PageParts): Hono {
  return new PageRoutes(parts).app as unknown as Hono;
}

class PageRoutes {
  readonly app = new Hono<PageEnv>();
  readonly #parts: PageParts;
  readonly #live: LiveView;
  readonly #rates: { readonly member: Rate; readonly stranger: Rate };
  #pictures: { readonly madeMs: number; readonly made: Promise<Overview['recent']> } | null = null;

  constructor(parts: PageParts) {
    this.#parts = parts;
    const { clock, log, changes } = parts;
    this.#live = new LiveView({
      clock,
      changes,
      look: async () => await this.#sections(),
      onBug: (error) => log.error({ err: error }, 'the live page met an error that nobody foresaw'),
    });
    this.#rates = {
      member: new Rate(memberRate.atOnce, memberRate.perSecond, clock),
      stranger: new Rate(strangerRate.atOnce, strangerRate.perSecond, clock),
    };
    this.#serve();
  }

  #serve(): void {
    const { app } = this;
    const known = (c: Context<PageEnv>, next: Next) => this.#known(c, next);
    const member = (c: Context<PageEnv>, next: Next) => this.#memberOnly(c, next);
    for (const path of [
      '/',
      '/runs/*',
      '/folders',
      '/confirm',
      '/answer',
      '/enter',
      '/leave',
      '/page/*',
      '/api/*',
    ])
      app.use(path, known);
    for (const path of [
      '/runs/*',
      '/folders',
      '/confirm',
      '/answer',
      '/page/stream',
      '/api/runs/*',
      '/api/history',
    ])
      app.use(path, member);
    app.get('/', (c) => this.#overview(c));
    app.get('/runs', (c) => this.#list(c));
    app.get('/runs/:run', (c) => this.#story(c, selectorOfRun(c.req.param('run'))));
    app.get('/folders', (c) => this.#story(c, selectorOfFolder(c.req.query('path'), c.req.query('root'))));
    app.get('/confirm', (c) => this.#confirm(c));
    app.post('/answer', (c) => this.#answer(c));
    app.get('/enter', (c) => this.#enterByLink(c));
    app.post('/enter', (c) => this.#enterByPassword(c));
    app.post('/leave', (c) => this.#leave(c));
    app.get('/page/stream', (c) => this.#stream(c));
    app.get(files.look, (c) => kept(c, look, 'text/css; charset=utf-8'));
    app.get(files.icon, (c) => kept(c, icon, 'image/svg+xml'));
    app.get(files.script, async (c) =>
      kept(c, await readFile(scriptFile, 'utf8'), 'text/javascript; charset=utf-8'),
    );
    app.get('/api/status', async (c) => c.json(this.#statusFor(c, await this.#parts.operations().status())));
    app.get('/api/runs', (c) => this.#runsAsJson(c));
    app.get('/api/runs/:run', async (c) =>
      c.json(await this.#parts.operations().show(selectorOfRun(c.req.param('run')))),
    );
    app.onError((error, c) => this.#sorry(error, c));
  }

  async #known(c: Context<PageEnv>, next: Next): Promise<Response | undefined> {
    const { sessions } = this.#parts;
    const isMember = sessions.isMember(getCookie(c, sessions.cookie));
    c.set('isMember', isMember);
    const waitMs = this.#rates[isMember ? 'member' : 'stranger'].take();
    if (waitMs > 0) {
      c.header('retry-after', String(Math.ceil(waitMs / 1000)));
      return c.text('There are too many requests; try again in a moment.', 429);
    }
    for (const [name, value] of Object.entries(pageHeaders)) c.header(name, value);
    await next();
    return undefined;
  }

  async #memberOnly(c: Context<PageEnv>, next: Next): Promise<Response | undefined> {
    if (c.get('isMember')) {
      await next();
      return undefined;
    }
    if (!c.req.header('accept')?.includes('text/html'))
      return c.json({ message: 'this needs access: see `runtrackd status --open`' }, 403);
    const { pathname, search } = new URL(c.req.url);
    const to = c.req.method === 'GET' ? `${pathname}${search}` : '/';
    const content = html`<h1>Not without access</h1>
      ${entrance(this.#parts.sessions.mode, to, null)}`;
    return this.#page(c, { title: 'Access', at: null, content }, 403);
  }

  async #overview(c: Context<PageEnv>): Promise<Response> {
    const { operations, sessions } = this.#parts;
    if (!c.get('isMember')) {
      const content = html`${strangersView(await operations().status())} ${entrance(sessions.mode, '/', null)}`;
      return this.#page(c, { title: 'Status', at: 'overview', content });
    }
    const sections = overviewOf(await this.#seen());
    const content = html`${sectionNames.map((name) => html`<div id="live-${name}">${sections[name]}</div>`)}`;
    return this.#page(c, { title: 'Status', at: 'overview', content, isLive: true });
  }

  async #sections(): Promise<Sections> {
    const parts = overviewOf(await this.#seen());
    const texts = await Promise.all(
      sectionNames.map(async (name) => [name, String(await parts[name])] as const),
    );
    return Object.fromEntries(texts) as Sections;
  }

  async #seen(): Promise<Overview> {
    const { operations, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const [status, underWay, settling, newest, recent] = await Promise.all([
      operations().status(),
      this.#some(
        { states: ['queued', 'uploaded', 'intended', 'unknown', 'tracked', 'final'] },
        underWayShownMax,
      ),
      this.#some({ states: ['settling'] }, underWayShownMax),
      this.#some({ states: ['recorded'] }, newestShownMax),
      this.#keptPictures(),
    ]);
    const days = daysOf(status.history, daysShown, nowMs);
    return { status, underWay, settling, newest, days, recent, nowMs: nowMs - (nowMs % agesToMs) };
  }

  async #keptPictures(): Promise<Overview['recent']> {
    const { questions, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#pictures === null || nowMs - this.#pictures.madeMs >= picturesKeptMs) {
      const made = questions.recent(rootsPicturedMax);
      this.#pictures = { madeMs: nowMs, made };
    }
    try {
      return await this.#pictures.made;
    } catch (error) {
      this.#pictures = null;
      // The outbox is in trouble, which the rest of the page says.
      if (error instanceof Unanswerable) return [];
      throw error;
    }
  }

  /** While the outbox is in trouble there are none to show, and health says why. */
  async #some(query: Partial<ListQuery>, limit: number): Promise<readonly RunView[]> {
    const runs: RunView[] = [];
    try {
      for await (const run of this.#parts.operations().list({ ...anyRun, ...query, limit })) runs.push(run);
    } catch (error) {
      if (!(error instanceof Unanswerable)) throw error;
    }
    return runs;
  }

  async #list(c: Context<PageEnv>): Promise<Response> {
    const { operations, clock } = this.#parts;
    const turn = turnOf(new URL(c.req.url).searchParams);
    const { runs, next } = await this.#turn(turn, runsPerPage);
    const status = await operations().status();
    const content = listContent({
      turn,
      runs,
      next,
      counts: status.counts,
      roots: status.drop_roots.map(({ name }) => name),
      nowMs: clock.nowMs(),
    });
    return this.#page(c, { title: 'Runs', at: 'runs', content });
  }

  async #runsAsJson(c: Context<PageEnv>): Promise<Response> {
    const query = new URL(c.req.url).searchParams;
    const turn = turnOf(query);
    const wanted = Number(query.get('limit') ?? runsPerPage);
    const limit = Number.isInteger(wanted) ? Math.min(Math.max(1, wanted), runsPerAnswerMax) : runsPerPage;
    const { runs, next } = await this.#turn(turn, limit);
    const following = next === null ? null : turnPath({ ...turn, after: next }).replace('/runs', '/api/runs');
    return c.json({ runs, next: following });
  }

  async #turn({ states, root, after }: Turn, limit: number) {
    const found: RunView[] = [];
    // One more than is shown tells whether there are more.
    const query = { ...anyRun, states: [...states], root, after, limit: limit + 1 };
    for await (const run of this.#parts.operations().list(query)) found.push(run);
    const runs = found.slice(0, limit);
    const last = runs.at(-1);
    return { runs, next: last === undefined || found.length <= limit ? null : placeOf(last) };
  }

  async #story(c: Context<PageEnv>, wanted: Selector): Promise<Response> {
    const { operations, questions, clock } = this.#parts;
    const story = await operations().show(wanted);
    const contents = story.run === null ? null : await questions.contents(story.run);
    const content = runContent(story, contents, clock.nowMs());
    return this.#page(c, { title: nameOf(story), at: 'runs', content });
  }

  async #confirm(c: Context<PageEnv>): Promise<Response> {
    const { word, ...fields } = c.req.query();
    const story = await this.#parts.operations().show(wantedOf(fields));
    const chosen = answersTo(story.state).find((possible) => possible === word);
    if (chosen === undefined)
      throw new Unanswerable('refused', `It is ${story.state} now, which waits for no such answer.`);
    const content = html`<h1>${chosen === 'retry' ? 'Retry' : 'Skip'} <bdi>${nameOf(story)}</bdi>?</h1>
      <p>${consequences[chosen]}</p>
      ${
        story.reason === null
          ? ''
          : html`<div class="problem">
              <h2>Why it waits</h2>
              <p><bdi>${story.reason.text}</bdi></p>
            </div>`
      }
      <div class="buttons">
        <form method="post" action="/answer">
          <input type="hidden" name="word" value="${chosen}" />
          ${Object.entries(fieldsOf(story)).map(
            ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
          )}
          <button autofocus>${chosen === 'retry' ? 'Retry' : 'Skip'}</button>
        </form>
        <a class="quiet" href="${storyPath(story)}">Leave it</a>
      </div>`;
    return this.#page(c, { title: `${chosen} ${nameOf(story)}`, at: 'runs', content });
  }

  async #answer(c: Context<PageEnv>): Promise<Response> {
    const { word, ...fields } = await textsOf(c);
    if (word !== 'retry' && word !== 'skip') throw new Unanswerable('refused', 'Nothing was chosen.');
    const selectors = [wantedOf(fields)];
    const answered = await this.#parts.operations().answer({
      word,
      selectors,
      all: false,
      reason: null,
      root: null,
      dryRun: false,
    });
    const [alone] = answered.left_alone;
    if (alone !== undefined) throw new Unanswerable('refused', `It was left alone: ${alone.why}.`);
    const [now] = answered.runs;
    return c.redirect(now === undefined ? '/' : storyPath(now), 303);
  }

  #enterByLink(c: Context<PageEnv>): Response | Promise<Response> {
    // A HEAD would use the key up.
    const token = c.req.method === 'GET' ? this.#parts.sessions.redeem(c.req.query('key') ?? '') : null;
    if (token === null) {
      const content = html`<h1>This link is not good any more</h1>
        <p>Each link is good once, and for ten minutes. Ask for another one.</p>
        ${entrance(this.#parts.sessions.mode, '/', null)}`;
      return this.#page(c, { title: 'Access', at: null, content }, 403);
    }
    this.#setCookie(c, token);
    // Not a redirect: a browser that came here from elsewhere would follow it without the new cookie.
    c.header('refresh', '0; url=/');
    const content = html`<h1>You are in</h1>
      <p><a href="/">To the overview</a></p>`;
    return this.#page(c, { title: 'Access', at: null, content });
  }

  async #enterByPassword(c: Context<PageEnv>): Promise<Response> {
    const { sessions, log } = this.#parts;
    const { password = '', to } = await textsOf(c);
    const wanted = ownPath(to);
    if (sessions.mode !== 'password') return c.redirect(wanted, 303);
    const entered = await sessions.enter(password);
    switch (entered.kind) {
      case 'session':
        this.#setCookie(c, entered.token);
        return c.redirect(wanted, 303);
      case 'wrong':
        log.warn('a wrong password was given on the status page');
        return this.#refusedEntrance(c, wanted, 'That is not the password.', 403);
      case 'throttled': {
        const seconds = Math.ceil(entered.waitMs / 1000);
        c.header('retry-after', String(seconds));
        return this.#refusedEntrance(c, wanted, `There were too many attempts: wait ${seconds} s.`, 429);
      }
      case 'unusable':
        log.error(`nobody can enter the status page by password: ${entered.why}`);
        return this.#refusedEntrance(
          c,
          wanted,
          'The daemon cannot use its password; its log says why. A link works: see below.',
          503,
        );
    }
  }

  #refusedEntrance(c: Context<PageEnv>, to: string, problem: string, status: 403 | 429 | 503) {
    const content = html`<h1>Not without access</h1>
      ${entrance('password', to, problem)}`;
    return this.#page(c, { title: 'Access', at: null, content }, status);
  }

  #leave(c: Context<PageEnv>): Response {
    const { sessions } = this.#parts;
    const token = getCookie(c, sessions.cookie);
    if (token !== undefined) sessions.end(token);
    setCookie(c, sessions.cookie, '', { path: '/', maxAge: 0, httpOnly: true, sameSite: 'Strict' });
    return c.redirect('/', 303);
  }

  #setCookie(c: Context<PageEnv>, token: string): void {
    setCookie(c, this.#parts.sessions.cookie, token, {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      maxAge: sessionMsMax / 1000,
    });
  }

  #stream(c: Context<PageEnv>): Response {
    const headers = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    // Its body goes nowhere, and nobody would ever say that the reader has left.
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    const { sessions } = this.#parts;
    const token = getCookie(c, sessions.cookie);
    const body = this.#live.watch({
      cut: () => c.env.outgoing.destroy(),
      mayLook: () => sessions.isMember(token),
    });
    if (body === null) {
      c.header('retry-after', '60');
      return c.text('Too many pages are open; this one is not live.', 503);
    }
    return c.body(body, 200, headers);
  }

  #statusFor(c: Context<PageEnv>, status: StatusView): object {
    if (c.get('isMember')) return status;
    const { running, healthy, counts } = status;
    return { running, healthy, counts };
  }

  #page(c: Context<PageEnv>, page: Page, status: 200 | 403 | 404 | 409 | 429 | 500 | 503 = 200) {
    const { sessions, host, version } = this.#parts;
    const isMember = c.get('isMember');
    const canLeave = isMember && sessions.mode !== 'open';
    return c.html(framed(page, { isMember, canLeave, host, version }), status);
  }

  #sorry(error: Error, c: Context<PageEnv>): Response | Promise<Response> {
    const isKnown = error instanceof Unanswerable;
    if (!isKnown) this.#parts.log.error({ err: error }, 'the page met an error that nobody foresaw');
    const words = isKnown
      ? error.message
      : 'The daemon met an error that nobody foresaw; its log has the details.';
    const status = !isKnown ? 500 : error.kind === 'none' ? 404 : 409;
    if (c.req.path.startsWith('/api/')) return c.json({ message: words }, status);
    const content = html`<h1>${isKnown ? 'Not here' : 'The page failed'}</h1>
      <p><bdi>${words}</bdi></p>
      <p><a href="/">To the overview</a></p>`;
    return this.#page(c, { title: 'Not here', at: null, content }, status);
  }
}

const anyRun: ListQuery = { states: [], root: null, sinceMs: null, limit: 1 };

const consequences = {
  retry: 'It goes on from where it was set aside. What was recorded already is not sent again.',
  skip: 'It is set aside for good and not sent, until its content changes or somebody retries it.',
} as const;

/** Everything comes from here; no script or style stands in the markup, so what others wrote cannot become either. */
const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // Not "no-referrer": the browser would then send its forms as from nowhere, and be refused.
  'referrer-policy': 'same-origin',
};

const scriptFile = fileURLToPath(new URL('./inBrowser.js', import.meta.url));

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#0b5c6b"/>
<path d="M7 22l6-8 5 4 7-10" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/>
<circle cx="25" cy="8" r="3.2" fill="#86d99f"/>
</svg>`;

function kept(c: Context<PageEnv>, body: string, type: string): Response {
  return c.body(body, 200, { 'content-type': type, 'cache-control': 'no-cache' });
}

/** The fields of a form that are texts. */
async function textsOf(c: Context<PageEnv>): Promise<Partial<Record<string, string>>> {
  const fields = Object.entries(await c.req.parseBody());
  return Object.fromEntries(
    fields.filter((field): field is [string, string] => typeof field[1] === 'string'),
  );
}
