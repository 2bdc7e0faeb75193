/** Takes out of a text what must never be shown: bearer values, signatures, passwords and queries of addresses. */

/** A longer text helps nobody, and a server's answer could fill the journal. */
const charsMax = 4_000;

export function scrub(text: string): string {
  return text
    .slice(0, charsMax)
    .replaceAll(/Bearer\s+[^\s"',]+/gi, 'Bearer [secret]')
    .replaceAll(/((?:signature|credential|security-token|token|sig)=)[^\s"'&<>]+/gi, '$1[secret]')
    .replaceAll(/(https?:\/\/)[^\s"'<>/?#@]+@/gi, '$1[secret]@')
    .replaceAll(/(https?:\/\/[^\s"'<>?]+)\?[^\s"'<>]*/gi, '$1?[signed]');
}
