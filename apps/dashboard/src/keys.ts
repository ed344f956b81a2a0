import { switchTheme } from './theme.ts';

const isTyping = ({ target }: KeyboardEvent): boolean => target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
/** Moves the focus over the links of the table's rows. */
function step(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('tbody a')];
  const at = links.findIndex((link) => link === document.activeElement);
  links[at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
}
const actions: Readonly<Record<string, () => void>> = { j: () => { step(1); }, k: () => { step(-1); }, t: switchTheme };

/** J and K walk the rows, Enter opens, T changes the theme. None while typing or with a modifier held. */
export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    actions[event.key.toLowerCase()]?.();
  });
}
