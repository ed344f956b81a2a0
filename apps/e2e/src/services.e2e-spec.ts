import { scenarios, secretsOfScenarios } from './scenarios.ts';
import { startServicesWorld } from './services-world.ts';

Object.assign(process.env, secretsOfScenarios);
scenarios('four processes', () => startServicesWorld(process.env['ETL_TEST_KAFKA_BROKERS']));
