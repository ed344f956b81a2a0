// What the command line printed, as a picture that needs no browser to be made: light text on a dark ground, one line of text per line.
const [cell, row, edge] = [7.6, 18, 18];
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** @param prompt what was typed · @param lines what it printed, without colours */
export function terminalSvg({ title, prompt, lines }) {
  const all = [`$ ${prompt}`, ...lines];
  const [width, height] = [Math.ceil(Math.max(...all.map((line) => line.length)) * cell + edge * 2), all.length * row + edge * 2];
  const text = all.map((line, nth) => `<text x="${edge}" y="${edge + 13 + nth * row}"${nth === 0 ? ' class="prompt"' : ''}>${escaped(line)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<style>rect{fill:#17191d}text{font:12.6px ui-monospace,monospace;fill:#ecedef;white-space:pre}.prompt{fill:#5fdcc6}</style>
<rect width="${width}" height="${height}" rx="10"/>
${text.join('\n')}
</svg>
`;
}
