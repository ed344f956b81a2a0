export { Pinned } from './testing/pinned.ts';
