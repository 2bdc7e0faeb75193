/**
 * Runs in the browser: puts what changed into the page as the daemon tells it. Without it, or without a connection, the
 * page is what it was when it was loaded, and says so.
 *
 * The few names of the browser that it needs are declared here: the rest of the program must not know them.
 */
interface Element {
  hidden: boolean;
  open: boolean;
  innerHTML: string;
  textContent: string;
  id: string;
  readonly classList: { toggle(name: string, on: boolean): void };
  querySelectorAll(selector: string): Iterable<Element>;
  contains(other: Element | null): boolean;
  focus(options: { preventScroll: boolean }): void;
}
declare const document: {
  readonly activeElement: Element | null;
  getElementById(id: string): Element | null;
};
declare class EventSource {
  static readonly CLOSED: number;
  readonly readyState: number;
  onopen: () => void;
  onerror: () => void;
  onmessage: (event: { data: string }) => void;
  constructor(path: string);
}

function put(name: string, markup: string): void {
  const place = document.getElementById(`live-${name}`);
  if (place === null) return;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const opened = [...place.querySelectorAll('details')].map(({ open }) => open);
  place.innerHTML = markup;
  // What was unfolded stays so, and who went through the page by keyboard stays where they were.
  [...place.querySelectorAll('details')].forEach((details, at) => (details.open = opened[at] ?? false));
  if (focused !== null && focused.id !== '')
    document.getElementById(focused.id)?.focus({ preventScroll: true });
}

function say(words: string, isAway: boolean): void {
  const place = document.getElementById('live');
  if (place === null || (place.textContent === words && !place.hidden)) return;
  place.hidden = false;
  place.textContent = words;
  place.classList.toggle('away', isAway);
}

const source = new EventSource('/page/stream');
source.onopen = () => say('live', false);
source.onmessage = ({ data }) => {
  say('live', false);
  for (const [name, markup] of Object.entries(JSON.parse(data) as Record<string, string>)) put(name, markup);
};
source.onerror = () =>
  say(source.readyState === EventSource.CLOSED ? 'not live: reload the page' : 'connecting again', true);

export {};
