/** `3,5-9` as pairs of least and greatest; the order of the text. */
export const rangesOf = (text: string): [low: number, high: number][] => text.split(',').map((part) => {
  const [low = 0, high = low] = part.split('-').map(Number);
  return [low, high];
});
