import { endpoints } from '@agent-etl/contracts';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { api } from './api.ts';
import { short } from './format.ts';

const HEIGHT = 92;
const REFRESH_MS = 5_000;
const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

function optionsFor(width: number): uPlot.Options {
  const font = '11px "Inter Variable", sans-serif';
  const axis = { stroke: colour('--ink-3'), ticks: { show: false }, font };
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { y: false }, padding: [6, 0, 0, 0],
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(10, high * 1.1)] } },
    axes: [{ ...axis, grid: { show: false }, size: 18, space: 90, values: (_plot, ticks) => ticks.map((tick) => hour.format(tick * 1000)) },
      { ...axis, grid: { stroke: colour('--line'), width: 1 }, size: 44, space: 30, values: (_plot, ticks) => ticks.map((tick) => short(tick)) }],
    series: [{}, { stroke: colour('--run-fill'), fill: colour('--run-soft'), width: 1.6, points: { show: false } }],
  };
}

/** Rows per second over the last hour, from zero. */
export function Throughput() {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const now = Math.floor(Date.now() / 1000);
    let data: uPlot.AlignedData = [[now - 3600, now], [0, 0]];
    let plot = new uPlot(optionsFor(element.clientWidth), data, element);
    const redraw = (): void => { plot.destroy(); plot = new uPlot(optionsFor(element.clientWidth), data, element); };
    const load = async (): Promise<void> => {
      const { points } = await api.call(endpoints.queryMetrics, { query: { name: 'etl_rows_total' } });
      data = [points.map(([at]) => at), points.map(([, value]) => value)];
      plot.setData(data);
    };
    const refresh = (): void => { load().catch(() => { element.dataset['stale'] = 'yes'; }); };
    refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    const sized = new ResizeObserver(() => { plot.setSize({ width: element.clientWidth, height: HEIGHT }); });
    sized.observe(element);
    const themed = new MutationObserver(redraw);
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', redraw);
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => { clearInterval(timer); sized.disconnect(); themed.disconnect(); system.removeEventListener('change', redraw); plot.destroy(); };
  }, []);
  return <div ref={box} className="chart" role="img" aria-label="Rows written per second, last 60 minutes" />;
}
