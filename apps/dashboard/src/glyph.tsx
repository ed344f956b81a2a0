import type { Tone } from './run-words.ts';

/** One silhouette per state, so that it reads without colour: disc with check, open ring, octagon with cross, two bars. */
export function Glyph({ tone, size = 16 }: { tone: Tone; size?: number }) {
  const frame = { width: size, height: size, viewBox: '0 0 16 16', className: `glyph g-${tone}`, 'aria-hidden': true };
  switch (tone) {
    case 'ok': return <svg {...frame}><circle cx="8" cy="8" r="7" fill="currentColor" /><path d="M4.8 8.3l2.2 2.1 4.2-4.7" fill="none" stroke="var(--surface)" strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" /></svg>;
    case 'run': return <svg {...frame}><circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeOpacity=".3" strokeWidth="2.2" /><path className="spin" d="M8 2a6 6 0 0 1 6 6" fill="none" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" /></svg>;
    case 'bad': return <svg {...frame}><path d="M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z" fill="currentColor" /><path d="M5.6 5.6l4.8 4.8m0-4.8l-4.8 4.8" stroke="var(--surface)" strokeWidth="1.8" strokeLinecap="round" /></svg>;
    case 'idle': return <svg {...frame}><rect x="4" y="3" width="3" height="10" rx="1" fill="currentColor" /><rect x="9" y="3" width="3" height="10" rx="1" fill="currentColor" /></svg>;
  }
}
