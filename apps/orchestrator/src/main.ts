import { orchestratorService } from '@agent-etl/orchestrator';
import { bootstrapService } from '@agent-etl/service-kit';

// Takes requests, plans, approves, hands out tasks and signs receipts.
await bootstrapService(orchestratorService());
