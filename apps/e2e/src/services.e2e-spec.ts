import { scenarios, secretsOfScenarios } from './scenarios.ts';
import { startServicesWorld } from './services-world.ts';

Object.assign(process.env, secretsOfScenarios);
scenarios('four processes', startServicesWorld);
