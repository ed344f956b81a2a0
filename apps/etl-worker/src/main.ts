import { etlWorkerService } from '@agent-etl/etl-worker';
import { bootstrapService } from '@agent-etl/service-kit';

// Claims tasks and moves bytes. Any number of these may run.
await bootstrapService(etlWorkerService());
