import { scenarios, secretsOfScenarios } from './scenarios.ts';
import { services } from './services-world.ts';

Object.assign(process.env, secretsOfScenarios);
scenarios(services);
