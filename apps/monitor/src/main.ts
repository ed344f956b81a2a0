import { monitorService } from '@agent-etl/monitor';
import { bootstrapService } from '@agent-etl/service-kit';

// Projects events into views, metrics and the live feed; serves the dashboard.
await bootstrapService(monitorService());
