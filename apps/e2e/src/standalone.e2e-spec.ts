import { scenarios, secretsOfScenarios } from './scenarios.ts';
import { standalone } from './standalone-world.ts';

Object.assign(process.env, secretsOfScenarios);
scenarios(standalone);
