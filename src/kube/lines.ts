/** Splits chunks of text into lines, without their ends; a last line without an end is cut off and dropped, since it is incomplete. */
export async function* splitLines(
  chunks: AsyncIterable<unknown>,
  heard: () => void = () => {},
): AsyncGenerator<string, void, undefined> {
  // Parts of one line are joined once at its end: adding to a growing text would be slow for large objects.
  let parts: string[] = [];
  for await (const chunk of chunks) {
    heard();
    const pieces = String(chunk).split('\n');
    const rest = pieces.pop() ?? '';
    for (const piece of pieces) {
      const line = [...parts, piece].join('');
      parts = [];
      if (line !== '') yield line;
    }
    if (rest !== '') parts.push(rest);
  }
}
