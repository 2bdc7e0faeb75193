/** The text format of Prometheus, as far as tests look at it: a value by name and labels. */
export function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** The metrics that the text describes, by name, with their kind. */
export function describedIn(text: string): Record<string, string> {
  const found = text.matchAll(/^# TYPE (\S+) (\S+)$/gm);
  return Object.fromEntries([...found].map(([, name = '', kind = '']) => [name, kind]));
}
