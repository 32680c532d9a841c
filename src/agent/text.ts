const ellipsis = '…';

/** At most `max` UTF-16 units, cut between code points, with an ellipsis when something was cut. */
export const shorten = (text: string, max: number): string => {
  if (text.length <= max) return text;
  if (max < ellipsis.length) return '';
  let kept = '';
  for (const point of text) {
    if (kept.length + point.length > max - ellipsis.length) break;
    kept += point;
  }
  return `${kept}${ellipsis}`;
};

/** Text fit for one line of a message: control characters become spaces, halves of surrogate pairs are replaced. */
export const plainText = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim();
