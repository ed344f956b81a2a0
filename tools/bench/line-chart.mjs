// A chart of a few lines as SVG, readable on light and on dark ground.
const [width, height] = [760, 300];
const box = { left: 52, right: 190, top: 40, bottom: 40 };
const colours = ['#2f9e8f', '#3568d4', '#c0463a'];
const escaped = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
/** Round steps, about five of them. */
function ticks(most) {
  const rough = most / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * unit).find((one) => one >= rough);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, nth) => nth * step);
}
/** @param series `{ name, points: [x, y][] }`; both axes begin at 0 */
export function lineChart({ title, x, y, series }) {
  const most = [0, 1].map((axis) => Math.max(...series.flatMap(({ points }) => points.map((point) => point[axis]))) * 1.05);
  const at = ([px, py]) => [box.left + px / most[0] * (width - box.left - box.right), height - box.bottom - py / most[1] * (height - box.top - box.bottom)];
  const place = (point) => at(point).map((value) => value.toFixed(1)).join(',');
  const label = (text, [lx, ly], more = '') => `<text x="${lx.toFixed(1)}" y="${ly.toFixed(1)}" ${more}>${escaped(text)}</text>`;
  const right = width - box.right;
  const grid = ticks(most[1]).map((value) => { const [, py] = at([0, value]); return `<path class="grid" d="M${box.left},${py.toFixed(1)}H${right}"/>${label(value, [box.left - 8, py + 4], 'text-anchor="end"')}`; });
  const below = ticks(most[0]).map((value) => { const [px] = at([value, 0]); return label(value, [px, height - box.bottom + 18], 'text-anchor="middle"'); });
  const lines = series.map(({ name, points }, nth) => `<polyline points="${points.map(place).join(' ')}" stroke="${colours[nth % colours.length]}"/>${label(name, [right + 14, box.top + 16 + nth * 20], `style="fill:${colours[nth % colours.length]}"`)}`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<style>text{font:12px system-ui,sans-serif;fill:#6b7078}.grid{stroke:#8b90983a}polyline{fill:none;stroke-width:2;stroke-linejoin:round}.title{font-weight:600;font-size:13px}</style>
${label(title, [box.left, 20], 'class="title"')}
${label(y, [box.left - 8, box.top - 8], 'text-anchor="end"')}${label(x, [right + 14, height - box.bottom + 18])}
${[...grid, ...below, ...lines].join('\n')}
</svg>
`;
}
