import { dagGeneratorService } from '@agent-etl/dag-generator';
import { bootstrapService } from '@agent-etl/service-kit';

// Renders approved plans to Airflow DAGs and publishes them.
await bootstrapService(dagGeneratorService());
