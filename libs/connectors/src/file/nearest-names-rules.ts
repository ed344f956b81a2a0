export { nearestNames } from '@agent-etl/contracts';
