export { anApprovedPlan } from './testing/approved-plan.ts';
